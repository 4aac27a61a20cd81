import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { globalProvider } from '../globalProvider';
import { readMetricsConfig } from '../readMetricsConfig';
import { rootMetricsServiceRef } from './refs';
import { scrapeHandler } from './scrapeHandler';

/** Mounts the Prometheus page on the backend's own port, where that is asked for. */
export const metricsPlugin = createBackendPlugin({
  pluginId: 'nativestage-metrics',
  register(env) {
    env.registerInit({
      deps: {
        config: coreServices.rootConfig,
        http: coreServices.rootHttpRouter,
        // The page exists once the root service has configured the provider.
        root: rootMetricsServiceRef,
      },
      init({ config, http }) {
        const prometheus = readMetricsConfig(config).exporters?.prometheus;
        const provider = globalProvider();
        if (
          typeof prometheus === 'object' &&
          prometheus.onBackend &&
          provider
        ) {
          http.use(prometheus.path ?? '/metrics', scrapeHandler(provider));
        }
        return Promise.resolve();
      },
    });
  },
});
