// Four places where the JS SDK does not do what the specification says, and where the programs of
// differential.test.ts do not go: here ours is held against the specification's words and worked
// examples, and against an oracle that computes buckets from their definition.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { ViewStream } from '@nativestage/metrics/sdk';
import type {
  TestCollection,
  TestMetricsOptions,
  TestPoint,
} from '@nativestage/metrics/testing';
import {
  type Meter,
  type Observable,
  type ObservableResult,
  ValueType,
} from '@opentelemetry/api';
import { testMetrics } from '../instruments/support';
import type { Temporality } from './workload';

const TEMPORALITIES: Temporality[] = ['cumulative', 'delta', 'lowmemory'];

type Observables =
  | 'createObservableCounter'
  | 'createObservableUpDownCounter'
  | 'createObservableGauge';

/** How to make an observable instrument, and where it is reported as the difference of its values. */
const OBSERVABLES: Record<string, [Observables, differences: Temporality[]]> = {
  'observable counter': ['createObservableCounter', ['delta']],
  'observable up-down counter': ['createObservableUpDownCounter', []],
  'observable gauge': ['createObservableGauge', []],
};

/** The values of the metric `it`, by the value of one of its attributes. */
function valuesBy(
  key: string,
  collection: TestCollection,
): Record<string, number | undefined> {
  const points = collection.metric('it')?.points ?? [];
  const values = Object.fromEntries(
    points.map(({ attributes, value }) => [String(attributes[key]), value]),
  );
  assert.equal(Object.keys(values).length, points.length, 'a set twice');
  return values;
}

// ---- Metrics SDK specification, "Observations inside asynchronous callbacks":
//
// > The implementation SHOULD NOT produce aggregated metric data for a previously-observed attribute
// > set which is not observed during a successful callback.
//
// and "MetricReader":
//
// > For asynchronous instruments with Delta or Cumulative aggregation temporality,
// > MetricReader.Collect MUST only receive data points with measurements recorded since the previous
// > collection. These rules apply to all metrics, not just those whose point kinds includes an
// > aggregation temporality field.

const COMING_AND_GOING: {
  observed: Record<string, number>;
  difference: Record<string, number>;
}[] = [
  { observed: { a: 10, b: 20 }, difference: { a: 10, b: 20 } },
  // What stays as it was is observed all the same.
  { observed: { a: 10 }, difference: { a: 0 } },
  { observed: {}, difference: {} },
  { observed: { b: 50, c: 0 }, difference: { b: 30, c: 0 } },
  { observed: { a: 11, b: 50, c: 2 }, difference: { a: 1, b: 0, c: 2 } },
];

for (const [kind, [create, differences]] of Object.entries(OBSERVABLES)) {
  for (const temporality of TEMPORALITIES) {
    const isDifference = differences.includes(temporality);

    for (const batch of [false, true]) {
      const by = batch ? 'a batch callback' : 'its callback';
      test(`an ${kind} exports under ${temporality} temporality what ${by} observes this time, and nothing else`, async t => {
        const metrics = testMetrics(t, { temporality });
        const meter = metrics.provider.getMeter('m');
        const instrument = meter[create]('it');
        let now: Record<string, number> = {};
        const observe = (to: (value: number, set: { set: string }) => void) =>
          Object.entries(now).forEach(([set, value]) => to(value, { set }));
        if (batch) {
          meter.addBatchObservableCallback(
            result =>
              observe((value, set) => result.observe(instrument, value, set)),
            [instrument],
          );
        } else {
          instrument.addCallback(result =>
            observe((value, set) => result.observe(value, set)),
          );
        }
        for (const [round, expected] of COMING_AND_GOING.entries()) {
          now = expected.observed;
          assert.deepEqual(
            valuesBy('set', await metrics.collect()),
            isDifference ? expected.difference : expected.observed,
            `collection ${round + 1}`,
          );
        }
      });
    }

    test(`the sets of a callback that is removed from an ${kind} are gone under ${temporality} temporality, and another's stay`, async t => {
      const metrics = testMetrics(t, { temporality });
      const instrument = metrics.provider.getMeter('m')[create]('it');
      let value = 0;
      const [one, two] = ['one', 'two'].map(
        from => (result: ObservableResult) => result.observe(value, { from }),
      );
      const collect = async (observed: number) => {
        value = observed;
        return valuesBy('from', await metrics.collect());
      };
      instrument.addCallback(one);
      instrument.addCallback(two);
      assert.deepEqual(await collect(5), { one: 5, two: 5 });
      instrument.removeCallback(one);
      assert.deepEqual(await collect(7), { two: isDifference ? 2 : 7 });
      instrument.removeCallback(two);
      assert.deepEqual(await collect(8), {});
      instrument.addCallback(one);
      assert.deepEqual(await collect(9), { one: isDifference ? 4 : 9 });
    });
  }
}

