import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import type { PanelSummary } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import type { ExemplarQuery } from '../graph/useExemplars';

/** How a panel of the entity on whose page this is asks for its exemplars, where the API has any. */
export function usePanelExemplars(
  panel: PanelSummary,
): ExemplarQuery | undefined {
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  const ask = useCallback<ExemplarQuery>(
    (range, options) =>
      api.panelExemplars?.(entity, panel, range, options) ??
      Promise.resolve([]),
    [api, entity, panel],
  );
  return api.panelExemplars && ask;
}
