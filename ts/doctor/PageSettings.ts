import { isIP } from 'node:net';
import type { MetricsOptions, PrometheusExporterOptions } from '../options';

/** Where the Prometheus page is, by config, environment and default. */
export interface PageSettings {
  /** Whether it has a port of its own. */
  server: boolean;
  onBackend: boolean;
  host: string;
  port: number;
  path: string;
  token?: string;
}

/** `undefined` where the page is switched off. */
export function pageSettings(
  options: MetricsOptions,
  env: Record<string, string | undefined>,
): PageSettings | undefined {
  const given: unknown = options.exporters?.prometheus;
  const exporters = env.OTEL_METRICS_EXPORTER?.trim();
  const isOff =
    given === undefined
      ? Boolean(exporters) && !exporters!.split(',').includes('prometheus')
      : given === false || given === 'false';
  if (isOff) {
    return undefined;
  }
  // Unchecked: whatever stands there must not stop the doctor.
  const settings = (
    typeof given === 'object' && given !== null ? given : {}
  ) as PrometheusExporterOptions;
  const { host, port, token } = settings;
  return {
    server: flag(settings.server, true),
    onBackend: flag(settings.onBackend, false),
    host: String(host ?? (env.OTEL_EXPORTER_PROMETHEUS_HOST || '127.0.0.1')),
    port: Number(port ?? (env.OTEL_EXPORTER_PROMETHEUS_PORT || 9464)),
    path: String(settings.path ?? '/metrics'),
    token: typeof token === 'string' ? token : undefined,
  };
}

/** Where this machine reaches a page with a port of its own. */
export function pageUrl({ host, port, path }: PageSettings): string {
  return `http://${reachable(host)}:${port}${path}`;
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);
}

/** A server that listens everywhere answers on loopback. */
function reachable(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare === '0.0.0.0') {
    return '127.0.0.1';
  }
  if (isIP(bare) === 6) {
    return bare === '::' ? '[::1]' : `[${bare}]`;
  }
  return bare;
}

/** `${VARIABLE}` in app-config yields strings. */
function flag(value: unknown, otherwise: boolean): boolean {
  return value === undefined ? otherwise : value === true || value === 'true';
}