// ---- Metrics SDK supplementary guidelines, "Asynchronous example: attribute removal in a view":
//
// > Suppose the metrics in the asynchronous example above are exported through a view configured to
// > remove the `tid` attribute, leaving a single-dimensional count of page faults by `pid`. […] The
// > data model specifies to use the "natural merge" function, in this case meaning to add the current
// > point values together because they are `Sum` data points. The expected output is, still in
// > Cumulative Temporality:
//
// followed by the five sums below.

/** Page faults by thread; after the fourth collection thread 1 has died and thread 3 started. */
const PAGE_FAULTS: Record<string, number>[] = [
  { 1: 50, 2: 30 },
  { 1: 53, 2: 38 },
  { 1: 56, 2: 42 },
  { 1: 60, 2: 47 },
  { 2: 53, 3: 5 },
];
const PAGE_FAULTS_OF_PROCESS = [80, 91, 98, 107, 58];
/** As long as no thread dies, the threads' deltas ("Asynchronous example: Delta temporality"), added. */
const NEW_PAGE_FAULTS = [50 + 30, 3 + 8, 3 + 4, 4 + 5];

const WITHOUT_TID: Record<string, ViewStream['attribute_keys']> = {
  'leaves out tid': { excluded: ['tid'] },
  'keeps pid': { included: ['pid'] },
};

function viewOf(stream: ViewStream): TestMetricsOptions['views'] {
  return [{ selector: { instrument_name: 'it' }, stream }];
}

/** How the page faults of a round reach the instrument. */
const WAYS: Record<
  string,
  (meter: Meter, faults: Observable, now: () => Record<string, number>) => void
> = {
  'one callback': (_meter, faults, now) =>
    faults.addCallback(result =>
      Object.entries(now()).forEach(([tid, count]) =>
        result.observe(count, { pid: 1001, tid }),
      ),
    ),
  'a callback for each thread': (_meter, faults, now) =>
    ['1', '2', '3'].forEach(tid =>
      faults.addCallback(result => {
        if (tid in now()) {
          result.observe(now()[tid], { pid: 1001, tid });
        }
      }),
    ),
  'a batch callback': (meter, faults, now) =>
    meter.addBatchObservableCallback(
      result =>
        Object.entries(now()).forEach(([tid, count]) =>
          result.observe(faults, count, { tid, pid: 1001 }),
        ),
      [faults],
    ),
};

