import type {
  Exemplar,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import type { RequestOptions } from '../api/PrometheusApi';
import { type RequestState, useRequest } from '../state/useRequest';

/** What a panel asks for its exemplars; it comes from `useCallback`. */
export type ExemplarQuery = (
  range: TimeRange,
  options: RequestOptions,
) => Promise<Exemplar[]>;

/**
 * The exemplars of a panel's picture.
 *
 * @param ask missing where they are not wanted
 * @param range of the picture that is there, if any
 */
export function useExemplars(
  query: string,
  ask: ExemplarQuery | undefined,
  range: TimeRange | undefined,
): RequestState<Exemplar[]> {
  const { start, end } = range ?? {};
  const request = useCallback(
    (signal: AbortSignal) => ask!({ start: start!, end: end! }, { signal }),
    [ask, start, end],
  );
  return useRequest(query, ask && range ? request : undefined);
}
