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
    // `now` is no part of the question, but when it is asked.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [api, entity, now],
  );
  const state = useRequest(stringifyEntityRef(entity), request);
  return { ...state, data: useStable(state.data) };
}
