import {
  coreServices,
  createServiceFactory,
} from '@backstage/backend-plugin-api';
import type { DefaultRootMetricsService } from '../services/DefaultRootMetricsService';
import type { RootMetricsService } from '../services/services';
import { metricsServiceRef, rootMetricsServiceRef } from './refs';

/** Serves Backstage's own `metricsServiceRef` with ours. */
export const metricsServiceFactory = createServiceFactory({
  service: metricsServiceRef,
  deps: {
    root: rootMetricsServiceRef,
    plugin: coreServices.pluginMetadata,
  },
  factory: ({ root, plugin }) =>
    isDefault(root)
      ? root.forForeignPlugin(plugin.getId())
      : root.forPlugin(plugin.getId()),
});

/** Also one of another copy of this package, as two plugins or two files of a test may have. */
function isDefault(
  root: RootMetricsService,
): root is RootMetricsService & DefaultRootMetricsService {
  return (
    typeof (root as Partial<DefaultRootMetricsService>).forForeignPlugin ===
    'function'
  );
}
