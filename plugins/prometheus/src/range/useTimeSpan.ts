import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router-dom';
import {
  formatDuration,
  formatSpan,
  parseDuration,
  parseSpan,
  readSpan,
  type TimeSpan,
} from './TimeSpan';

const SPAN = 'range';
const INTERVAL = 'refresh';
const ZONE = 'tz';
const UTC = 'utc';

export interface TimeSpanState {
  span: TimeSpan;
  /** Seconds between refreshes; `undefined` where there are none. */
  interval?: number;
  /** Whether times are told in UTC, and not in the zone of whoever looks. */
  isUtc: boolean;
  setUtc: (isUtc: boolean) => void;
  setSpan: (span: TimeSpan) => void;
  setInterval: (seconds: number | undefined) => void;
}

/**
 * The span of a page, kept in its address (`?range=6h&refresh=30s&tz=utc`), so that it can be sent to
 * others, and so that the browser's way back undoes a zoom.
 */
export function useTimeSpan(fallback: TimeSpan): TimeSpanState {
  const [parameters, setParameters] = useSearchParams();
  const written = parameters.get(SPAN);
  const set = useCallback(
    (name: string, value: string | undefined) =>
      setParameters(before => {
        const after = new URLSearchParams(before);
        if (value === undefined) {
          after.delete(name);
        } else {
          after.set(name, value);
        }
        return after;
      }),
    [setParameters],
  );
  const fallbackText = formatSpan(fallback);
  const span = useMemo(
    () => readSpan(written ?? '') ?? parseSpan(fallbackText)!,
    [written, fallbackText],
  );
  const setSpan = useCallback(
    (next: TimeSpan) => set(SPAN, formatSpan(next)),
    [set],
  );
  const setInterval = useCallback(
    (seconds: number | undefined) =>
      set(
        INTERVAL,
        seconds === undefined ? undefined : formatDuration(seconds),
      ),
    [set],
  );
  const setUtc = useCallback(
    (isUtc: boolean) => set(ZONE, isUtc ? UTC : undefined),
    [set],
  );
  return {
    span,
    isUtc: parameters.get(ZONE) === UTC,
    setUtc,
    interval: parseDuration(parameters.get(INTERVAL) ?? ''),
    setSpan,
    setInterval,
  };
}
