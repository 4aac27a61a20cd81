import { useEffect, useState } from 'react';

/** More than are in sight before somebody scrolls. */
const FIRST = 20;

/**
 * How many of so many rows to draw: the first ones at once, the others after the browser has painted,
 * so that the plot does not wait for what is out of sight.
 */
export function useRowsInTurn(rows: number): number {
  const [isPainted, setPainted] = useState(rows <= FIRST);
  useEffect(() => {
    if (isPainted) {
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout>;
    // A frame is painted after its callbacks, and before the next task.
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => setPainted(true));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [isPainted]);
  return isPainted ? rows : Math.min(rows, FIRST);
}
