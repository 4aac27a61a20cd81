import { type Config, readDurationFromConfig } from '@backstage/config';
import { MetricsError } from './errors';
import { toJson } from './json';
import type { MetricsOptions } from './options';

const ROOT = 'backend.metrics';

/** Keys below `backend.metrics` that hold a duration, in any form that Backstage reads. */
const DURATIONS = [
  ['exitTimeout'],
  ['exporters', 'prometheus', 'collectTimeout'],
  ['exporters', 'otlp', 'interval'],
  ['exporters', 'otlp', 'timeout'],
  ['exporters', 'console', 'interval'],
];

/**
 * Reads `backend.metrics` as it stands; the native side checks it. Only durations are read here,
 * because Backstage also knows them as strings (`60s`, `PT1M`).
 *
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`
 */
export function readMetricsConfig(config: Config): MetricsOptions {
  checkConfig(config);
  const options = config.getOptional(ROOT) ?? {};
  if (
    typeof options !== 'object' ||
    options === null ||
    Array.isArray(options)
  ) {
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${ROOT}: found ${JSON.stringify(options)}, expected a map of settings`,
    );
  }
  const copy = JSON.parse(toJson(options)) as Record<string, unknown>;
  for (const path of DURATIONS) {
    readDuration(config, copy, path);
  }
  return copy;
}

/** Callers without types pass what they have. */
function checkConfig(config: unknown): void {
  if (
    typeof (config as Config | null | undefined)?.getOptional === 'function'
  ) {
    return;
  }
  const found = config === null ? 'null' : `a value of type ${typeof config}`;
  throw new MetricsError(
    'ERR_METRICS_INVALID_CONFIG',
    `the configuration: found ${found}, expected Backstage's Config, such as that of coreServices.rootConfig`,
  );
}

function readDuration(
  config: Config,
  options: Record<string, unknown>,
  path: string[],
): void {
  const key = path[path.length - 1];
  let holder: unknown = options;
  for (const step of path.slice(0, -1)) {
    holder = (holder as Record<string, unknown> | undefined)?.[step];
    if (typeof holder !== 'object' || holder === null) {
      return;
    }
  }
  const found = (holder as Record<string, unknown>)[key];
  // Maps and numbers are the native side's to check; it names their path.
  if (typeof found !== 'string') {
    return;
  }
  const at = `${ROOT}.${path.join('.')}`;
  try {
    (holder as Record<string, unknown>)[key] = readDurationFromConfig(config, {
      key: at,
    });
  } catch (error) {
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${at}: found ${JSON.stringify(found)}, expected a duration such as { seconds: 60 }, '60s' or 'PT1M'`,
      { cause: error },
    );
  }
}
