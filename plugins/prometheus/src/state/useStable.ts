import { useMemo } from 'react';

/** The first of several values that are the same as JSON, so that an equal answer changes nothing. */
export function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the text says all there is of the value
  return useMemo(() => value, [text]);
}
