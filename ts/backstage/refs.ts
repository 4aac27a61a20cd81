import {
  createServiceRef,
  type ServiceRef,
} from '@backstage/backend-plugin-api';
import { metricsServiceRef as upstreamMetricsServiceRef } from '@backstage/backend-plugin-api/alpha';
import type { MetricsService, RootMetricsService } from '../services/services';

/** The app's metrics service. Root-scoped. */
export const rootMetricsServiceRef = createServiceRef<RootMetricsService>({
  id: 'nativestage.rootMetrics',
  scope: 'root',
});

/**
 * A plugin's metrics service. It is Backstage's own ref (`alpha.core.metrics`) under our type, so
 * plugins written for Backstage's get ours unchanged.
 */
export const metricsServiceRef = upstreamMetricsServiceRef as ServiceRef<
  MetricsService,
  'plugin',
  'singleton'
>;