for (const create of [
  'createObservableCounter',
  'createObservableUpDownCounter',
] as const) {
  const kind =
    create === 'createObservableCounter'
      ? 'observable counter'
      : 'observable up-down counter';
  for (const temporality of TEMPORALITIES) {
    for (const [view, attribute_keys] of Object.entries(WITHOUT_TID)) {
      for (const [way, observe] of Object.entries(WAYS)) {
        test(`a view that ${view} adds up the page faults that ${way} observes of an ${kind} under ${temporality} temporality`, async t => {
          const metrics = testMetrics(t, {
            temporality,
            views: viewOf({ attribute_keys }),
          });
          const meter = metrics.provider.getMeter('m');
          let round = 0;
          observe(meter, meter[create]('it'), () => PAGE_FAULTS[round]);
          const expected =
            create === 'createObservableCounter' && temporality === 'delta'
              ? NEW_PAGE_FAULTS
              : PAGE_FAULTS_OF_PROCESS;
          for (round = 0; round < expected.length; round++) {
            assert.deepEqual(
              valuesBy('pid', await metrics.collect()),
              { 1001: expected[round] },
              `collection ${round + 1}`,
            );
          }
        });
      }
    }
  }

  test(`a view of an ${kind} adds up only what it makes equal, in its own stream only`, async t => {
    const metrics = testMetrics(t, {
      views: [
        ...viewOf({ attribute_keys: { excluded: ['tid'] } })!,
        ...viewOf({ name: 'all', attribute_keys: { included: [] } })!,
        ...viewOf({ name: 'threads' })!,
      ],
    });
    const instrument = metrics.provider.getMeter('m')[create]('it');
    instrument.addCallback(result => {
      result.observe(1, { pid: 1, tid: 1 });
      result.observe(20, { tid: 2, pid: 1 });
      result.observe(300, { pid: 2, tid: 1 });
      result.observe(4000, { tid: 3 });
      result.observe(50_000, { pid: '1', tid: 1 });
      result.observe(600_000);
    });
    const collection = await metrics.collect();
    const found = (name: string) =>
      collection.metric(name)!.points.map(point => point.value);
    assert.equal(found('it').length, 4);
    assert.equal(collection.value('it', { pid: 1 }), 21);
    assert.equal(collection.value('it', { pid: 2 }), 300);
    assert.equal(collection.value('it', { pid: '1' }), 50_000);
    assert.equal(collection.value('it'), 604_000);
    assert.deepEqual(found('all'), [654_321]);
    assert.equal(collection.value('threads', { pid: 1, tid: 2 }), 20);
    assert.equal(found('threads').length, 6);
  });

  for (const [type, valueType, sum] of [
    ['integers', ValueType.INT, 3],
    ['doubles', ValueType.DOUBLE, 4.75],
  ] as const) {
    test(`an ${kind} of ${type} adds up ${type}`, async t => {
      const metrics = testMetrics(t, {
        views: viewOf({ attribute_keys: { excluded: ['tid'] } }),
      });
      const meter = metrics.provider.getMeter('m');
      meter[create]('it', { valueType }).addCallback(result => {
        result.observe(1.875, { tid: 1 });
        result.observe(2.875, { tid: 2 });
      });
      assert.equal((await metrics.collect()).value('it'), sum);
    });
  }
}

test('what cancels out in a view of an up-down counter is 0, and is exported', async t => {
  const metrics = testMetrics(t, {
    views: viewOf({ attribute_keys: { excluded: ['tid'] } }),
  });
  metrics.provider
    .getMeter('m')
    .createObservableUpDownCounter('it')
    .addCallback(result => {
      result.observe(-5, { tid: 1 });
      result.observe(5, { tid: 2 });
    });
  assert.equal((await metrics.collect()).value('it'), 0);
});

// ---- Metrics SDK specification, "Stream configuration":
//
// > If the user does not provide an `aggregation` value, the `MeterProvider` MUST apply a default
// > aggregation configurable on the basis of instrument type according to the MetricReader instance.

const BOUNDARIES = [1, 3];

/** 1, 2 and 4 in explicit buckets: up to 1, up to 3 and above. */
const EXPLICIT = { bounds: BOUNDARIES, bucketCounts: [1, 1, 1] };

/**
 * 1, 2 and 4 in exponential ones: at scale 6 there are 64 buckets from one power of two to the next,
 * and a power of two is the upper end of its bucket. At scale 7 they would not fit into 160.
 */
const EXPONENTIAL = {
  scale: 6,
  positive: new Map([
    [-1, 1],
    [63, 1],
    [127, 1],
  ]),
};

const NO_AGGREGATION: Record<string, ViewStream> = {
  'says nothing': {},
  'says "default"': { aggregation: { default: {} } },
  renames: { name: 'it.renamed' },
  describes: { description: 'From the view' },
  'keeps attributes': { attribute_keys: { included: ['a'] } },
  'leaves out attributes': { attribute_keys: { excluded: ['b'] } },
  'sets a limit': { aggregation_cardinality_limit: 5 },
};

