import { MetricsError } from './errors';
import { toJson } from './json';
import type { MetricsOptions } from './options';
import { isResource, type Resource, settingsOf } from './resource/Resource';
import { messageOf } from './text';

/**
 * Options as plain data, read once: plain JavaScript may pass anything. What they say is the native
 * side's to check.
 *
 * @param path - Where they stand, for the error message.
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`
 */
export function plainOptions(options: unknown, path: string): MetricsOptions {
  let plain: unknown;
  try {
    // `null` where JSON has nothing to say, as of a function.
    plain = JSON.parse(toJson(withSettings(options), plainValue) ?? 'null');
  } catch (error) {
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${path}: expected plain settings, which cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    const found = options === null ? 'null' : typeof options;
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${path}: found ${Array.isArray(plain) ? 'a list' : found}, expected a map of settings`,
    );
  }
  return plain;
}

/** The resource that a program passed as an object. */
export function resourceOf(options: MetricsOptions): Resource | undefined {
  return isResource(options?.resource) ? options.resource : undefined;
}

/** With the settings that such an object stands for in its place. */
function withSettings(options: unknown): unknown {
  const resource = resourceOf(options as MetricsOptions);
  return resource
    ? { ...(options as MetricsOptions), resource: settingsOf(resource) }
    : options;
}

/**
 * For `JSON.stringify`, which leaves functions out and makes `null` of NaN, so that a setting would be
 * lost without a word.
 */
export function plainValue(key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      throw new TypeError(`${key} is a ${typeof value}`);
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}
