import HourglassIcon from '@material-ui/icons/HourglassEmpty';
import { ProblemMessage } from './ProblemMessage';
import { StateMessage } from './StateMessage';
import type { OutageState } from './useOutage';

export interface OutageMessageProps extends OutageState {
  height?: number;
}

/** Why there is no picture, in short where another part of the page says it. */
export function OutageMessage({
  problem,
  saidBy,
  onRetry,
  height,
}: OutageMessageProps) {
  return saidBy ? (
    <StateMessage
      title="Nothing to show"
      detail={
        saidBy === 'banner'
          ? 'The message above says why.'
          : 'Another card on this page says why.'
      }
      height={height}
      icon={<HourglassIcon color="disabled" />}
    />
  ) : (
    <ProblemMessage problem={problem} height={height} onRetry={onRetry} />
  );
}