for (const reader of ['explicit', 'exponential'] as const) {
  const recorded = (collection: TestCollection) => {
    const metric = collection.metrics.find(({ name }) => name.startsWith('it'));
    const [point, ...others] = metric?.points ?? [];
    assert.deepEqual(others, []);
    return { kind: metric?.kind, point };
  };
  const assertExplicit = ({ kind, point }: ReturnType<typeof recorded>) => {
    const { bounds, bucketCounts } = point;
    assert.equal(kind, 'histogram');
    assert.deepEqual({ bounds, bucketCounts }, EXPLICIT);
  };
  const assertExponential = ({ kind, point }: ReturnType<typeof recorded>) => {
    const { scale, positive } = bucketsOf(point);
    assert.equal(kind, 'exponentialHistogram');
    assert.deepEqual({ scale, positive }, EXPONENTIAL);
  };
  const collect = async (t: TestContext, stream: ViewStream, name = 'it') => {
    const metrics = testMetrics(t, {
      histogram: reader,
      views: [{ selector: { instrument_name: name }, stream }],
    });
    const histogram = metrics.provider.getMeter('m').createHistogram('it', {
      advice: { explicitBucketBoundaries: BOUNDARIES },
    });
    [1, 2, 4].forEach(value => histogram.record(value, { a: 1 }));
    return recorded(await metrics.collect());
  };

  for (const [does, stream] of Object.entries(NO_AGGREGATION)) {
    test(`a view that ${does} leaves a histogram the ${reader} buckets of its reader`, async t => {
      const found = await collect(t, stream);
      (reader === 'explicit' ? assertExplicit : assertExponential)(found);
    });
  }

  test(`a view of everything leaves all instruments the defaults of a reader of ${reader} buckets`, async t => {
    (reader === 'explicit' ? assertExplicit : assertExponential)(
      await collect(t, {}, '*'),
    );
    const metrics = testMetrics(t, {
      histogram: reader,
      views: [{ selector: { instrument_name: '*' }, stream: {} }],
    });
    const meter = metrics.provider.getMeter('m');
    meter.createCounter('counter').add(1);
    meter.createUpDownCounter('up.down').add(-1);
    meter.createGauge('gauge').record(2);
    const collection = await metrics.collect();
    assert.equal(collection.metric('counter')?.kind, 'sum');
    assert.equal(collection.metric('up.down')?.kind, 'sum');
    assert.equal(collection.metric('gauge')?.kind, 'gauge');
  });

  test(`a view with an aggregation of its own has it with a reader of ${reader} buckets`, async t => {
    assertExponential(
      await collect(t, {
        aggregation: { base2_exponential_bucket_histogram: {} },
      }),
    );
    assertExplicit(
      await collect(t, {
        aggregation: { explicit_bucket_histogram: { boundaries: BOUNDARIES } },
      }),
    );
    const { kind, point } = await collect(t, { aggregation: { sum: {} } });
    assert.equal(kind, 'sum');
    assert.equal(point.value, 7);
  });
}

// ---- Metrics SDK specification, "Base2 Exponential Bucket Histogram Aggregation":
//
// > The ideal scale is either: 1. The `MaxScale` (see configuration parameters), generally used for
// > single-value histogram Aggregations where scale is not otherwise constrained. 2. The largest value
// > of scale such that no more than the maximum number of buckets are needed to represent the full
// > range of input data in either of the positive or negative ranges.
//
// > [Maintain the ideal scale] Implementations SHOULD adjust the histogram scale as necessary to
// > maintain the best resolution possible, within the constraint of maximum size (max number of
// > buckets). Best resolution (highest scale) is achieved when the number of positive or negative range
// > buckets exceeds half the maximum size, such that increasing scale by one would not be possible
// > given the size constraint.

const MAX_SCALE = 20;
const DEFAULT_MAX_SIZE = 160;

interface Buckets {
  scale?: number;
  /** Index to count of the buckets that counted something. */
  positive: Map<number, number>;
  negative: Map<number, number>;
}

function bucketsOf(point: TestPoint): Buckets {
  const side = (found: TestPoint['positive']) =>
    new Map(
      (found?.bucketCounts ?? [])
        .map((count, at): [number, number] => [found!.offset + at, count])
        .filter(([, count]) => count > 0),
    );
  return {
    scale: point.scale,
    positive: side(point.positive),
    negative: side(point.negative),
  };
}

