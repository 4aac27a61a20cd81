import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import {
  createMeterProvider,
  type Exemplar,
  type ExemplarReservoir,
  type ExemplarReservoirFactory,
  type MetricsOptions,
  type NativeMeterProvider,
  type ReservedSeries,
  type SeriesControl,
} from '@nativestage/metrics/sdk';
import type { TestMetricsOptions } from '@nativestage/metrics/testing';
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  type HrTime,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
// What the package has, and does not list.
import {
  AlignedHistogramBucketExemplarReservoir,
  SimpleFixedSizeExemplarReservoir,
} from '@opentelemetry/sdk-metrics/build/src/exemplar';
import { node } from '@opentelemetry/sdk-node';
import { decodeOtlp } from '../support/decodeOtlp';
import {
  attributesOf,
  metricsOf,
  OtlpReceiver,
  pointsOf,
} from '../support/OtlpReceiver';
import { runNode } from '../support/Program';
import { PYTHON, without } from '../support/tools';
import { diagMessages, testMetrics } from './support';

interface Offered {
  value: number;
  time: HrTime;
  attributes: Attributes;
  given: Context;
}

/** Keeps every value since it was last collected. */
class KeepAll implements ExemplarReservoir {
  readonly all: Offered[] = [];
  private fresh: Offered[] = [];
  readonly points: Attributes[] = [];

  constructor(readonly series: ReservedSeries) {}

  offer(value: number, time: HrTime, attributes: Attributes, given: Context) {
    const offered = { value, time, attributes, given };
    this.all.push(offered);
    this.fresh.push(offered);
  }

  collect(pointAttributes: Attributes): Exemplar[] {
    this.points.push(pointAttributes);
    const { fresh } = this;
    this.fresh = [];
    return fresh.map(({ value, time, attributes, given }) => ({
      value,
      timestamp: time,
      filteredAttributes: attributes,
      ...trace.getSpanContext(given),
    }));
  }
}

function keeping() {
  const made: KeepAll[] = [];
  const make: ExemplarReservoirFactory = series => {
    const reservoir = new KeepAll(series);
    made.push(reservoir);
    return reservoir;
  };
  return { made, make };
}

/** Views with this reservoir, for the instruments of a name. */
function views(
  exemplar_reservoir: ExemplarReservoirFactory,
  more: object = {},
  instrument_name = 'x',
): NonNullable<MetricsOptions['views']> {
  return [
    {
      selector: { instrument_name },
      stream: { exemplar_reservoir, ...more },
    },
  ];
}

function start(t: TestContext, options: TestMetricsOptions) {
  const metrics = testMetrics(t, { exemplars: 'always_on', ...options });
  const provider = metrics.provider as NativeMeterProvider;
  const exemplars = async (name: string, attributes: Attributes = {}) => {
    const collection = await metrics.collect();
    return collection.point(name, attributes)?.exemplars;
  };
  const failed = async (instrument: string) => {
    const collection = await metrics.collect();
    return collection.value('nativestage.metrics.exemplar_reservoirs.failed', {
      instrument,
    });
  };
  return {
    metrics,
    provider,
    meter: provider.getMeter('test'),
    exemplars,
    failed,
  };
}

const KINDS = [
  'createCounter',
  'createUpDownCounter',
  'createGauge',
  'createHistogram',
] as const;

type Ours = SeriesControl<
  Attributes,
  { add?(value: number): void; record?(value: number): void }
>;

const values = (exemplars: { value: number }[] | undefined) =>
  exemplars?.map(({ value }) => value);

for (const kind of KINDS) {
  for (const isBound of [false, true]) {
    const what = isBound ? `the bound handle of ${kind}` : kind;

    test(`${what} offers every value to a reservoir of the series, whose choice is exported`, async t => {
      const { made, make } = keeping();
      const { meter, exemplars } = start(t, {
        views: views(make, { attribute_keys: { excluded: ['user'] } }),
      });
      const instrument = meter[kind]('x');
      const attributes = { a: 1, user: 'ann' };
      const bound = (instrument as unknown as Ours).bind(attributes);
      const record = (value: number) => {
        if (isBound) {
          (bound.add ?? bound.record!)(value);
        } else if ('add' in instrument) {
          instrument.add(value, attributes);
        } else {
          instrument.record(value, attributes);
        }
      };
      const begun = Date.now();
      [5, 1, 1, 3].forEach(record);
      const found = (await exemplars('x', { a: 1 }))!;
      assert.deepEqual(values(found), [5, 1, 1, 3]);
      assert.deepEqual(found[0].attributes, { user: 'ann' });
      assert.ok(found[0].time >= begun - 1 && found[0].time <= Date.now() + 1);
      assert.equal(made.length, 1);
      assert.deepEqual({ ...made[0].series.attributes }, { a: 1 });
      assert.deepEqual({ ...made[0].points[0] }, { a: 1 });
      assert.deepEqual({ ...made[0].all[0].attributes }, attributes);
      record(7);
      assert.deepEqual(values(await exemplars('x', { a: 1 })), [7]);
      // Nothing was offered since: they stay, as those of every cumulative point do.
      assert.deepEqual(values(await exemplars('x', { a: 1 })), [7]);
    });
  }
}

