import type { Config } from '@backstage/config';
import { toJson } from '../common/json';
import { log } from '../common/log';
import type { MetricsOptions, MetricsUpdate } from '../options/options';
import { readMetricsConfig } from '../provider/readMetricsConfig';
import { messageOf } from '../common/text';

/** What of `backend.metrics` is applied while the backend runs. */
export const LIVE = [
  'views',
  'viewMatchingMode',
  'meterConfigurator',
  'cardinalityLimit',
  'plugin',
  'exporters',
] as const satisfies (keyof MetricsUpdate)[];

/**
 * Applies changes of `backend.metrics`, where the app's configuration tells of them. A configuration
 * that is not valid is an error in the log, and changes nothing.
 *
 * @param live - The keys that are applied. A change of any other is a warning.
 * @returns Ends it.
 */
export function followConfig(
  config: Config,
  live: readonly (keyof MetricsUpdate)[],
  update: (changed: MetricsUpdate) => void,
): () => void {
  let before = readMetricsConfig(config);
  /** A change that is refused is tried again with the next one. */
  const attempt = (what: string, change: () => void) => {
    try {
      change();
    } catch (error) {
      log('error', `the change of ${what} is not applied: ${messageOf(error)}`);
    }
  };
  const follow = () =>
    attempt('backend.metrics', () => {
      const now = readMetricsConfig(config);
      const changed = changedKeys(before, now);
      const applied = live.filter(key => changed.includes(key));
      // Exporters alone: they cannot take on everything while they run, and the others can.
      for (const keys of [
        applied.filter(key => key !== 'exporters'),
        applied.filter(key => key === 'exporters'),
      ]) {
        if (keys.length > 0) {
          attempt(named(keys), () => {
            // What is gone has its default again.
            update(
              Object.fromEntries(keys.map(key => [key, now[key] ?? null])),
            );
            log('info', `applied the change of ${named(keys)}`);
            before = changedBy(before, now, keys);
          });
        }
      }
      const others = changed.filter(key => !applied.includes(key as never));
      if (others.length > 0) {
        log(
          'warn',
          `the change of ${named(others)} is applied when the backend is started again`,
        );
        before = changedBy(before, now, others);
      }
    });
  const subscription = config.subscribe?.(follow);
  return () => subscription?.unsubscribe();
}

function changedKeys(
  before: MetricsOptions,
  now: MetricsOptions,
): (keyof MetricsOptions)[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return ([...keys] as (keyof MetricsOptions)[]).filter(
    key => toJson(before[key]) !== toJson(now[key]),
  );
}

/** The options of before, with some as they are now. */
function changedBy(
  before: MetricsOptions,
  now: MetricsOptions,
  keys: (keyof MetricsOptions)[],
): MetricsOptions {
  return {
    ...before,
    ...Object.fromEntries(keys.map(key => [key, now[key]])),
  };
}

function named(keys: string[]): string {
  return keys.map(key => `backend.metrics.${key}`).join(', ');
}