/**
 * The index of the bucket (base^index, base^(index + 1)] that holds a value, where the base is
 * 2^(2^-scale). The logarithms of powers of two are exact.
 */
function indexOf(value: number, scale: number): number {
  return Math.ceil(Math.log2(value) * 2 ** scale) - 1;
}

function bucketsAt(scale: number, values: number[]): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const value of values) {
    const index = indexOf(value, scale);
    buckets.set(index, (buckets.get(index) ?? 0) + 1);
  }
  return buckets;
}

function widthOf(buckets: Map<number, number>): number {
  const indices = [...buckets.keys()];
  return indices.length === 0
    ? 0
    : Math.max(...indices) - Math.min(...indices) + 1;
}

/** The buckets at the largest scale at which both sides keep to the size. */
function idealBuckets(values: number[], maxSize: number): Required<Buckets> {
  for (let scale = MAX_SCALE; ; scale--) {
    const positive = bucketsAt(
      scale,
      values.filter(value => value > 0),
    );
    const negative = bucketsAt(
      scale,
      values.filter(value => value < 0).map(value => -value),
    );
    if (widthOf(positive) <= maxSize && widthOf(negative) <= maxSize) {
      return { scale, positive, negative };
    }
  }
}

function exponential(
  t: TestContext,
  temporality: Temporality,
  maxSize: number,
  kind: 'createHistogram' | 'createGauge' = 'createHistogram',
) {
  const metrics = testMetrics(t, {
    temporality,
    views: viewOf({
      aggregation: {
        base2_exponential_bucket_histogram: { max_size: maxSize },
      },
    }),
  });
  const instrument = metrics.provider.getMeter('m')[kind]('it');
  return async (...values: number[]) => {
    values.forEach(value => instrument.record(value));
    return (await metrics.collect()).point('it');
  };
}

// The specification's table "how the ideal scale for 160 buckets is calculated".
for (const [range, low, high, scale] of [
  ['1ms - 4ms', 0.001, 0.004, 6],
  ['1ms - 20ms', 0.001, 0.02, 5],
  ['1ms - 1s', 0.001, 1, 4],
  ['1ms - 100s', 0.001, 100, 3],
  ['1µs - 10s', 0.000001, 10, 2],
] as const) {
  for (const temporality of ['cumulative', 'delta'] as const) {
    test(`the ideal scale for ${range} is ${scale} under ${temporality} temporality`, async t => {
      const collect = exponential(t, temporality, DEFAULT_MAX_SIZE);
      assert.equal((await collect(low, high))?.scale, scale);
      // The one after the other, which delta temporality does not put together.
      const again = exponential(t, temporality, DEFAULT_MAX_SIZE);
      await again(high);
      assert.equal(
        (await again(low))?.scale,
        temporality === 'cumulative' ? scale : MAX_SCALE,
      );
    });
  }
}

// > [Use the maximum scale for single measurements] When the histogram contains not more than one value
// > in either of the positive or negative ranges, the implementation SHOULD use the maximum scale.
for (const [value, index] of [
  [1, -1],
  [2, 2 ** 20 - 1],
  [0.25, -(2 ** 21) - 1],
  [2 ** 1000, 1000 * 2 ** 20 - 1],
  // 1000 * 2^20: what is a little above 2^1000 is in the next bucket.
  [2 ** 1000 * (1 + Number.EPSILON), 1000 * 2 ** 20],
  [1e-300, indexOf(1e-300, MAX_SCALE)],
] as const) {
  test(`the single value ${value} is counted at scale 20, in bucket ${index}`, async t => {
    for (const maxSize of [2, DEFAULT_MAX_SIZE]) {
      const collect = exponential(t, 'cumulative', maxSize, 'createGauge');
      const one = new Map([[index, 1]]);
      assert.deepEqual(bucketsOf((await collect(value))!), {
        scale: MAX_SCALE,
        positive: one,
        negative: new Map(),
      });
      // Zeros have no bucket, and the other side has one value as well.
      assert.deepEqual(bucketsOf((await collect(0, -value, 0))!), {
        scale: MAX_SCALE,
        positive: one,
        negative: one,
      });
    }
  });
}