test('each series has a reservoir of its own, which hears what it is for', async t => {
  const { made, make } = keeping();
  const { meter, metrics } = start(t, {
    views: views(make, {
      name: 'renamed',
      aggregation: { explicit_bucket_histogram: { boundaries: [1, 2] } },
    }),
  });
  const histogram = meter.createHistogram('x');
  histogram.record(1.5, { a: 1, b: 2 });
  histogram.record(2.5, { b: 2, a: 1 });
  histogram.record(3.5, { a: 2 });
  const collection = await metrics.collect();
  assert.deepEqual(
    values(collection.point('renamed', { a: 1, b: 2 })!.exemplars),
    [1.5, 2.5],
  );
  assert.deepEqual(
    values(collection.point('renamed', { a: 2 })!.exemplars),
    [3.5],
  );
  assert.deepEqual(
    made.map(({ series: { attributes, ...rest } }) => ({
      ...rest,
      attributes: { ...attributes },
    })),
    [{ a: 1, b: 2 }, { a: 2 }].map(attributes => ({
      name: 'renamed',
      aggregation: {
        explicit_bucket_histogram: { boundaries: [1, 2], record_min_max: true },
      },
      attributes,
    })),
  );
});

test('an integer counter offers whole numbers', async t => {
  const { made, make } = keeping();
  const { meter, exemplars } = start(t, { views: views(make) });
  meter.createCounter('x', { valueType: 0 }).add(2.75);
  assert.deepEqual(values(await exemplars('x')), [2]);
  assert.equal(made[0].all[0].value, 2);
});

test('what a reservoir does to the attributes is its own affair', async t => {
  const { meter, metrics } = start(t, {
    views: views(() => ({
      offer: (_value, time, attributes) => {
        attributes.a = 'changed';
        time[0] = 0;
      },
      collect: point => {
        point.a = 'changed';
        return [];
      },
    })),
  });
  const given = { a: 'as it was' };
  meter.createCounter('x').add(1, given);
  assert.equal((await metrics.collect()).value('x', given), 1);
  assert.deepEqual(given, { a: 'as it was' });
});

test('the exemplar filter decides what is offered', async t => {
  for (const exemplars of ['always_off', 'trace_based'] as const) {
    const { made, make } = keeping();
    const { meter, metrics } = start(t, { exemplars, views: views(make) });
    meter.createCounter('x').add(1);
    await metrics.collect();
    assert.equal(made.length, 0, exemplars);
  }
});

describe('with a context manager', () => {
  before(() => new node.NodeTracerProvider().register());
  after(() => context.disable());

  test('a reservoir gets the whole context, of sampled spans alone by default', async t => {
    const { made, make } = keeping();
    const { meter, exemplars } = start(t, {
      exemplars: 'trace_based',
      views: views(make),
    });
    const counter = meter.createCounter('x');
    const key = createContextKey('user');
    const span = (traceFlags: TraceFlags) =>
      trace.setSpanContext(ROOT_CONTEXT.setValue(key, 'ann'), {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        traceFlags,
      });
    counter.add(1);
    counter.add(2, {}, span(TraceFlags.NONE));
    counter.add(3, {}, span(TraceFlags.SAMPLED));
    context.with(span(TraceFlags.SAMPLED), () => counter.add(4));
    const found = (await exemplars('x'))!;
    assert.deepEqual(
      found.map(({ value, traceId, spanId }) => [value, traceId, spanId]),
      [3, 4].map(value => [
        value,
        '0af7651916cd43dd8448eb211c80319c',
        'b7ad6b7169203331',
      ]),
    );
    assert.deepEqual(
      made[0].all.map(({ given }) => given.getValue(key)),
      ['ann', 'ann'],
    );
  });
});

