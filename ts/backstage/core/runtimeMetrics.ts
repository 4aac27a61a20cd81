import {
  coreServices,
  createServiceFactory,
  createServiceRef,
} from '@backstage/backend-plugin-api';
import { rootMetricsServiceRef } from '../refs';
import { notMeasured } from './decorate';

/** Metrics of Node and of the process, until the backend shuts down. */
export const runtimeMetrics = createServiceFactory({
  service: createServiceRef<void>({
    id: 'nativestage.coreMetrics.runtime',
    scope: 'root',
  }),
  deps: { root: rootMetricsServiceRef, lifecycle: coreServices.rootLifecycle },
  factory: async ({ root, lifecycle }) => {
    try {
      // OpenTelemetry's instrumentations hook into `require`: loaded by whom they are for alone.
      const { runRuntime } = await import('./runRuntime.js');
      lifecycle.addShutdownHook(runRuntime(root));
    } catch (error) {
      notMeasured('backstage.core.runtime', error);
    }
  },
});
