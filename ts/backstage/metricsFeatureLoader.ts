import { createBackendFeatureLoader } from '@backstage/backend-plugin-api';
import { awaitConfiguration } from '../globalProvider';
import { metricsPlugin } from './metricsPlugin';
import { metricsServiceFactory } from './metricsServiceFactory';
import { rootMetricsServiceFactory } from './rootMetricsServiceFactory';

awaitConfiguration();

/**
 * Everything an adopter needs: `backend.add(import('@nativestage/metrics'))`. Factories that the
 * app adds itself go before those of a loader.
 */
export const metricsFeatureLoader = createBackendFeatureLoader({
  loader: () => [
    rootMetricsServiceFactory,
    metricsServiceFactory,
    metricsPlugin,
  ],
});