test('an instrument that another view reads as usual has the usual exemplars there', async t => {
  const { made, make } = keeping();
  const { meter, metrics } = start(t, {
    views: [
      ...views(make, { name: 'mine' }),
      { selector: { instrument_name: 'x' }, stream: { name: 'usual' } },
    ],
  });
  const counter = meter.createCounter('x');
  [1, 9, 2, 3].forEach(value => counter.add(value, { a: 1 }));
  const collection = await metrics.collect();
  assert.deepEqual(
    values(collection.point('mine', { a: 1 })!.exemplars),
    [1, 9, 2, 3],
  );
  assert.deepEqual(values(collection.point('usual', { a: 1 })!.exemplars), [9]);
  assert.equal(made.length, 1);
});

test('a delta reader gets each choice once, whatever others collect', async t => {
  const { made, make } = keeping();
  const { provider, meter, exemplars } = start(t, { views: views(make) });
  const delta = provider.addReader({ temporality: 'delta' });
  const counter = meter.createCounter('x');
  const read = async () => {
    const otlp = JSON.parse(await delta.collect()) as {
      resourceMetrics: {
        scopeMetrics: {
          scope: { name: string };
          metrics: {
            sum: {
              dataPoints: {
                asDouble: number;
                exemplars?: { asDouble: number }[];
              }[];
            };
          }[];
        }[];
      }[];
    };
    const scope = otlp.resourceMetrics[0]?.scopeMetrics.find(
      ({ scope: { name } }) => name === 'test',
    );
    const [point] = scope?.metrics[0].sum.dataPoints ?? [];
    return point?.exemplars?.map(({ asDouble }) => asDouble);
  };
  counter.add(1);
  counter.add(2);
  assert.deepEqual(values(await exemplars('x')), [1, 2]);
  counter.add(3);
  assert.deepEqual(values(await exemplars('x')), [3]);
  assert.deepEqual(await read(), [1, 2, 3]);
  assert.equal(await read(), undefined);
  counter.add(4);
  assert.deepEqual(await read(), [4]);
  assert.equal(made.length, 2, 'a stream of its own');
});

test('a view that comes while the program runs is for instruments that exist, and goes again', async t => {
  const { made, make } = keeping();
  const { provider, meter, exemplars } = start(t, {});
  const counter = meter.createCounter('x');
  const bound = (counter as unknown as Ours).bind({ b: 1 });
  counter.add(1);
  await exemplars('x');
  provider.update({ views: views(make) });
  // What the stream of before has left.
  await exemplars('x');
  counter.add(2);
  bound.add!(20);
  assert.deepEqual(values(await exemplars('x')), [2]);
  assert.deepEqual(values(await exemplars('x', { b: 1 })), [20]);

  // The same function is the same reservoir, whatever else changes.
  counter.add(3);
  provider.update({ views: views(make, { description: 'other' }) });
  counter.add(4);
  provider.update({ cardinalityLimit: 10 });
  counter.add(5);
  assert.equal(made.length, 2);
  assert.deepEqual(values(made[0].all), [2, 3, 4, 5]);
  assert.deepEqual(values(await exemplars('x')), [5]);

  provider.update({ views: null });
  counter.add(6);
  await exemplars('x');
  counter.add(7);
  assert.equal(made[0].all.length, 4);
  const usual = values(await exemplars('x'));
  assert.equal(usual?.length, 1);
});

test('what was offered before a change is exported with the stream that ends', async t => {
  const { make } = keeping();
  const { provider, meter, exemplars } = start(t, { views: views(make) });
  const counter = meter.createCounter('x');
  counter.add(1);
  provider.update({ views: views(make, { name: 'y' }) });
  assert.deepEqual(values(await exemplars('x')), [1]);
});

test('a series that is removed begins with another reservoir', async t => {
  const { made, make } = keeping();
  const { meter, exemplars } = start(t, { views: views(make) });
  const counter = meter.createCounter('x');
  const ours = counter as unknown as Ours;
  counter.add(1, { a: 1 });
  ours.remove({ a: 1 });
  counter.add(2, { a: 1 });
  counter.add(3, { a: 2 });
  assert.equal(made.length, 3);
  assert.deepEqual(values(await exemplars('x', { a: 1 })), [2]);
  ours.clear();
  counter.add(4, { a: 1 });
  assert.equal(made.length, 4);
  assert.deepEqual(values(await exemplars('x', { a: 1 })), [4]);
});

test('what was offered before a removal is exported under delta temporality', async t => {
  const { make } = keeping();
  const { meter, exemplars } = start(t, {
    views: views(make),
    temporality: 'delta',
  });
  const counter = meter.createCounter('x');
  counter.add(1, { a: 1 });
  (counter as unknown as Ours).remove({ a: 1 });
  assert.deepEqual(values(await exemplars('x', { a: 1 })), [1]);
});

