import { useCallback, useEffect, useState } from 'react';

/**
 * The present, in seconds since 1970: read again every `interval` seconds while somebody looks at the
 * page, at once when they come back to it later than that, and whenever `refresh` is called.
 */
export function useNow(interval?: number): {
  now: number;
  refresh: () => void;
} {
  const [now, setNow] = useState(readNow);
  const refresh = useCallback(() => setNow(readNow()), []);
  useEffect(() => {
    if (interval === undefined) {
      return undefined;
    }
    const refreshIfDue = () => {
      if (document.visibilityState === 'visible') {
        setNow(last => (isDue(last, interval) ? readNow() : last));
      }
    };
    const timer = setInterval(refreshIfDue, interval * 1000);
    document.addEventListener('visibilitychange', refreshIfDue);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', refreshIfDue);
    };
  }, [interval]);
  return { now, refresh };
}

/** Timers come a little early now and then; a tenth does not cost a whole interval. */
function isDue(last: number, interval: number): boolean {
  return readNow() - last >= interval * 0.9;
}

function readNow(): number {
  return Date.now() / 1000;
}
