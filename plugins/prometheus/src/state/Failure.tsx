import { OutageMessage } from './OutageMessage';
import { useOutage } from './useOutage';

export interface FailureProps {
  error: Error;
  height?: number;
  /** What a button does, where that can help. */
  onRetry?: () => void;
}

/** Why there is no picture, unless it is said elsewhere for several. */
export function Failure({ error, height, onRetry }: FailureProps) {
  return <OutageMessage {...useOutage(error, onRetry)} height={height} />;
}
