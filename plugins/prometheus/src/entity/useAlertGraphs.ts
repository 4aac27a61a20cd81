import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import { useMemo } from 'react';
import type { AlertGraphs } from '../alerts/AlertGraph';
import { prometheusApiRef } from '../api/PrometheusApi';
import { useStable } from '../state/useStable';

/**
 * How graphs of the alerts of the entity on whose page this is are asked for, where the API has any.
 *
 * @param names those that the alerts were asked for by
 * @param now asks again when it changes
 */
export function useAlertGraphs(
  names: 'all' | string[] | undefined,
  now: number,
  onRetry: () => void,
): AlertGraphs | undefined {
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  const wanted = useStable(names);
  const ask = useMemo<AlertGraphs['ask'] | undefined>(
    () =>
      api.alertRange &&
      ((rule, range, options) =>
        api.alertRange!(entity, rule, wanted, range, options)),
    [api, entity, wanted],
  );
  return ask && { ask, now, onRetry };
}
