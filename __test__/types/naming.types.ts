// Compiled by naming.test.ts, never run. Each `expect-error` is an error if there is none.
import type { MetricsService as UpstreamMetricsService } from '@backstage/backend-plugin-api/alpha';
import type { MetricsService, RootMetricsService } from '@nativestage/metrics';
import metricsFeature, {
  metricsServiceFactory,
  metricsServiceRef,
  rootMetricsServiceFactory,
  rootMetricsServiceRef,
  ValueType,
} from '@nativestage/metrics';
import type { Counter, Histogram, Meter } from '@opentelemetry/api';
import {
  createBackendPlugin,
  type ServiceRef,
} from '@backstage/backend-plugin-api';

export function names(service: MetricsService, name: string) {
  service.createCounter('entities.count');
  service.createCounter('entities.by.kind.count');
  // @ts-expect-error -- no category
  service.createCounter('count');
  // @ts-expect-error -- no category
  service.createUpDownCounter('count');
  // @ts-expect-error -- no category
  service.createHistogram('count');
  // @ts-expect-error -- no category
  service.createGauge('count');
  // @ts-expect-error -- no category
  service.createObservableCounter('count');
  // @ts-expect-error -- no category
  service.createObservableUpDownCounter('count');
  // @ts-expect-error -- no category
  service.createObservableGauge('count');
  // @ts-expect-error -- any string might have no category
  service.createCounter(name);
  service.createCounter(`entities.${name}`);
}

export function attributes(service: MetricsService) {
  const counter = service.createCounter<{ kind: 'API' | 'Component' }>(
    'entities.count',
    { unit: '{entity}', valueType: ValueType.INT },
  );
  counter.add(1, { kind: 'API' });
  // @ts-expect-error -- another kind than the author allows
  counter.add(1, { kind: 'Apo' });
  const bound = counter.bind({ kind: 'API' });
  bound.add(1);
  counter.remove({ kind: 'API' });
  counter.clear();
  service.createHistogram('a.b').bind().record(1);
  service.createGauge('a.b').bind({ x: 1 }).record(1);
}

/** Code that upstream's types were written for. */
export function upstream(service: UpstreamMetricsService) {
  const counter = service.createCounter('count', { description: 'd' });
  counter.add(1, { a: 'b' });
  service.createObservableGauge('g').addCallback(result => result.observe(1));
}

/** Code that OpenTelemetry's types were written for. */
export function opentelemetry(
  meter: Meter,
  counter: Counter,
  histogram: Histogram,
) {
  meter.createCounter('count').add(1);
  counter.add(1);
  histogram.record(1);
}

export function fits(service: MetricsService, root: RootMetricsService) {
  upstream(service);
  upstream(root);
  upstream(root.forPlugin('catalog'));
  root.forService('database', 'core').createCounter('a.b');
  // @ts-expect-error -- there are two scopes
  root.forService('database', 'other');
  opentelemetry(
    service.getMeter(),
    service.createCounter('a.b'),
    service.createHistogram('a.b'),
  );
  const gauge = service.createObservableGauge('a.b');
  service.addBatchObservableCallback(
    result => result.observe(gauge, 1, { a: 1 }),
    [gauge],
  );
}

export const plugin = createBackendPlugin({
  pluginId: 'p',
  register(env) {
    env.registerInit({
      deps: { metrics: metricsServiceRef, root: rootMetricsServiceRef },
      init({ metrics, root }) {
        fits(metrics, root);
        return Promise.resolve();
      },
    });
  },
});

export const ref: ServiceRef<UpstreamMetricsService> = metricsServiceRef;

export const features = [
  metricsFeature,
  metricsServiceFactory,
  rootMetricsServiceFactory,
];
