import { type CacheService, coreServices } from '@backstage/backend-plugin-api';
import type {
  MetricsCounter,
  MetricsHistogram,
  MetricsService,
} from '../../services/services';
import { decorate, harmless } from './decorate';
import { pluginObserver, type ServiceObserver } from './pluginObserver';
import { type Outcome, timed } from './timed';

const WHAT = 'backstage.core.cache';

type Operation = 'get' | 'set' | 'delete';

/** Memory answers within microseconds, a server within milliseconds. */
const SECONDS = [
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

class CacheObserver implements ServiceObserver<CacheService> {
  private readonly operations: MetricsCounter;
  private readonly duration: MetricsHistogram;

  constructor(metrics: MetricsService) {
    this.operations = metrics.createCounter('operations.total', {
      description: 'Operations on the cache by what came of them',
      unit: '{operation}',
    });
    this.duration = metrics.createHistogram('operations.duration', {
      description: 'How long operations on the cache took',
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
  }

  observe(cache: CacheService, plugin: string): void {
    for (const operation of ['get', 'set', 'delete'] as const) {
      decorate(WHAT, cache, operation, (call, args) =>
        timed(
          WHAT,
          () => call(...args),
          outcome => this.record(plugin, operation, outcome),
        ),
      );
    }
    decorate<unknown[], CacheService>(
      WHAT,
      cache,
      'withOptions',
      (call, args) => {
        const further = call(...args);
        harmless(WHAT, () => this.observe(further, plugin));
        return further;
      },
    );
  }

  private record(plugin: string, operation: Operation, outcome: Outcome): void {
    const result = resultOf(operation, outcome);
    this.operations.add(1, { plugin, operation, result });
    this.duration.record(outcome.seconds, { plugin, operation });
  }
}

function resultOf(operation: Operation, { failed, value }: Outcome): string {
  if (failed) {
    return 'error';
  }
  if (operation !== 'get') {
    return 'ok';
  }
  return value === undefined ? 'miss' : 'hit';
}

/** Metrics of what plugins do with `coreServices.cache`. */
export const cacheMetrics = pluginObserver(
  'cache',
  coreServices.cache,
  metrics => new CacheObserver(metrics),
);
