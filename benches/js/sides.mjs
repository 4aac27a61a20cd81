// The rivals: each makes instruments, writes a call, and reads back what it counted.
import { createRequire } from 'node:module';
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import promClient from 'prom-client';
import { instrumentName, seriesKey } from './workload.mjs';

const require = createRequire(import.meta.url);
const { createTestMetrics } = require('../../dist/testing.js');

/** prom-client's default; the others are told to use the same. */
export const BOUNDARIES = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const api = {
  call: kind => (instrument, value, attributes) =>
    `${instrument}.${kind === 'counter' ? 'add' : 'record'}(${attributes ? `${value}, ${attributes}` : value})`,
  make: (meter, kind, name, boundaries) =>
    kind === 'counter'
      ? meter.createCounter(name)
      : meter.createHistogram(name, {
          advice: { explicitBucketBoundaries: boundaries },
        }),
};

/**
 * `@nativestage/metrics`, read back through the engine: what would have been exported.
 *
 * @param options - `{ cardinalityLimit, delta, boundaries }`, as for {@link openTelemetry}.
 */
export function ours({
  cardinalityLimit,
  delta,
  boundaries = BOUNDARIES,
} = {}) {
  const metrics = createTestMetrics({
    cardinalityLimit,
    temporality: delta ? 'delta' : 'cumulative',
  });
  const meter = metrics.provider.getMeter('bench');
  return {
    name: 'ours',
    call: api.call,
    instrument: (kind, shape) =>
      api.make(meter, kind, instrumentName(shape), boundaries),
    collect: () => metrics.provider.collect(),
    async read() {
      const collection = await metrics.collect();
      return new Map(
        collection.metrics.flatMap(({ name, points }) =>
          points.map(({ attributes, value, count, sum }) => [
            seriesKey(name, attributes),
            { count, sum: value ?? sum },
          ]),
        ),
      );
    },
    close: () => metrics.shutdown(),
  };
}

class Reader extends MetricReader {
  onForceFlush() {}
  onShutdown() {}
}

/** The OpenTelemetry JS SDK. */
export function openTelemetry({
  cardinalityLimit = 2000,
  delta,
  boundaries = BOUNDARIES,
} = {}) {
  const reader = new Reader({
    cardinalitySelector: () => cardinalityLimit,
    aggregationTemporalitySelector: () =>
      delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  });
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('bench');
  return {
    name: 'JS SDK',
    call: api.call,
    instrument: (kind, shape) =>
      api.make(meter, kind, instrumentName(shape), boundaries),
    collect: () => reader.collect(),
    async read() {
      const { resourceMetrics } = await reader.collect();
      return new Map(
        resourceMetrics.scopeMetrics
          .flatMap(scope => scope.metrics)
          .flatMap(({ descriptor, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => [
              seriesKey(descriptor.name, attributes),
              typeof value === 'number'
                ? { sum: value }
                : { count: value.count, sum: value.sum },
            ]),
          ),
      );
    },
    close: () => provider.shutdown(),
  };
}

/** prom-client, with labels or without. */
export function prometheusClient() {
  const registry = new promClient.Registry();
  return {
    name: 'prom-client',
    call: kind => (instrument, value, attributes) =>
      `${instrument}.${kind === 'counter' ? 'inc' : 'observe'}(${attributes ? `${attributes}, ${value}` : value})`,
    instrument(kind, shape, keys) {
      const Metric =
        kind === 'counter' ? promClient.Counter : promClient.Histogram;
      return new Metric({
        name: instrumentName(shape),
        help: 'help',
        labelNames: keys,
        registers: [registry],
      });
    },
    async read() {
      const totals = new Map();
      for (const { name, values } of await registry.getMetricsAsJSON()) {
        for (const { metricName = name, labels, value } of values) {
          if (labels.le !== undefined) {
            continue;
          }
          const key = seriesKey(name, labels);
          const total = totals.get(key) ?? {};
          total[metricName.endsWith('_count') ? 'count' : 'sum'] = value;
          totals.set(key, total);
        }
      }
      return totals;
    },
    close() {},
  };
}

/** The loop around the recordings: reading instrument and value from the pool. */
export function nothing() {
  return {
    name: 'loop alone',
    call: () => (instrument, value) => `${instrument}.seen = ${value}`,
    instrument: () => ({ seen: 0 }),
    read: undefined,
    close() {},
  };
}
