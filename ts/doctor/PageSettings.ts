import { isIP } from 'node:net';
import type { MetricsOptions } from '../options/options';
import { isMap } from './AppFiles';
import type { DeclaredFile } from './DeclaredFile';

const EXPORTERS = ['otlp', 'prometheus', 'console', 'logging', 'none'];

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

type Environment = Record<string, string | undefined>;

/**
 * `undefined` where the page is switched off.
 *
 * @param declared - A file that takes the place of the environment.
 */
export function pageSettings(
  options: MetricsOptions,
  environment: Environment,
  declared?: DeclaredFile,
): PageSettings | undefined {
  const inFile =
    declared?.state === 'read' ? (declared.page ?? false) : undefined;
  const given: unknown = options.exporters?.prometheus ?? inFile;
  const env = declared ? {} : environment;
  const named = exporterNames(env);
  const isOff =
    given === undefined
      ? named !== undefined && !named.includes('prometheus')
      : isSwitchedOff(given);
  if (isOff) {
    return undefined;
  }
  // Unchecked: whatever stands there must not stop the doctor.
  const settings = isMap(given) ? given : {};
  const { host, port, token, path } = settings;
  return {
    server: flag(settings.server, true),
    onBackend: flag(settings.onBackend, false),
    host: typeof host === 'string' ? host : environmentHost(env),
    port: port === undefined ? environmentPort(env) : Number(port),
    path: typeof path === 'string' && path.startsWith('/') ? path : '/metrics',
    token: typeof token === 'string' ? token.trim() : undefined,
  };
}

/**
 * What `OTEL_METRICS_EXPORTER` names and there is; `undefined` where it counts as unset. As
 * `src/config/environment.rs` reads it: without the addon the doctor looks at the page too.
 */
export function exporterNames(env: Environment): string[] | undefined {
  const names = (env.OTEL_METRICS_EXPORTER ?? '')
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(name => EXPORTERS.includes(name));
  return names.length > 0 ? names : undefined;
}

/** `${VARIABLE}` in app-config yields strings. */
export function isSwitchedOff(exporter: unknown): boolean {
  return exporter === false || exporter === 'false';
}

function environmentHost({ OTEL_EXPORTER_PROMETHEUS_HOST }: Environment) {
  const host = OTEL_EXPORTER_PROMETHEUS_HOST?.trim() ?? '';
  const isKnown =
    /^localhost$/i.test(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) > 0;
  return isKnown ? host : '127.0.0.1';
}

function environmentPort({ OTEL_EXPORTER_PROMETHEUS_PORT }: Environment) {
  const port = OTEL_EXPORTER_PROMETHEUS_PORT?.trim() ?? '';
  return /^\d+$/.test(port) && Number(port) < 65536 ? Number(port) : 9464;
}

/** Where this machine reaches a page with a port of its own. */
export function pageUrl({ host, port, path }: PageSettings): string {
  return `http://${reachable(host)}:${port}${path}`;
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127\.[\d.]+|\[?::1\]?)$/i.test(host);
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
