import type { ServiceFactory } from '@backstage/backend-plugin-api';
import type { Config } from '@backstage/config';
import { isOn } from '../../provider/isOn';
import type { MetricsOptions } from '../../options/options';
import { cacheMetrics } from './cacheMetrics';
import { databaseMetrics } from './databaseMetrics';
import { eventsMetrics } from './eventsMetrics';
import { httpMetrics } from './httpMetrics';
import { runtimeMetrics } from './runtimeMetrics';
import { schedulerMetrics } from './schedulerMetrics';

type CoreOptions = NonNullable<MetricsOptions['core']>;

const FEATURES: Record<keyof CoreOptions, ServiceFactory> = {
  http: httpMetrics,
  database: databaseMetrics,
  cache: cacheMetrics,
  scheduler: schedulerMetrics,
  events: eventsMetrics,
  runtime: runtimeMetrics,
};

/** Stores that connect as soon as a plugin's cache is made, used or not. */
const CONNECTING_STORES = ['infinispan', 'valkey'];

/** The features that measure Backstage's core services: those that are not switched off. */
export function coreMetrics(
  options: CoreOptions = {},
  config: Config,
): ServiceFactory[] {
  return Object.entries(FEATURES)
    .filter(([domain]) =>
      isWanted(domain as keyof CoreOptions, options, config),
    )
    .map(([, feature]) => feature);
}

function isWanted(
  domain: keyof CoreOptions,
  options: CoreOptions,
  config: Config,
): boolean {
  const flag: unknown = options[domain];
  if (flag === undefined) {
    return domain !== 'cache' || !connectsForEveryPlugin(config);
  }
  return isOn(flag);
}

/**
 * A cache is measured from when it is made, and so it is made for every plugin. Switched on by name,
 * it is measured all the same.
 */
function connectsForEveryPlugin(config: Config): boolean {
  const store = config.getOptional('backend.cache.store');
  return CONNECTING_STORES.includes(store as string);
}
