import { stringifyEntityRef } from '@backstage/catalog-model';
import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import type { AlertsResult } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import { type RequestState, useRequest } from '../state/useRequest';
import { useStable } from '../state/useStable';

/**
 * The alerts of the entity on whose page this is.
 *
 * @param names those of the annotation where they are left out
 * @param now asks again when it changes
 */
export function useAlerts(
  names: 'all' | string[] | undefined,
  now: number,
): RequestState<AlertsResult> {
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  // Where it is used a list is often written out, and is another one each time it is drawn.
  const wanted = useStable(names);
  const request = useCallback(
    (signal: AbortSignal) => api.alerts(entity, wanted, { signal }),
    [api, entity, wanted],
  );
  const subject = JSON.stringify([stringifyEntityRef(entity), wanted]);
  return useRequest(subject, request, now);
}
