import HourglassIcon from '@material-ui/icons/HourglassEmpty';
import { useIsSaidAbove } from './Outages';
import { ProblemMessage } from './ProblemMessage';
import { problemOf } from './problemOf';
import { StateMessage } from './StateMessage';

export interface FailureProps {
  error: Error;
  height?: number;
  /** What a button does, where that can help. */
  onRetry?: () => void;
}

/** Why there is no picture, unless it is said above for several. */
export function Failure({ error, height, onRetry }: FailureProps) {
  return useIsSaidAbove(error) ? (
    <StateMessage
      title="Nothing to show"
      detail="The message above says why."
      height={height}
      icon={<HourglassIcon color="disabled" />}
    />
  ) : (
    <ProblemMessage
      problem={problemOf(error)}
      height={height}
      onRetry={onRetry}
    />
  );
}
