// Readers and exporters of a program's own that change while they read.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  createMeterProvider,
  type MetricExporterOptions,
  type MetricExporterUpdate,
  type MetricReaderUpdate,
} from '@nativestage/metrics/sdk';
import { eventually } from '../support/eventually';
import {
  dataOf,
  metricsOf,
  type OtlpMetric,
  type OtlpRequest,
} from '../support/OtlpReceiver';

const DELTA = 1;
const CUMULATIVE = 2;

function provide(t: TestContext) {
  const provider = createMeterProvider({ exporters: { prometheus: false } });
  t.after(() => provider.shutdown().catch(() => {}));
  return provider;
}

/** Every metric of a name. */
function found(otlp: string, name: string): OtlpMetric[] {
  const all = metricsOf(JSON.parse(otlp) as OtlpRequest);
  return all.filter(metric => metric.name === name);
}

/** Temporality and values of a metric of one stream. */
function sums(otlp: string, name: string) {
  return found(otlp, name).map(metric => {
    const { aggregationTemporality, dataPoints } = dataOf(metric);
    return [
      aggregationTemporality,
      dataPoints.map(({ asDouble }) => asDouble).sort(),
    ];
  });
}

test('a reader goes over to another temporality, and back to the default', async t => {
  const provider = provide(t);
  const other = provider.addReader();
  const reader = provider.addReader({ temporality: 'delta' });
  const counter = provider.getMeter('m').createCounter('c');
  counter.add(1);
  assert.deepEqual(sums(await reader.collect(), 'c'), [[DELTA, [1]]]);
  counter.add(2);
  reader.update({ temporality: 'cumulative' });
  counter.add(4);
  // The rest of the stream of before, and what the others count.
  assert.deepEqual(sums(await reader.collect(), 'c').at(0), [DELTA, [2]]);
  counter.add(8);
  const [[temporality]] = sums(await reader.collect(), 'c');
  assert.equal(temporality, CUMULATIVE);

  reader.update({ temporality: 'delta' });
  await reader.collect();
  counter.add(16);
  assert.deepEqual(sums(await reader.collect(), 'c'), [[DELTA, [16]]]);
  reader.update({ temporality: null });
  await reader.collect();
  counter.add(32);
  assert.equal(sums(await reader.collect(), 'c')[0][0], CUMULATIVE);
  assert.deepEqual(sums(await other.collect(), 'c'), [[CUMULATIVE, [63]]]);
});

test('a reader gets other aggregations, limits and metrics, and keeps what it was not told', async t => {
  const provider = provide(t);
  const reader = provider.addReader({ temporality: 'delta' });
  const meter = provider.getMeter('m');
  const histogram = meter.createHistogram('h');
  const counter = meter.createCounter('c');
  reader.update({
    defaultAggregation: {
      histogram: { base2_exponential_bucket_histogram: {} },
    },
    cardinalityLimits: { counter: 2 },
  });
  const record = () => {
    histogram.record(1);
    for (let n = 0; n < 5; n++) {
      counter.add(1, { n });
    }
  };
  record();
  const first = await reader.collect();
  assert.ok(found(first, 'h')[0].exponentialHistogram);
  assert.deepEqual(sums(first, 'c'), [[DELTA, [1, 1, 3]]]);

  reader.update({ metricFilter: { included: ['c'] } });
  await reader.collect();
  record();
  const second = await reader.collect();
  assert.deepEqual(found(second, 'h'), []);
  assert.deepEqual(sums(second, 'c'), [[DELTA, [1, 1, 3]]]);

  const asked: string[] = [];
  reader.update({
    metricFilter: {
      testMetric: ({ name }) => {
        asked.push(name);
        return name === 'h' ? 'accept' : 'drop';
      },
    },
  });
  await reader.collect();
  record();
  const third = await reader.collect();
  assert.ok(found(third, 'h')[0].exponentialHistogram);
  assert.deepEqual(found(third, 'c'), []);
  assert.ok(asked.includes('c'));

  // Something else changes, and the function stays; then it goes.
  reader.update({ cardinalityLimits: null });
  await reader.collect();
  record();
  assert.deepEqual(found(await reader.collect(), 'c'), []);
  reader.update({ metricFilter: null });
  await reader.collect();
  const count = asked.length;
  record();
  const last = await reader.collect();
  assert.deepEqual(sums(last, 'c'), [[DELTA, [1, 1, 1, 1, 1]]]);
  assert.equal(asked.length, count);
});

