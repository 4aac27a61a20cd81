import { useCallback, useEffect, useState } from 'react';

/** Milliseconds that a page waits for what stands above to have its height. */
const PATIENCE = 1_000;

/**
 * Whether what stands above has its height: what is below would jump when it comes. Nobody waits for
 * it for long.
 *
 * @param isAwaited whether anything stands above
 */
export function useSettled(
  isAwaited: boolean,
): [isSettled: boolean, onSettled: () => void] {
  const [isSettled, setSettled] = useState(!isAwaited);
  const onSettled = useCallback(() => setSettled(true), []);
  useEffect(() => {
    if (isSettled) {
      return undefined;
    }
    const timer = setTimeout(onSettled, PATIENCE);
    return () => clearTimeout(timer);
  }, [isSettled, onSettled]);
  return [isSettled, onSettled];
}
