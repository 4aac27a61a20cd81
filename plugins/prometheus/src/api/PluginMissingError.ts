/** There is nothing that would ask Prometheus: neither the backend plugin nor an endpoint of the proxy. */
export class PluginMissingError extends Error {
  override readonly name = 'PluginMissingError';
  readonly code = 'ERR_PROMETHEUS_PLUGIN_MISSING';

  constructor() {
    super(
      "The backend has no Prometheus plugin. Add backend.add(import('@nativestage/backstage-plugin-prometheus-backend')) to packages/backend/src/index.ts, or set prometheus.proxyPath to an endpoint of the proxy.",
    );
  }
}
