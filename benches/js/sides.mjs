// The rivals: each makes instruments, writes a call, and reads back what it counted.
import http from 'node:http';
import { createRequire } from 'node:module';
import * as sdk2 from '@opentelemetry/sdk-metrics';
import promClient from 'prom-client';
import { instrumentName, seriesKey } from './workload.mjs';

const require = createRequire(import.meta.url);
const { createMeterProvider } = require('../../dist/sdk.js');
const { parseCollection } = require('../../dist/export/otlpJson.js');

/** prom-client's default; the others are told to use the same. */
export const BOUNDARIES = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** How both OpenTelemetry SDKs are called. */
export const api = {
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
  const provider = createMeterProvider({
    exporters: { prometheus: false },
    cardinalityLimit,
  });
  const reader = provider.addReader({
    temporality: delta ? 'delta' : 'cumulative',
  });
  const meter = provider.getMeter('bench');
  return {
    name: 'ours',
    call: api.call,
    instrument: (kind, shape) =>
      api.make(meter, kind, instrumentName(shape), boundaries),
    collect: () => reader.collect(),
    async read() {
      const metrics = parseCollection(await reader.collect());
      return new Map(
        metrics.flatMap(({ name, points }) =>
          points.map(({ attributes, value, count, sum }) => [
            seriesKey(name, attributes),
            { count, sum: value ?? sum },
          ]),
        ),
      );
    },
    close: () => provider.shutdown(),
  };
}

/**
 * `@nativestage/metrics` with real readers: a page to scrape and, as a second one, OTLP with delta
 * temporality, so that the two share no stream.
 */
export async function served(readers) {
  const sink = http.createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  await new Promise(resolve => sink.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${sink.address().port}`;
  const otlp = { endpoint, temporality: 'delta', interval: { hours: 24 } };
  const provider = createMeterProvider({
    exporters: { prometheus: { port: 0 }, ...(readers > 1 && { otlp }) },
  });
  const meter = provider.getMeter('bench');
  return {
    name: `ours, ${readers > 1 ? 'two readers' : 'one reader'}`,
    call: api.call,
    instrument: (kind, shape) => api.make(meter, kind, instrumentName(shape)),
    async read() {
      const url = `http://${provider.prometheusAddress}/metrics`;
      const page = await (await globalThis.fetch(url)).text();
      return readPage(page);
    },
    async close() {
      await provider.shutdown();
      sink.close();
    },
  };
}

/** Counters and the sums and counts of histograms on a page, by series. */
function readPage(page) {
  const totals = new Map();
  const line = /^(bench_instrument_\d+)_(total|sum|count)\{(.*)\} (\S+)$/gm;
  for (const [, name, kind, labels, value] of page.matchAll(line)) {
    const attributes = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
      .map(([, key, text]) => [key, text])
      .filter(([key]) => !key.startsWith('otel_scope_'));
    const key = seriesKey(name, Object.fromEntries(attributes));
    const total = totals.get(key) ?? {};
    total[kind === 'count' ? 'count' : 'sum'] = Number(value);
    totals.set(key, total);
  }
  return totals;
}

/** The OpenTelemetry JS SDK. */
export function openTelemetry({
  name = 'JS SDK 2',
  sdk = sdk2,
  readers = 1,
  cardinalityLimit = 2000,
  delta = false,
  boundaries = BOUNDARIES,
} = {}) {
  const { CUMULATIVE, DELTA } = sdk.AggregationTemporality;
  class Reader extends sdk.MetricReader {
    constructor() {
      super({
        cardinalitySelector: () => cardinalityLimit,
        aggregationTemporalitySelector: () => (delta ? DELTA : CUMULATIVE),
      });
    }

    onForceFlush() {}
    onShutdown() {}
  }
  const all = Array.from({ length: readers }, () => new Reader());
  const [reader] = all;
  const provider = new sdk.MeterProvider({ readers: all });
  const meter = provider.getMeter('bench');
  return {
    name,
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

/** prom-client or its successor, with labels or without. */
export function prometheusClient({
  name = 'prom-client',
  client = promClient,
} = {}) {
  const registry = new client.Registry();
  return {
    name,
    call: kind => (instrument, value, attributes) =>
      `${instrument}.${kind === 'counter' ? 'inc' : 'observe'}(${attributes ? `${attributes}, ${value}` : value})`,
    instrument(kind, shape, keys) {
      const Metric = kind === 'counter' ? client.Counter : client.Histogram;
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

/** Reads the attributes and nothing else: what nobody can do without who takes an object. */
export function readingAlone() {
  class Reader {
    seen = 0;

    read(value, attributes) {
      let found = 0;
      for (const key in attributes) {
        if (hasOwn.call(attributes, key) && attributes[key] !== undefined) {
          found++;
        }
      }
      this.seen += found;
    }
  }
  return {
    name: 'reading alone',
    call: () => (instrument, value, attributes) =>
      `${instrument}.read(${value}, ${attributes})`,
    instrument: () => new Reader(),
    read: undefined,
    close() {},
  };
}

const hasOwn = Object.prototype.hasOwnProperty;

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

/** Every rival that runs on this Node: version 3 of the SDK and the new client need 22. */
export async function rivals() {
  const both = [openTelemetry(), prometheusClient()];
  if (Number.parseInt(process.versions.node) < 22) {
    return both;
  }
  const client = await import('@prometheus-io/client');
  return [
    ...both,
    openTelemetry({ name: 'JS SDK 3', sdk: await import('sdk-metrics-3') }),
    prometheusClient({ name: '@prometheus-io/client', client }),
  ];
}
