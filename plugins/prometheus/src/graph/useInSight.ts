import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { useState } from 'react';

interface InSight<T> {
  /** What is wanted, as of when it was last in sight. */
  wanted?: T;
  /** What was given then. */
  seen?: T;
  wasHidden: boolean;
}

/**
 * What a panel asks for while it is in sight. Out of sight it stays as it was; back in sight it is
 * another one only if the picture would be: not within the step of the one that is there.
 *
 * @param next from `useMemo`
 * @param step seconds, of the picture that is there
 */
export function useInSight<T extends TimeRange & { now?: number }>(
  next: T,
  isVisible: boolean,
  step: number | undefined,
): T | undefined {
  const [state, setState] = useState<InSight<T>>({ wasHidden: true });
  const { wanted, seen, wasHidden } = state;
  if (isVisible && (seen !== next || wasHidden)) {
    const isSame =
      wasHidden && wanted !== undefined && isWithinStep(wanted, next, step);
    setState({
      wanted: isSame ? wanted : next,
      seen: next,
      wasHidden: false,
    });
  } else if (!isVisible && !wasHidden) {
    setState({ ...state, wasHidden: true });
  }
  return wanted;
}

function isWithinStep<T extends TimeRange & { now?: number }>(
  wanted: T,
  next: T,
  step: number | undefined,
): boolean {
  const { start, end, now, ...rest } = next;
  // A range that does not move with the time is asked again when somebody refreshes.
  const isRefreshed =
    now !== wanted.now && start === wanted.start && end === wanted.end;
  const isOtherwiseSame = Object.entries(rest).every(
    ([key, value]) => (wanted as Record<string, unknown>)[key] === value,
  );
  if (step === undefined || !isOtherwiseSame || isRefreshed) {
    return wanted === next;
  }
  return (
    Math.floor(wanted.start / step) === Math.floor(start / step) &&
    Math.floor(wanted.end / step) === Math.floor(end / step)
  );
}
