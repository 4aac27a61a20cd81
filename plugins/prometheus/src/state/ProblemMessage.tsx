import Button from '@material-ui/core/Button';
import ErrorIcon from '@material-ui/icons/ErrorOutline';
import HourglassIcon from '@material-ui/icons/HourglassEmpty';
import type { Problem } from './problemOf';
import { StateMessage } from './StateMessage';

export interface ProblemMessageProps {
  problem: Problem;
  height?: number;
  /** What a button does, where that can help. */
  onRetry?: () => void;
}

/** Why there is no picture, and what can be done. */
export function ProblemMessage({
  problem: { title, detail, isTransient },
  height,
  onRetry,
}: ProblemMessageProps) {
  return (
    <StateMessage
      role="alert"
      title={title}
      detail={detail}
      isCode={detail.includes('\n')}
      height={height}
      icon={isTransient ? <HourglassIcon /> : <ErrorIcon color="error" />}
      action={
        onRetry &&
        isTransient && (
          <Button size="small" variant="outlined" onClick={onRetry}>
            Try again
          </Button>
        )
      }
    />
  );
}
