import type { Meter } from '@opentelemetry/api';
import type {
  MetricsService,
  RootMetricsService,
} from '../../services/services';

/**
 * Makes something once for each provider, however many backends and plugins of the process share
 * it: two sets of one instrument would count twice. A provider is known by its meter of the core
 * service, which it makes once.
 */
export function perProvider<T extends object>(
  service: string,
  create: (metrics: MetricsService) => T,
): (root: RootMetricsService) => T {
  const made = new WeakMap<Meter, T>();
  return root => {
    const metrics = root.forService(service, 'core');
    const meter = metrics.getMeter();
    let known = made.get(meter);
    if (!known) {
      known = create(metrics);
      made.set(meter, known);
    }
    return known;
  };
}

/**
 * Runs something once for each provider, from the first backend that asks for it until the last
 * one has called what it got.
 */
export function sharedRun(
  service: string,
  start: (metrics: MetricsService) => () => void,
): (root: RootMetricsService) => () => void {
  const runOf = perProvider(service, metrics => ({
    users: 0,
    start: () => start(metrics),
    stop: () => {},
  }));
  return root => {
    const run = runOf(root);
    if (run.users === 0) {
      run.stop = run.start();
    }
    run.users++;
    return () => {
      run.users--;
      if (run.users === 0) {
        run.stop();
      }
    };
  };
}
