// Readers, exporters and exemplars as OpenTelemetry's own JavaScript suites expect them
// (PeriodicExportingMetricReader, MetricReader, exporter-metrics-otlp-http and -proto, ExemplarFilter,
// ExemplarReservoir), in our own words and by what our options call the same.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  isMetricsError,
  type MetricsOptions,
  type OtlpExporterOptions,
} from '@nativestage/metrics/sdk';
import {
  type Attributes,
  context,
  type Meter,
  type ObservableResult,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  InstrumentType,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { node } from '@opentelemetry/sdk-node';
import { testMetrics } from '../../instruments/support';
import { OtlpReceiver } from '../../support/OtlpReceiver';

// ---- Temporality by kind

const CREATORS = {
  COUNTER: 'createCounter',
  UP_DOWN_COUNTER: 'createUpDownCounter',
  HISTOGRAM: 'createHistogram',
  OBSERVABLE_COUNTER: 'createObservableCounter',
  OBSERVABLE_UP_DOWN_COUNTER: 'createObservableUpDownCounter',
} as const satisfies Record<string, keyof Meter>;

type Kind = keyof typeof CREATORS;

const PREFERENCES = {
  cumulative: {
    theirs: AggregationTemporalityPreference.CUMULATIVE,
    deltas: [],
  },
  delta: {
    theirs: AggregationTemporalityPreference.DELTA,
    deltas: ['COUNTER', 'HISTOGRAM', 'OBSERVABLE_COUNTER'],
  },
  lowmemory: {
    theirs: AggregationTemporalityPreference.LOWMEMORY,
    deltas: ['COUNTER', 'HISTOGRAM'],
  },
} satisfies Record<
  string,
  { theirs: AggregationTemporalityPreference; deltas: Kind[] }
>;

describe('an exporter', () => {
  for (const [preference, { theirs, deltas }] of Object.entries(PREFERENCES)) {
    for (const [kind, create] of Object.entries(CREATORS)) {
      const expected = (deltas as string[]).includes(kind)
        ? 'delta'
        : 'cumulative';
      test(`that prefers ${preference} has a ${kind} as ${expected}`, async t => {
        const exporter = new OTLPMetricExporter({
          temporalityPreference: theirs,
        });
        t.after(() => exporter.shutdown());
        assert.equal(
          exporter.selectAggregationTemporality(InstrumentType[kind as Kind]),
          expected === 'delta'
            ? AggregationTemporality.DELTA
            : AggregationTemporality.CUMULATIVE,
        );
        const metrics = testMetrics(t, {
          temporality: preference as keyof typeof PREFERENCES,
        });
        const instrument = metrics.provider.getMeter('m')[create]('it');
        if ('add' in instrument) {
          instrument.add(1);
        } else if ('record' in instrument) {
          instrument.record(1);
        } else {
          instrument.addCallback((result: ObservableResult) =>
            result.observe(1),
          );
        }
        const collection = await metrics.collect();
        assert.equal(collection.metric('it')?.temporality, expected);
      });
    }
  }
});

// ---- Settings of a periodic reader

const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);

interface Setting {
  theirs: { exportIntervalMillis?: number; exportTimeoutMillis?: number };
  ours: OtlpExporterOptions;
  /** How ours departs, and why. */
  difference?: { name: string; reason: string };
}

const REFUSED: Record<string, Setting> = {
  'an interval of nothing': {
    theirs: { exportIntervalMillis: 0 },
    ours: { interval: 0 },
  },
  'an interval below zero': {
    theirs: { exportIntervalMillis: -1 },
    ours: { interval: -1 },
  },
  'a time-out below zero': {
    theirs: { exportTimeoutMillis: -1 },
    ours: { timeout: -1 },
  },
  'a time-out of nothing': {
    theirs: { exportTimeoutMillis: 0 },
    ours: { timeout: 0 },
  },
  'a time-out longer than the interval': {
    theirs: { exportIntervalMillis: 100, exportTimeoutMillis: 200 },
    ours: { interval: 100, timeout: 200 },
    difference: {
      name: 'aTimeoutMayBeLongerThanTheInterval',
      reason:
        'The specification sets no such bound; exports that take longer never overlap, and the next begins when the last has ended.',
    },
  },
};