/** Values by collection. */
const PROGRAMS: Record<string, number[][]> = {
  'zeros first': [[0, 0], [0], [5, 6, 7]],
  'zeros last': [[5, 6, 7], [0, 0], [0]],
  'zeros in between': [[5, 6, 7], [0], [8]],
  'zeros everywhere': [
    [0, 5],
    [6, 0, 7],
    [0, 0, 8],
  ],
  'nothing in between': [[5, 6], [], [7], []],
  'a wide range, then a narrow one': [[0.003, 1e6], [5], [5.001, 5.002]],
  'a narrow range, then a wide one': [[5, 5.001], [5.002], [0.003, 1e6]],
  'one value over and over': [[5, 5], [5], [0, 5, 5]],
  'below one': [[0.003], [0.004], [0], [0.005]],
  'on both sides of one': [[0.75], [0], [1.5], [0.75]],
  'the ends of the doubles': [[2.5e-308], [0], [1.7e308], [1]],
  'powers of two': [[0.25], [0.5, 1, 2], [0], [64, 2 ** -40]],
  'ever more': [[3], [30], [300], [3e3], [3e4], [3e5], [3e6], [3e7]],
};

/** For instruments that take values below zero. */
const SIGNED_PROGRAMS: Record<string, number[][]> = {
  'only values below zero': [[-5, -6], [-7], [0], [-8]],
  'above zero, then below': [[5, 6], [-7, -8], [0], [9]],
  'below zero, then above': [
    [-5, -6],
    [7, 8],
  ],
  'both, then one side': [[-5, 5], [6], [-7], [0]],
  'zeros, then both': [[0], [-5, 6], [7]],
  'wider below zero': [[5, -0.003], [0, -1e6], [5.001]],
  'wider above zero': [[-5, 0.003], [0, 1e6], [-5.001]],
};

const SIZES = [2, 4, 20, DEFAULT_MAX_SIZE];

for (const [program, rounds] of Object.entries({
  ...PROGRAMS,
  ...SIGNED_PROGRAMS,
})) {
  const kind = program in PROGRAMS ? 'createHistogram' : 'createGauge';
  for (const temporality of ['cumulative', 'delta'] as const) {
    test(`${program}: buckets are as fine as their number allows under ${temporality} temporality`, async t => {
      for (const maxSize of SIZES) {
        const collect = exponential(t, temporality, maxSize, kind);
        let values: number[] = [];
        for (const [round, recorded] of rounds.entries()) {
          const at = `${maxSize} buckets, collection ${round + 1}`;
          values =
            temporality === 'cumulative' ? [...values, ...recorded] : recorded;
          const point = await collect(...recorded);
          if (values.length === 0) {
            assert.equal(point, undefined, at);
          } else {
            assertIdeal(at, point!, values, maxSize, kind);
          }
        }
      }
    });
  }
}

function assertIdeal(
  at: string,
  point: TestPoint,
  values: number[],
  maxSize: number,
  kind: 'createHistogram' | 'createGauge',
): void {
  const zeros = values.filter(value => value === 0).length;
  assert.equal(point.count, values.length, `${at}: count`);
  assert.equal(point.zeroCount, zeros, `${at}: zeros`);
  assert.equal(point.min, Math.min(...values), `${at}: min`);
  assert.equal(point.max, Math.max(...values), `${at}: max`);
  if (kind === 'createHistogram') {
    const sum = values.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(point.sum! - sum) <= 1e-12 * sum, `${at}: sum`);
  }
  const { scale, positive, negative } = bucketsOf(point);
  const ideal = idealBuckets(values, maxSize);
  assert.deepEqual(positive, ideal.positive, `${at}: above zero`);
  assert.deepEqual(negative, ideal.negative, `${at}: below zero`);
  if (zeros < values.length) {
    assert.equal(scale, ideal.scale, `${at}: scale`);
    const width = Math.max(widthOf(positive), widthOf(negative));
    assert.ok(
      scale === MAX_SCALE || 2 * width > maxSize,
      `${at}: one scale more would have fitted`,
    );
  }
}
