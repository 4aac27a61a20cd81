import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import type { PanelSummary } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import type { PanelQuery } from '../graph/useSeries';

/** How a panel of the entity on whose page this is asks for its series. */
export function usePanelQuery(panel: PanelSummary): PanelQuery {
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  return useCallback<PanelQuery>(
    (range, options) => api.panelRange(entity, panel, range, options),
    [api, entity, panel],
  );
}
