import {
  coreServices,
  createServiceFactory,
  createServiceRef,
} from '@backstage/backend-plugin-api';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { rootMetricsServiceRef } from '../refs';
import { harmless, notMeasured } from './decorate';
import { HttpRecorder } from './HttpRecorder';
import { sharedRun } from './perProvider';
import { optional } from './pluginObserver';
import { addPlugins } from './requestRoute';

// Not @opentelemetry/instrumentation-http: it has to be loaded before anything loads `http`, and
// knows no routes without the instrumentation of Express, which has to be loaded as early.
const CHANNEL = 'http.server.request.start';

const WHAT = 'backstage.core.http';

const run = sharedRun('http', metrics => {
  const recorder = new HttpRecorder(metrics);
  const listener = (message: unknown) =>
    harmless(WHAT, () => {
      const { request, response } = message as {
        request: IncomingMessage;
        response: ServerResponse;
      };
      recorder.started(request, response);
    });
  subscribe(CHANNEL, listener);
  return () => unsubscribe(CHANNEL, listener);
});

/**
 * Metrics of the requests to every HTTP server of the process, until the backend shuts down. Only
 * those that Express answers have a route, and only those below `/api/{pluginId}` a plugin.
 */
export const httpMetrics = createServiceFactory({
  service: createServiceRef<void>({
    id: 'nativestage.coreMetrics.http',
    scope: 'root',
  }),
  deps: {
    root: rootMetricsServiceRef,
    lifecycle: coreServices.rootLifecycle,
    metadata: optional(coreServices.rootInstanceMetadata),
  },
  factory: async ({ root, lifecycle, metadata: [metadata] }) => {
    try {
      const plugins = (await metadata?.getInstalledPlugins()) ?? [];
      addPlugins(plugins.map(({ pluginId }) => pluginId));
      lifecycle.addShutdownHook(run(root));
    } catch (error) {
      notMeasured(WHAT, error);
    }
  },
});
