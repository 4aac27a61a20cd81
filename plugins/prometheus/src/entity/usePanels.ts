import { stringifyEntityRef } from '@backstage/catalog-model';
import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import type { EntityPanels } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import { type RequestState, useRequest } from '../state/useRequest';
import { useStable } from '../state/useStable';

/**
 * The graphs of the entity on whose page this is.
 *
 * @param now asks again when it changes
 */
export function usePanels(now: number): RequestState<EntityPanels> {
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  const request = useCallback(
    (signal: AbortSignal) => api.panels(entity, { signal }),
    [api, entity],
  );
  const state = useRequest(stringifyEntityRef(entity), request, now);
  return { ...state, data: useStable(state.data) };
}
