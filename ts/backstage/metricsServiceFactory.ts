import {
  coreServices,
  createServiceFactory,
} from '@backstage/backend-plugin-api';
import { DefaultRootMetricsService } from '../DefaultRootMetricsService';
import { metricsServiceRef, rootMetricsServiceRef } from './refs';

/** Serves Backstage's own `metricsServiceRef` with ours. */
export const metricsServiceFactory = createServiceFactory({
  service: metricsServiceRef,
  deps: {
    root: rootMetricsServiceRef,
    plugin: coreServices.pluginMetadata,
  },
  factory: ({ root, plugin }) =>
    root instanceof DefaultRootMetricsService
      ? root.forForeignPlugin(plugin.getId())
      : root.forPlugin(plugin.getId()),
});
