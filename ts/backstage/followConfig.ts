import type { Config } from '@backstage/config';
import { toJson } from '../json';
import { log } from '../log';
import type { MetricsOptions, MetricsUpdate } from '../options';
import { readMetricsConfig } from '../readMetricsConfig';
import { messageOf } from '../text';

/** What of `backend.metrics` is applied while the backend runs. */
export const LIVE = [
  'views',
  'viewMatchingMode',
  'meterConfigurator',
  'cardinalityLimit',
  'plugin',
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
  const follow = () => {
    try {
      const now = readMetricsConfig(config);
      const changed = changedKeys(before, now);
      const applied = live.filter(key => changed.includes(key));
      if (applied.length > 0) {
        // What is gone has its default again.
        update(Object.fromEntries(applied.map(key => [key, now[key] ?? null])));
        log('info', `applied the change of ${named(applied)}`);
      }
      const others = changed.filter(key => !applied.includes(key as never));
      if (others.length > 0) {
        log(
          'warn',
          `the change of ${named(others)} is applied when the backend is started again`,
        );
      }
      before = now;
    } catch (error) {
      log(
        'error',
        `the change of backend.metrics is not applied: ${messageOf(error)}`,
      );
    }
  };
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

function named(keys: string[]): string {
  return keys.map(key => `backend.metrics.${key}`).join(', ');
}
