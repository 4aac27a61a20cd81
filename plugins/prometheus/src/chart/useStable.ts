import { useMemo } from 'react';

/**
 * The same object as long as it says the same, for values that a caller writes anew each time it
 * renders. Only for what JSON can hold.
 */
export function useStable<T extends object>(value: T): T {
  const text = JSON.stringify(value);
  return useMemo(() => JSON.parse(text) as T, [text]);
}