function exporting(t: TestContext, options: MetricExporterOptions) {
  const provider = provide(t);
  const exported: string[] = [];
  const added = provider.addExporter(
    { export: otlp => void exported.push(otlp) },
    options,
  );
  return { provider, added, exported };
}

test('an exporter goes over to another interval and temporality', async t => {
  const { provider, added, exported } = exporting(t, {
    interval: { hours: 1 },
  });
  const counter = provider.getMeter('m').createCounter('c');
  counter.add(1);
  added.update({ interval: 20, temporality: 'delta' });
  await eventually(() => assert.ok(exported.length >= 3));
  counter.add(2);
  await eventually(() =>
    assert.deepEqual(exported.flatMap(otlp => sums(otlp, 'c')).at(-1), [
      DELTA,
      [2],
    ]),
  );
  added.update({ interval: null });
  await added.forceFlush();
  const { length } = exported;
  await new Promise(resolve => setTimeout(resolve, 200));
  assert.equal(exported.length, length, 'a minute between two');
});

test('what is not allowed is refused by name, and changes nothing', async t => {
  const { provider, added, exported } = exporting(t, { temporality: 'delta' });
  const reader = provider.addReader({ temporality: 'delta' });
  for (const [options, message] of [
    [
      { encoding: 'protobuf' },
      /options: found "encoding", which cannot change while it runs, expected one of .*temporality, defaultAggregation, cardinalityLimits, metricFilter/,
    ],
    [{ temporality: 'sometimes' }, /options\.temporality.*sometimes/],
    [
      { temporality: 'cumulative', cardinalityLimits: { counter: 0 } },
      /options\.cardinalityLimits\.counter/,
    ],
    [
      { metricFilter: { testMetric: () => 'drop' }, temporality: 5 },
      /options\.temporality/,
    ],
    [null, /options: found null/],
  ] as [object, RegExp][]) {
    for (const one of [reader, added]) {
      assert.throws(() => one.update(options), {
        code: 'ERR_METRICS_INVALID_CONFIG',
        message,
      });
    }
  }
  assert.throws(() => reader.update({ interval: 5 } as MetricReaderUpdate), {
    message: /found "interval"/,
  });
  assert.throws(() => added.update({ name: 'x' } as MetricExporterUpdate), {
    message: /found "name", .* expected one of interval, temporality/,
  });
  assert.throws(() => added.update({ interval: 0 }), {
    message: /options\.interval/,
  });
  provider.getMeter('m').createCounter('c').add(1);
  assert.deepEqual(sums(await reader.collect(), 'c'), [[DELTA, [1]]]);
  await added.forceFlush();
  assert.deepEqual(sums(exported[0], 'c'), [[DELTA, [1]]]);
});

test('one that was shut down changes no more', async t => {
  const { provider, added } = exporting(t, {});
  const reader = provider.addReader();
  reader.shutdown();
  await added.shutdown();
  // Has its place by now.
  const next = provider.addReader({ temporality: 'delta' });
  for (const one of [reader, added]) {
    assert.throws(() => one.update({ temporality: 'cumulative' }), {
      code: 'ERR_METRICS_SHUT_DOWN',
    });
  }
  provider.getMeter('m').createCounter('c').add(1);
  assert.deepEqual(sums(await next.collect(), 'c'), [[DELTA, [1]]]);
});