test('there are no more reservoirs than series, with the overflow one', async t => {
  const { made, make } = keeping();
  const { meter, exemplars } = start(t, {
    views: views(make, { aggregation_cardinality_limit: 3 }),
  });
  const counter = meter.createCounter('x');
  for (let n = 0; n < 500; n++) {
    counter.add(n, { n });
  }
  assert.equal(made.length, 4);
  assert.deepEqual(values(await exemplars('x', { n: 1 })), [1]);
  const overflow = (await exemplars('x', { 'otel.metric.overflow': true }))!;
  assert.equal(overflow.length, 497);
  assert.deepEqual(overflow[0].attributes, { n: 3 });
});

test('series without a value for long let go of their reservoirs', async t => {
  const { made, make } = keeping();
  const { meter, metrics } = start(t, {
    views: views(make),
    temporality: 'delta',
  });
  const counter = meter.createCounter('x');
  counter.add(1, { a: 1 });
  for (let round = 0; round < 8; round++) {
    await metrics.collect();
  }
  counter.add(2, { a: 1 });
  assert.equal(made.length, 2);
});

const good: Exemplar = { value: 1, timestamp: [1, 0] };
const garbage: [string, unknown, RegExp][] = [
  ['no function', undefined, /returned undefined, expected an object with/],
  ['no reservoir', { offer() {} }, /expected an object with the functions/],
  [
    'an offer that throws',
    {
      offer: () => {
        throw new Error('no room');
      },
      collect: () => [],
    },
    /offer failed: Error: no room/,
  ],
  [
    'an asynchronous offer',
    { offer: () => Promise.reject(new Error('late')), collect: () => [] },
    /offer failed: .*a promise/,
  ],
  [
    'a collect that throws',
    {
      offer() {},
      collect: () => {
        throw new Error('lost');
      },
    },
    /collect failed: Error: lost/,
  ],
  ...(
    [
      ['no list', 5, /returned 5, expected a list/],
      ['a hole', Array(1), /the value of an exemplar is undefined/],
      [
        'no number',
        [{ ...good, value: NaN }],
        /value of an exemplar is NaN, expected a finite number/,
      ],
      [
        'no time',
        [{ ...good, timestamp: 5 }],
        /timestamp of an exemplar is 5, expected \[seconds/,
      ],
      ['no id', [{ ...good, traceId: 7 }], /traceId of an exemplar is 7/],
      [
        'no attributes',
        [{ ...good, filteredAttributes: 'x' }],
        /filteredAttributes of an exemplar are x/,
      ],
      [
        'far too many',
        Array.from({ length: 1001 }, () => good),
        /1001 exemplars, expected 1000 at most/,
      ],
    ] as [string, unknown, RegExp][]
  ).map(([what, answer, message]): [string, unknown, RegExp] => [
    `${what} as answer`,
    { offer() {}, collect: () => answer },
    message,
  ]),
];

for (const [what, reservoir, message] of garbage) {
  test(`a reservoir with ${what} is used no more, counted, and said once`, async t => {
    const messages = diagMessages(t);
    const { meter, metrics, failed, exemplars } = start(t, {
      views: views((() => reservoir) as ExemplarReservoirFactory),
    });
    const counter = meter.createCounter('x');
    for (let round = 0; round < 3; round++) {
      counter.add(1, { a: 1 });
      counter.add(1, { a: 2 });
      await metrics.collect();
    }
    assert.equal(await failed('x'), 2);
    assert.equal((await metrics.collect()).value('x', { a: 1 }), 3);
    assert.equal(await exemplars('x', { a: 1 }), undefined);
    const said = messages.filter(text => text.includes('reservoir'));
    assert.equal(said.length, 1, messages.join('\n'));
    assert.match(said[0], message);
  });
}

test('a factory that throws is said as well', async t => {
  const messages = diagMessages(t);
  const { meter, failed } = start(t, {
    views: views(() => {
      throw new Error('none today');
    }),
  });
  meter.createCounter('x').add(1);
  assert.equal(await failed('x'), 1);
  assert.match(messages.join('\n'), /none today/);
});

test('what is no hexadecimal id is none, and a time in the future is now', async t => {
  const { meter, exemplars } = start(t, {
    views: views(() => ({
      offer() {},
      collect: () => [
        { value: 1, timestamp: [4e9, 0], traceId: 'x', spanId: '\ud800' },
      ],
    })),
  });
  meter.createCounter('x').add(1);
  const [found] = (await exemplars('x'))!;
  assert.equal(found.traceId, undefined);
  assert.ok(found.time <= Date.now() + 1);
});

test('a reservoir may record and change what there is, without an end', async t => {
  const { provider, meter, metrics } = start(t, {});
  const counter = meter.createCounter('x');
  let offers = 0;
  provider.update({
    views: views(() => ({
      offer() {
        offers++;
        counter.add(1, { a: 1 });
        (counter as unknown as Ours).remove({ a: 1 });
        meter.createCounter('other').add(1);
        provider.update({ cardinalityLimit: 100 + offers });
      },
      collect: () => {
        counter.add(1, { b: 1 });
        return [];
      },
    })),
  });
  counter.add(1, { a: 1 });
  counter.add(1, { a: 1 });
  assert.equal(offers, 2);
  const collection = await metrics.collect();
  assert.equal(collection.value('other'), 2);
});

test('a reservoir in the place of a function is refused with what is allowed', t => {
  const { provider } = start(t, {});
  const reservoir = new KeepAll({
    name: '',
    aggregation: { sum: {} },
    attributes: {},
  });
  assert.throws(
    () =>
      provider.update({
        views: views(reservoir as unknown as ExemplarReservoirFactory),
      }),
    {
      code: 'ERR_METRICS_INVALID_CONFIG',
      message:
        /exemplar_reservoir is a reservoir, expected a function that makes one/,
    },
  );
});

test('the reservoirs of OpenTelemetry’s JS SDK fit', async t => {
  const { meter, metrics } = start(t, {
    views: [
      ...views(() => new SimpleFixedSizeExemplarReservoir(2), {
        attribute_keys: { excluded: ['user'] },
      }),
      ...views(
        ({ aggregation }) => {
          const { boundaries } = (
            aggregation as {
              explicit_bucket_histogram: { boundaries: number[] };
            }
          ).explicit_bucket_histogram;
          return new AlignedHistogramBucketExemplarReservoir(boundaries);
        },
        { aggregation: { explicit_bucket_histogram: { boundaries: [10] } } },
        'h',
      ),
    ],
  });
  const counter = meter.createCounter('x');
  const histogram = meter.createHistogram('h');
  for (const value of [1, 2, 30]) {
    counter.add(value, { a: 1, user: 'ann' });
    histogram.record(value);
  }
  const collection = await metrics.collect();
  const counted = collection.point('x', { a: 1 })!.exemplars!;
  assert.equal(counted.length, 2);
  assert.deepEqual(counted[0].attributes, { user: 'ann' });
  assert.deepEqual(values(collection.point('h')!.exemplars), [2, 30]);
});

test('the page has what reservoirs chose at each scrape', async t => {
  const { made, make } = keeping();
  const provider = createMeterProvider({
    exemplars: 'always_on',
    exporters: { prometheus: { port: 0 } },
    views: views(make, {
      aggregation: { explicit_bucket_histogram: { boundaries: [10] } },
      attribute_keys: { excluded: ['user'] },
    }),
  });
  t.after(() => provider.shutdown());
  const histogram = provider.getMeter('test').createHistogram('x');
  const buckets = async () => {
    const page = await fetch(`http://${provider.prometheusAddress}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    const lines = (await page.text()).split('\n');
    return lines
      .filter(line => line.startsWith('x_bucket'))
      .map(line => / # (\{[^}]*\} \S+)/.exec(line)?.[1]);
  };
  histogram.record(1, { user: 'ann' });
  histogram.record(20, { user: 'bob' });
  assert.deepEqual(await buckets(), ['{user="ann"} 1', '{user="bob"} 20']);
  histogram.record(2, { user: 'eve' });
  assert.deepEqual(await buckets(), ['{user="eve"} 2', undefined]);
  assert.equal(made.length, 1);
});

for (const format of ['json', 'protobuf'] as const) {
  test(
    `as OTLP in ${format}, what reservoirs chose last is delivered when the program ends`,
    { skip: without(PYTHON) },
    async t => {
      const receiver = await OtlpReceiver.start(t);
      const ending = await runNode(t, 'instruments/own-reservoir.cjs', {
        args: [receiver.url, `http/${format}`],
      });
      assert.equal(ending.code, 0, ending.stderr);
      const { body } = receiver.received.at(-1)!;
      const found = metricsOf(await decodeOtlp(format, body));
      const [point] = pointsOf(found.find(({ name }) => name === 'it')!);
      assert.equal(point.asDouble, 13);
      assert.deepEqual(
        point.exemplars!.map(({ asDouble, filteredAttributes }) => [
          asDouble,
          attributesOf(filteredAttributes),
        ]),
        [[2, { user: 'bob' }]],
      );
    },
  );
}
