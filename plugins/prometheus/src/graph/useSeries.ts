import type {
  RangeResult,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import type { RangeQuery, RequestOptions } from '../api/PrometheusApi';
import { type RequestState, useRequest } from '../state/useRequest';
import { useInSight } from './useInSight';

/** A point for every other pixel: more would draw over each other. */
const PIXELS_PER_POINT = 2;

/** What a panel asks; it comes from `useCallback`. */
export type PanelQuery = (
  range: RangeQuery,
  options: RequestOptions,
) => Promise<RangeResult>;

export interface SeriesQuery {
  /** As Prometheus is asked. */
  query: string;
  ask: PanelQuery;
  range: TimeRange;
  /** Seconds since 1970; asks again when it changes, whatever the range. */
  now?: number;
  /** Seconds; chosen by the panel's width where it is left out. */
  step?: number;
}

/**
 * The series of a query, asked for while they are in sight.
 *
 * @param width pixels, and 0 before it is laid out
 */
export function useSeries(
  { query, ask, range: { start, end }, now, step }: SeriesQuery,
  width: number,
  isVisible: boolean,
): RequestState<RangeResult> {
  const next = useMemo(
    () => ({ ask, start, end, now, step, width }),
    [ask, start, end, now, step, width],
  );
  const [shownStep, setShownStep] = useState<number>();
  const wanted = useInSight(next, isVisible, shownStep);
  const request = useCallback(
    (signal: AbortSignal) => {
      const {
        ask: askNow,
        step: fixed,
        width: wide,
        start: from,
        end: to,
      } = wanted!;
      const maxPoints = Math.max(Math.ceil(wide / PIXELS_PER_POINT), 3);
      const points = fixed === undefined ? { maxPoints } : { step: fixed };
      return askNow({ start: from, end: to, ...points }, { signal });
    },
    [wanted],
  );
  const state = useRequest(query, wanted && request);
  const found = state.error ? undefined : state.data?.step;
  if (found !== shownStep) {
    setShownStep(found);
  }
  return state;
}
