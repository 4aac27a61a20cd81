import { performance } from 'node:perf_hooks';
import type { BatchObservableCallback, Observable } from '@opentelemetry/api';
import type { MetricsService } from '../../services/services';

/** Two readers that collect within it share what was observed. */
const SHARED_MS = 1000;

type Observation = Parameters<
  Parameters<BatchObservableCallback>[0]['observe']
>;

/**
 * A service for callbacks that observe what happened since they were called last, and nothing when
 * that is too little: each reader would leave the next one without values, and one that comes right
 * after another would never have any. Here a callback is called once for all who come within a
 * second, and what it observed last stands until it observes again, or until `end`.
 */
export function steadyMeter(
  metrics: MetricsService,
  end: AbortSignal,
): MetricsService {
  const steady = new Map<BatchObservableCallback, BatchObservableCallback>();
  return Object.assign(Object.create(metrics) as MetricsService, {
    addBatchObservableCallback(
      callback: BatchObservableCallback,
      observables: Observable[],
    ): void {
      const shared = steady.get(callback) ?? share(callback, end);
      steady.set(callback, shared);
      metrics.addBatchObservableCallback(shared, observables);
    },
    removeBatchObservableCallback(
      callback: BatchObservableCallback,
      observables: Observable[],
    ): void {
      const shared = steady.get(callback) ?? callback;
      metrics.removeBatchObservableCallback(shared, observables);
    },
  });
}

function share(
  callback: BatchObservableCallback,
  end: AbortSignal,
): BatchObservableCallback {
  let last: Observation[] = [];
  let calledAt = -Infinity;
  return async result => {
    if (performance.now() - calledAt >= SHARED_MS) {
      calledAt = performance.now();
      const observed: Observation[] = [];
      await callback({ observe: (...one) => observed.push(one) });
      last = observed.length > 0 ? observed : last;
    }
    if (!end.aborted) {
      last.forEach(one => result.observe(...one));
    }
  };
}