describe('a periodic reader', () => {
  for (const [what, { theirs, ours, difference }] of Object.entries(REFUSED)) {
    test(`refuses ${what}`, t => {
      assert.throws(
        () => new PeriodicExportingMetricReader({ exporter, ...theirs }),
      );
      const make = () => {
        const provider = createMeterProvider({
          exporters: {
            prometheus: false,
            otlp: { endpoint: 'http://127.0.0.1:9', ...ours },
          },
        });
        t.after(() => provider.shutdown().catch(() => {}));
      };
      if (difference) {
        assert.match(difference.reason, /^[A-Z].{20,}\.$/);
        assert.doesNotThrow(make, `${difference.name} is gone`);
      } else {
        assert.throws(make, error => isMetricsError(error));
      }
    });
  }

  test('exports again and again', async t => {
    const receiver = await OtlpReceiver.start(t);
    const provider = push(t, receiver.url, { interval: 50 });
    provider.getMeter('m').createCounter('it').add(1);
    await receiver.until(() => receiver.received.length >= 3);
  });

  test('exports nothing where nothing was recorded', async t => {
    const receiver = await OtlpReceiver.start(t);
    const provider = push(t, receiver.url);
    await provider.forceFlush();
    assert.equal(receiver.received.length, 0);
  });

  test('flushes what was recorded, and flushes at its shutdown once', async t => {
    const receiver = await OtlpReceiver.start(t);
    const provider = push(t, receiver.url);
    const counter = provider.getMeter('m').createCounter('it');
    counter.add(1);
    await provider.forceFlush();
    assert.equal(receiver.value('it'), 1);
    counter.add(2);
    await provider.shutdown();
    assert.equal(receiver.value('it'), 3);
    const exports = receiver.received.length;
    await provider.shutdown();
    await provider.forceFlush();
    assert.equal(receiver.received.length, exports);
  });

  test('exports under a resource what every meter recorded, with name, version and schema of the scope', async t => {
    const receiver = await OtlpReceiver.start(t);
    const provider = push(t, receiver.url, {}, { resource: { foo: 'bar' } });
    const schemaUrl = 'https://opentelemetry.io/schemas/1.4.0';
    provider.getMeter('one', '1.0', { schemaUrl }).createCounter('it').add(1);
    provider.getMeter('two').createCounter('it').add(2);
    await provider.forceFlush();
    const request = JSON.parse(receiver.received[0].body.toString()) as {
      resourceMetrics: {
        scopeMetrics: {
          scope: { name: string; version?: string };
          schemaUrl?: string;
        }[];
      }[];
    };
    assert.equal(request.resourceMetrics.length, 1);
    assert.equal(receiver.resource.foo, 'bar');
    assert.equal(receiver.resource['telemetry.sdk.language'], 'nodejs');
    const [{ scopeMetrics }] = request.resourceMetrics;
    assert.deepEqual(
      scopeMetrics.map(({ scope, schemaUrl: schema }) => [
        scope.name,
        scope.version,
        schema,
      ]),
      [
        ['one', '1.0', schemaUrl],
        ['two', undefined, undefined],
      ],
    );
  });
});

// ---- Exemplars: the JS SDK has their filters and reservoirs, but does not use them.

const TRACE_ID = 'd4cda95b652f4a1592b449d5929fda1b';
const SPAN_ID = '6e0c63257de34c92';

describe('exemplars', () => {
  before(() => new node.NodeTracerProvider().register());
  after(() => context.disable());

  const within = (traceFlags: TraceFlags) =>
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      traceFlags,
    });

  /** Whether a value has an exemplar that is recorded outside of a span, in one that is not sampled, in one that is. */
  const FILTERS = {
    always_on: [true, true, true],
    always_off: [false, false, false],
    trace_based: [false, false, true],
  };
  for (const [filter, expected] of Object.entries(FILTERS)) {
    test(`are sampled as the filter ${filter} has it`, async t => {
      const metrics = testMetrics(t, {
        exemplars: filter as keyof typeof FILTERS,
      });
      const counter = metrics.provider.getMeter('m').createCounter('it');
      const contexts = [
        ROOT_CONTEXT,
        within(TraceFlags.NONE),
        within(TraceFlags.SAMPLED),
      ];
      contexts.forEach((given, set) => counter.add(1, { set }, given));
      const collection = await metrics.collect();
      assert.deepEqual(
        contexts.map((_, set) => {
          const { exemplars = [] } = collection.point('it', { set })!;
          return exemplars.length > 0;
        }),
        expected,
      );
    });
  }

  const collected = async (
    t: TestContext,
    values: [number, Attributes?][],
    exemplar_reservoir?: { simple_fixed_size: { size: number } },
  ) => {
    const metrics = testMetrics(t, {
      exemplars: 'always_on',
      views: [
        {
          selector: { instrument_name: 'it' },
          stream: {
            attribute_keys: { included: ['key2'] },
            exemplar_reservoir,
          },
        },
      ],
    });
    const histogram = metrics.provider.getMeter('m').createHistogram('it', {
      advice: { explicitBucketBoundaries: [0, 5, 10, 25, 50, 75] },
    });
    values.forEach(([value, attributes]) =>
      histogram.record(value, attributes, within(TraceFlags.SAMPLED)),
    );
    const collection = await metrics.collect();
    return collection.metric('it')?.points[0].exemplars ?? [];
  };

  test('are none without measurements', async t => {
    assert.deepEqual(await collected(t, []), []);
  });

  test('of a fixed size know their trace, and the attributes that their point lacks', async t => {
    const values: [number, Attributes][] = [[1, { key1: 'a', key2: 'b' }]];
    const size = { simple_fixed_size: { size: 1 } };
    const [{ time, ...exemplar }] = await collected(t, values, size);
    assert.ok(Math.abs(Date.now() - time) < 60_000);
    assert.deepEqual(exemplar, {
      value: 1,
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      attributes: { key1: 'a' },
    });
  });

  test('of explicit buckets are one a bucket, of which the last value counts', async t => {
    const exemplars = await collected(t, [[6], [7], [52]]);
    assert.deepEqual(
      exemplars.map(({ value }) => value),
      [7, 52],
    );
  });
});

function push(
  t: TestContext,
  endpoint: string,
  otlp: OtlpExporterOptions = {},
  options: MetricsOptions = {},
) {
  const provider = createMeterProvider({
    ...options,
    exporters: {
      prometheus: false,
      otlp: { endpoint, protocol: 'http/json', ...otlp },
    },
  });
  t.after(() => provider.shutdown().catch(() => {}));
  return provider;
}
