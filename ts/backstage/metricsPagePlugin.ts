import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { globalProvider } from '../provider/globalProvider';
import { rootMetricsServiceRef } from './refs';
import { scrapeHandler } from './scrapeHandler';

/** Mounts the Prometheus page on the backend's own port. */
export function metricsPagePlugin(path: string) {
  return createBackendPlugin({
    pluginId: 'nativestage-metrics',
    register(env) {
      env.registerInit({
        deps: {
          http: coreServices.rootHttpRouter,
          // The page exists once the root service has configured the provider.
          root: rootMetricsServiceRef,
        },
        init({ http }) {
          const provider = globalProvider();
          if (provider) {
            // Requests spell the path percent-encoded, and Express compares it as they do.
            const encoded = provider.native.pagePath() ?? path;
            http.use(encoded, scrapeHandler(provider));
          }
          return Promise.resolve();
        },
      });
    },
  });
}
