import {
  type Config,
  ConfigReader,
  readDurationFromConfig,
} from '@backstage/config';
import type { HumanDuration } from '@backstage/types';
import { MetricsError } from '../common/errors';
import { toJson } from '../common/json';
import type { MetricsOptions } from '../options/options';

const ROOT = 'backend.metrics';

/**
 * Keys below `backend.metrics` that hold a duration, in any form that Backstage reads. What stands on
 * the way may be a list.
 */
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
    readDurations(copy, path, ROOT);
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

/** @param at - The path of `holder`. */
function readDurations(
  holder: unknown,
  [key, ...rest]: string[],
  at: string,
): void {
  if (Array.isArray(holder)) {
    holder.forEach((entry, index) =>
      readDurations(entry, [key, ...rest], `${at}[${index}]`),
    );
  } else if (typeof holder === 'object' && holder !== null) {
    const settings = holder as Record<string, unknown>;
    if (rest.length > 0) {
      readDurations(settings[key], rest, `${at}.${key}`);
    } else if (typeof settings[key] === 'string') {
      settings[key] = readDuration(settings[key], `${at}.${key}`);
    }
    // Maps and numbers are the native side's to check; it names their path.
  }
}

function readDuration(text: string, at: string): HumanDuration {
  try {
    // Not by its path: Backstage's configuration has none for what is in a list.
    return readDurationFromConfig(new ConfigReader({ duration: text }), {
      key: 'duration',
    });
  } catch (error) {
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${at}: found ${JSON.stringify(text)}, expected a duration such as { seconds: 60 }, '60s' or 'PT1M'`,
      { cause: error },
    );
  }
}
