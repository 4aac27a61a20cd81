import {
  coreServices,
  createBackendFeatureLoader,
} from '@backstage/backend-plugin-api';
import { awaitConfiguration } from '../provider/globalProvider';
import { isOn } from '../provider/isOn';
import { readMetricsConfig } from '../provider/readMetricsConfig';
import { assertBackstage } from './assertBackstage';
import { coreMetrics } from './core/coreMetrics';
import { metricsPagePlugin } from './metricsPagePlugin';
import { metricsServiceFactory } from './metricsServiceFactory';
import { rootMetricsServiceFactory } from './rootMetricsServiceFactory';

awaitConfiguration();

/**
 * Everything an adopter needs: `backend.add(import('@nativestage/metrics'))`. Factories that the
 * app adds itself go before those of a loader.
 */
export const metricsFeatureLoader = createBackendFeatureLoader({
  deps: { config: coreServices.rootConfig },
  *loader({ config }) {
    assertBackstage();
    yield rootMetricsServiceFactory;
    yield metricsServiceFactory;
    const { core, exporters } = readMetricsConfig(config);
    yield* coreMetrics(core, config);
    const prometheus = exporters?.prometheus;
    // Not otherwise: a backend without an HTTP router must start too.
    if (typeof prometheus === 'object' && isOn(prometheus.onBackend)) {
      yield metricsPagePlugin(prometheus.path ?? '/metrics');
    }
  },
});
