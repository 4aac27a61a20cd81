import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { globalProvider } from '../globalProvider';
import { rootMetricsServiceRef } from './refs';
import { scrapeHandler } from './scrapeHandler';

/** Mounts the Prometheus page on the backend's own port, where that is asked for. */
export const metricsPlugin = createBackendPlugin({
  pluginId: 'nativestage-metrics',
  register(env) {
    env.registerInit({
      deps: {
        http: coreServices.rootHttpRouter,
        // The page exists once the root service has configured the provider.
        root: rootMetricsServiceRef,
      },
      async init({ http }) {
        const provider = globalProvider();
        const path = provider?.native.backendPath();
        if (provider && path) {
          http.use(path, scrapeHandler(provider));
        }
      },
    });
  },
});
