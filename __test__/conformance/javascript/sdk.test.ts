// The public API as OpenTelemetry's own suite of the JavaScript SDK expects it
// (packages/sdk-metrics/test: MeterProvider, Meter, InstrumentDescriptor, Instruments, ObservableResult,
// View, AsyncMetricStorage and the regressions), in our own words.
import type {
  Attributes,
  Meter,
  MetricOptions,
  Observable,
  ObservableResult,
} from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import { CREATORS } from '../../instruments/support';
import {
  type Case,
  type Difference,
  type Player,
  playAll,
  pointsOf,
} from './cases';
import type { View } from '../sdkView';
import type { Options } from './sides';

const { INT, DOUBLE } = ValueType;

const SCHEMA = 'https://opentelemetry.io/schemas/1.4.0';

const DEFAULT_BOUNDS = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000,
];

/** The counts of the default buckets of which some counted something. */
function defaultCounts(counted: Record<number, number>): number[] {
  return Array.from(
    { length: DEFAULT_BOUNDS.length + 1 },
    (_, at) => counted[at] ?? 0,
  );
}

const meterOf = ({ provider }: Player): Meter =>
  provider.getMeter('default', '1.0.0', { schemaUrl: SCHEMA });

const view = (
  selector: View['selector'] | string,
  stream: NonNullable<View['stream']>,
): View => ({
  selector:
    typeof selector === 'string' ? { instrument_name: selector } : selector,
  stream,
});

const names = async (side: Player) =>
  (await side.collect()).map(({ scope, name }) => [scope[0], name]);

// ---- MeterProvider

const provider: Case[] = [
  {
    title: 'one name and version is one meter',
    play: ({ provider: it }) =>
      it.getMeter('meter1', '1.0.0') === it.getMeter('meter1', '1.0.0'),
    expected: true,
  },
  {
    title: 'name, version and schema URL are what tells scopes apart',
    async play(side) {
      for (const [name, version, schemaUrl] of [
        ['meter1', 'v1.0.0'],
        ['meter2', 'v1.0.0'],
        ['meter1', 'v1.0.1'],
        ['meter1', 'v1.0.1', SCHEMA],
      ]) {
        for (let time = 0; time < 2; time++) {
          side.provider
            .getMeter(name, version, { schemaUrl })
            .createCounter('test')
            .add(1);
        }
      }
      const metrics = await side.collect();
      return metrics.map(({ scope, points }) => [
        scope.filter(Boolean),
        points[0].value,
      ]);
    },
    expected: [
      [['meter1', 'v1.0.0'], 2],
      [['meter2', 'v1.0.0'], 2],
      [['meter1', 'v1.0.1'], 2],
      [['meter1', 'v1.0.1', SCHEMA], 2],
    ],
  },
  {
    title:
      'a meter that is asked for after the shutdown is another, which does nothing',
    async play({ provider }) {
      const before = provider.getMeter('meter1', '1.0.0');
      await provider.shutdown();
      const after = provider.getMeter('meter1', '1.0.0');
      after.createCounter('test').add(1);
      return before === after;
    },
    expected: false,
  },
  {
    title: 'a shutdown may be asked for again, and a flush after it',
    async play({ provider }) {
      await provider.shutdown();
      await provider.shutdown();
      await provider.forceFlush?.();
    },
    expected: undefined,
  },
];

// ---- Views

const CARDINALITY = async (side: Player, sets: number) => {
  const counter = side.provider.getMeter('meter1').createCounter('it');
  for (let number = 0; number < sets; number++) {
    counter.add(1, { [`attr${number}`]: `value${number}` });
  }
  return overflow(await side.collect());
};

/** How many points there are, and what the overflow has. */
function overflow(metrics: Parameters<typeof pointsOf>[0]) {
  const points = pointsOf(metrics);
  const [, over] =
    points.find(([attributes]) => 'otel.metric.overflow' in attributes) ?? [];
  return { points: points.length, overflow: over };
}

/** The criteria of a selector: what each is for, and two instruments of which only one has it. */
const CRITERIA: Record<
  string,
  [View['selector'], (side: Player, one: boolean) => void]
> = {
  'the name': [
    { instrument_name: 'it' },
    ({ provider }, one) =>
      provider
        .getMeter('m')
        .createCounter(one ? 'it' : 'other')
        .add(1),
  ],
  'the kind': [
    { instrument_type: 'counter' },
    ({ provider }, one) => {
      const meter = provider.getMeter('m');
      if (one) {
        meter.createCounter('it').add(1);
      } else {
        meter.createUpDownCounter('other').add(1);
      }
    },
  ],
  'the unit': [
    { unit: 's' },
    ({ provider }, one) =>
      provider
        .getMeter('m')
        .createCounter(one ? 'it' : 'other', { unit: one ? 's' : 'ms' })
        .add(1),
  ],
  'the name of the meter': [
    { meter_name: 'm' },
    ({ provider }, one) =>
      provider
        .getMeter(one ? 'm' : 'n')
        .createCounter(one ? 'it' : 'other')
        .add(1),
  ],
  'the version of the meter': [
    { meter_version: '1' },
    ({ provider }, one) =>
      provider
        .getMeter('m', one ? '1' : '2')
        .createCounter(one ? 'it' : 'other')
        .add(1),
  ],
  'the schema URL of the meter': [
    { meter_schema_url: SCHEMA },
    ({ provider }, one) =>
      provider
        .getMeter('m', '1', { schemaUrl: one ? SCHEMA : `${SCHEMA}.1` })
        .createCounter(one ? 'it' : 'other')
        .add(1),
  ],
  'a wildcard for some characters': [
    { instrument_name: 'i*t' },
    ({ provider }, one) =>
      provider
        .getMeter('m')
        .createCounter(one ? 'in.between.it' : 'other')
        .add(1),
  ],
};

/** Aggregations that a view chooses, by what becomes of 1 and 4 added to an up-down counter. */
const AGGREGATIONS: Record<
  string,
  [NonNullable<View['stream']>['aggregation'], unknown[]]
> = {
  default: [{ default: {} }, [['sum', 5]]],
  drop: [{ drop: {} }, []],
  sum: [{ sum: {} }, [['sum', 5]]],
  'explicit buckets': [
    { explicit_bucket_histogram: { boundaries: [2] } },
    [['histogram', { count: 2, min: 1, max: 4, bounds: [2], counts: [1, 1] }]],
  ],
};

const views: Case[] = [
  ...Object.entries(CRITERIA).map(([criterion, [selector, record]]): Case => ({
    title: `a view is for the instruments that have ${criterion}, and no others`,
    options: { views: [view(selector, { description: 'by the view' })] },
    async play(side) {
      record(side, true);
      record(side, false);
      const metrics = await side.collect();
      return metrics.map(({ description }) => description);
    },
    expected: ['by the view', ''],
  })),
  {
    title: 'a view may leave one character of a name open',
    alone: 'The JS SDK knows no question mark in names.',
    options: { views: [view('i?', { description: 'found' })] },
    async play(side) {
      ['it', 'its'].forEach(name =>
        side.provider.getMeter('m').createCounter(name).add(1),
      );
      const metrics = await side.collect();
      return metrics.map(({ description }) => description);
    },
    expected: ['found', ''],
  },
  {
    title: 'a view of everything is for every instrument',
    options: { views: [view('*', { description: 'by the view' })] },
    async play(side) {
      const meter = side.provider.getMeter('m');
      meter.createCounter('one').add(1);
      meter.createHistogram('two').record(1);
      meter.createObservableGauge('three').addCallback(result => {
        result.observe(1);
      });
      const metrics = await side.collect();
      return metrics.map(({ description }) => description);
    },
    expected: ['by the view', 'by the view', 'by the view'],
  },
  {
    title:
      'a view gives a name and a description, and keeps attributes and value',
    options: {
      views: [view('it', { name: 'renamed', description: 'my renamed' })],
    },
    async play(side) {
      side.provider
        .getMeter('meter1', 'v1')
        .createCounter('it')
        .add(1, { one: 'a', two: 'b' });
      const [metric, ...others] = await side.collect();
      return [
        metric.name,
        metric.description,
        metric.scope.slice(0, 2),
        metric.points,
        others,
      ];
    },
    expected: [
      'renamed',
      'my renamed',
      ['meter1', 'v1'],
      [{ attributes: { one: 'a', two: 'b' }, value: 1 }],
      [],
    ],
  },
  {
    title: 'a view that names attributes keeps no others',
    options: {
      views: [view('it', { attribute_keys: { included: ['one'] } })],
    },
    async play(side) {
      const counter = side.provider.getMeter('meter1').createCounter('it');
      counter.add(1, { one: 'a', two: 'b' });
      counter.add(2, { one: 'a', two: 'c' });
      return pointsOf(await side.collect());
    },
    expected: [[{ one: 'a' }, 3]],
  },
  {
    title: 'a view that excludes attributes keeps the others',
    options: {
      views: [view('it', { attribute_keys: { excluded: ['one'] } })],
    },
    async play(side) {
      const counter = side.provider.getMeter('meter1').createCounter('it');
      counter.add(1, { one: 'a', two: 'b' });
      return pointsOf(await side.collect());
    },
    expected: [[{ two: 'b' }, 1]],
  },
  {
    title: 'a view without a meter is for all meters',
    options: { views: [view('it', { name: 'renamed' })] },
    async play(side) {
      side.provider.getMeter('meter1').createCounter('it').add(1);
      side.provider.getMeter('meter2').createCounter('it').add(2);
      return names(side);
    },
    expected: [
      ['meter1', 'renamed'],
      ['meter2', 'renamed'],
    ],
  },
  {
    title: 'a view with a meter is for that meter',
    options: {
      views: [
        view({ instrument_name: 'it', meter_name: 'meter1' }, { name: 'new' }),
      ],
    },
    async play(side) {
      side.provider.getMeter('meter1').createCounter('it').add(1);
      side.provider.getMeter('meter2').createCounter('it').add(2);
      return names(side);
    },
    expected: [
      ['meter1', 'new'],
      ['meter2', 'it'],
    ],
  },
  {
    title: 'views that give instruments of two kinds one name do not throw',
    options: {
      views: [
        view('counter', { name: 'renamed' }),
        view('histogram', { name: 'renamed' }),
      ],
    },
    async play(side) {
      const meter = side.provider.getMeter('meter1');
      meter.createCounter('counter', { unit: 'ms' }).add(1);
      meter.createHistogram('histogram', { unit: 'ms' }).record(1);
      const metrics = await side.collect();
      return metrics.map(({ name, kind }) => [name, kind]);
    },
    expected: [
      ['renamed', 'sum'],
      ['renamed', 'histogram'],
    ],
  },
  {
    title: 'two views of one instrument are two streams',
    options: { views: [view('it', { name: 'a' }), view('it', { name: 'b' })] },
    async play(side) {
      side.provider.getMeter('meter1').createCounter('it').add(1);
      return names(side);
    },
    expected: [
      ['meter1', 'a'],
      ['meter1', 'b'],
    ],
  },
  {
    title: 'views by unit give each unit its buckets',
    options: {
      views: [
        view(
          { instrument_name: '*', unit: 's' },
          { aggregation: { explicit_bucket_histogram: { boundaries: [1] } } },
        ),
        view(
          { instrument_name: '*', unit: 'ms' },
          {
            aggregation: { explicit_bucket_histogram: { boundaries: [1000] } },
          },
        ),
      ],
    },
    async play(side) {
      const meter = side.provider.getMeter('meter1');
      for (const unit of ['ms', 's']) {
        meter.createHistogram(`in.${unit}`, { unit }).record(1);
      }
      const metrics = await side.collect();
      return metrics.map(({ unit, points: [{ value }] }) => [
        unit,
        typeof value === 'object' && value.bounds,
      ]);
    },
    expected: [
      ['ms', [1000]],
      ['s', [1]],
    ],
  },
  ...Object.entries(AGGREGATIONS).map(
    ([name, [aggregation, expected]]): Case => ({
      title: `a view chooses the aggregation: ${name}`,
      options: { views: [view('it', { aggregation })] },
      async play(side) {
        const counter = side.provider.getMeter('m').createUpDownCounter('it');
        counter.add(1);
        counter.add(4);
        const metrics = await side.collect();
        return metrics.map(({ kind, points: [{ value }] }) => [kind, value]);
      },
      expected,
    }),
  ),
  {
    title: 'a view chooses the aggregation: last value',
    options: { views: [view('it', { aggregation: { last_value: {} } })] },
    async play(side) {
      const gauge = side.provider.getMeter('m').createGauge('it');
      gauge.record(1);
      gauge.record(4);
      const [{ kind, points }] = await side.collect();
      return [kind, points[0].value];
    },
    expected: ['gauge', 4],
  },
  {
    title: 'a view chooses the aggregation: exponential buckets',
    options: {
      views: [
        view('it', { aggregation: { base2_exponential_bucket_histogram: {} } }),
      ],
    },
    async play(side) {
      side.provider.getMeter('m').createHistogram('it').record(4);
      return (await side.collect()).map(({ kind }) => kind);
    },
    expected: ['exponentialHistogram'],
  },
  {
    title: 'a view bounds the series of an instrument',
    options: { views: [view('it', { aggregation_cardinality_limit: 2 })] },
    play: side => CARDINALITY(side, 3),
    expected: { points: 2, overflow: 2 },
  },
  {
    title: 'a view bounds the series of an observable instrument',
    options: { views: [view('it', { aggregation_cardinality_limit: 2 })] },
    async play(side) {
      const counter = side.provider.getMeter('m').createObservableCounter('it');
      counter.addCallback(result => {
        result.observe(1, { one: 1 });
        result.observe(2, { two: 2 });
        result.observe(3, { three: 3 });
        result.observe(4, { one: 1 });
      });
      return overflow(await side.collect());
    },
    expected: { points: 2, overflow: 3 },
  },
  {
    title: 'a reader bounds the series of an instrument',
    options: { cardinalityLimit: 2 },
    play: side => CARDINALITY(side, 3),
    expected: { points: 2, overflow: 2 },
  },
  {
    title: 'the limit is 2000 where nobody sets one',
    play: side => CARDINALITY(side, 2001),
    expected: { points: 2000, overflow: 2 },
  },
];

// ---- Meter and InstrumentDescriptor

const INVALID_NAMES = ['', 'a'.repeat(256), '1a', '-a', '.a', '_a'];
const VALID_NAMES = ['a', 'a'.repeat(255), 'a1', 'a-1', 'a.1', 'a_1', 'a/1'];

const observablesOf = (meter: Meter) => [
  meter.createObservableGauge('gauge'),
  meter.createObservableCounter('counter'),
  meter.createObservableUpDownCounter('up.down'),
];

/** Two registrations of counters, and whether they are one. */
const PAIRS: Record<
  string,
  [[string, MetricOptions], [string, MetricOptions], number]
> = {
  'equal descriptors': [
    ['foo', { description: 'any', unit: 'kB' }],
    ['foo', { description: 'any', unit: 'kB' }],
    1,
  ],
  'names that differ in case': [['foo', {}], ['FoO', {}], 1],
  'different advice': [
    ['foo', { advice: { explicitBucketBoundaries: [4, 5, 6] } }],
    ['FoO', { advice: { explicitBucketBoundaries: [1, 2, 3] } }],
    1,
  ],
  'advice and none': [
    ['foo', { advice: {} }],
    ['FoO', { advice: { explicitBucketBoundaries: [1, 2, 3] } }],
    1,
  ],
  'different names': [['foo', {}], ['foobar', {}], 2],
  'units that differ in case': [
    ['foo', { unit: 'kB' }],
    ['foo', { unit: 'kb' }],
    2,
  ],
  'different value types': [
    ['foo', { valueType: INT }],
    ['foo', { valueType: DOUBLE }],
    2,
  ],
};

const meters: Case[] = [
  ...CREATORS.flatMap(create => [
    {
      title: `${create} warns of each name that is not valid`,
      play: (side: Player) => {
        const meter = meterOf(side);
        return INVALID_NAMES.map(name => {
          const before = side.warnings.length;
          meter[create](name);
          return side.warnings.length - before;
        });
      },
      expected: INVALID_NAMES.map(() => 1),
    },
    {
      title: `${create} takes every valid name without a word`,
      play: (side: Player) => {
        VALID_NAMES.forEach(name => meterOf(side)[create](name));
        return side.warnings;
      },
      expected: [],
    },
  ]),
  {
    title: 'an instrument whose name is not valid is exported',
    async play(side) {
      meterOf(side).createCounter('1a').add(1);
      return (await side.collect()).map(({ name }) => name);
    },
    expected: ['1a'],
  },
  {
    title: 'a callback for several instruments is taken and given back',
    async play(side) {
      const meter = meterOf(side);
      const observables = observablesOf(meter);
      let calls = 0;
      const callback = () => {
        calls += 1;
      };
      meter.addBatchObservableCallback(callback, observables);
      await side.collect();
      meter.removeBatchObservableCallback(callback, observables);
      meter.removeBatchObservableCallback(() => {}, []);
      await side.collect();
      return calls;
    },
    expected: 1,
  },
  {
    title: 'a callback for what are no instruments is tolerated',
    play(side) {
      const strangers = [{}, 1, 'foo', Symbol()] as unknown as Observable[];
      meterOf(side).addBatchObservableCallback(() => {}, strangers);
    },
    expected: undefined,
  },
  ...[null, undefined].map((unit): Case => ({
    title: `a unit of ${unit} is an empty one`,
    async play(side) {
      meterOf(side)
        .createCounter('it', { unit: unit as unknown as string })
        .add(1);
      return (await side.collect()).map(metric => metric.unit);
    },
    expected: [''],
  })),
  ...Object.entries(PAIRS).map(([title, [first, second, streams]]): Case => ({
    title: `${title} make ${streams === 1 ? 'one stream' : 'two streams'}`,
    alone:
      streams === 1 && first[0] !== second[0]
        ? 'It compares descriptors so, but looks them up by the exact name.'
        : undefined,
    async play(side) {
      const meter = meterOf(side);
      meter.createCounter(...first).add(1);
      meter.createCounter(...second).add(1);
      return (await side.collect()).length;
    },
    expected: streams,
  })),
  ...(
    [
      ['another kind', (meter: Meter) => meter.createUpDownCounter('it'), {}],
      ['another value type', undefined, { valueType: INT }],
      ['another unit', undefined, { unit: 'ms' }],
      ['another description', undefined, { description: 'Other' }],
    ] as const
  ).map(([what, create, options]): Case => ({
    title: `a name that is registered again with ${what} is warned of`,
    async play(side) {
      const meter = meterOf(side);
      meter.createCounter('it', { unit: 's', description: 'One' }).add(1);
      const again = { unit: 's', description: 'One', ...options };
      (create?.(meter) ?? meter.createCounter('it', again)).add(1);
      await side.collect();
      return side.warnings.length > 0;
    },
    expected: true,
  })),
];

// ---- Instruments

const COMMON_VALUES = [1, -1, 1.0, Infinity, -Infinity, NaN];
class Foo {
  a = '1';
}
const COMMON_ATTRIBUTES = [{}, { 1: '1' }, { a: '2' }, { ...new Foo() }];
const ODD_VALUES = [Infinity, -Infinity, NaN, '1' as unknown as number];
const BAR = { foo: 'bar' };

const HISTOGRAM_DELTA: Options = { temporality: 'delta' };

const instruments: Case[] = [
  ...(
    [
      'createCounter',
      'createUpDownCounter',
      'createHistogram',
      'createGauge',
    ] as const
  ).map((create): Case => ({
    title: `${create}: common values and attributes do not throw, and the descriptor is kept`,
    async play(side) {
      const instrument = meterOf(side)[create]('test', {
        description: 'foobar',
        unit: 'kB',
      });
      const put = (value: number, set: Attributes) =>
        'add' in instrument
          ? instrument.add(value, set)
          : instrument.record(value, set);
      for (const value of COMMON_VALUES) {
        COMMON_ATTRIBUTES.forEach(set => put(value, set));
      }
      const [{ scope, name, description, unit, points }] = await side.collect();
      return [scope, name, description, unit, points.length];
    },
    expected: [['default', '1.0.0', SCHEMA], 'test', 'foobar', 'kB', 4],
  })),
  ...(
    [
      'createObservableCounter',
      'createObservableUpDownCounter',
      'createObservableGauge',
    ] as const
  ).map((create): Case => ({
    title: `${create}: common values and attributes do not throw, and the callback runs once a collection`,
    async play(side) {
      let calls = 0;
      const observable = meterOf(side)[create]('test');
      observable.addCallback((result: ObservableResult) => {
        calls += 1;
        for (const value of COMMON_VALUES) {
          COMMON_ATTRIBUTES.forEach(set => result.observe(value, set));
        }
      });
      await side.collect();
      return calls;
    },
    expected: 1,
  })),
  {
    title:
      'a counter of integers cuts fractions off and takes only numbers that are finite and not negative',
    async play(side) {
      const counter = meterOf(side).createCounter('test', { valueType: INT });
      counter.add(1);
      counter.add(1, BAR);
      counter.add(1.1);
      ODD_VALUES.forEach(value => counter.add(value));
      const before = pointsOf(await side.collect());
      counter.add(-1.1);
      const [{ monotonic, kind }] = await side.collect();
      return [before, pointsOf(await side.collect()), monotonic, kind];
    },
    expected: [
      [
        [BAR, 1],
        [{}, 2],
      ],
      [
        [BAR, 1],
        [{}, 2],
      ],
      true,
      'sum',
    ],
  },
  {
    title: 'a counter of doubles takes only numbers that are not negative',
    async play(side) {
      const counter = meterOf(side).createCounter('test', {
        valueType: DOUBLE,
      });
      counter.add(1);
      counter.add(1, BAR);
      counter.add(1.1);
      counter.add(1.2, BAR);
      counter.add('1' as unknown as number);
      counter.add(-1.1);
      return pointsOf(await side.collect());
    },
    expected: [
      [BAR, 2.2],
      [{}, 2.1],
    ],
  },
  {
    title:
      'an up-down counter of integers cuts fractions off and takes only finite numbers',
    options: { temporality: 'delta' },
    async play(side) {
      const counter = meterOf(side).createUpDownCounter('test', {
        valueType: INT,
      });
      counter.add(3);
      counter.add(-1.1);
      counter.add(4, BAR);
      counter.add(1.1, BAR);
      ODD_VALUES.forEach(value => counter.add(value));
      const [metric] = await side.collect();
      return [pointsOf([metric]), metric.monotonic];
    },
    expected: [
      [
        [BAR, 5],
        [{}, 2],
      ],
      false,
    ],
  },
  {
    title: 'an up-down counter of doubles takes only numbers',
    options: { temporality: 'delta' },
    async play(side) {
      const counter = meterOf(side).createUpDownCounter('test', {
        valueType: DOUBLE,
      });
      counter.add(3);
      counter.add(-1.1);
      counter.add(4, BAR);
      counter.add(1.1, BAR);
      counter.add('1' as unknown as number);
      return pointsOf(await side.collect());
    },
    expected: [
      [BAR, 5.1],
      [{}, 1.9],
    ],
  },
  {
    title:
      'a histogram of integers cuts fractions off and takes only finite numbers',
    options: HISTOGRAM_DELTA,
    async play(side) {
      const histogram = meterOf(side).createHistogram('test', {
        valueType: INT,
      });
      histogram.record(10);
      histogram.record(0.1);
      histogram.record(100, BAR);
      histogram.record(0.1, BAR);
      ODD_VALUES.forEach(value => histogram.record(value));
      return pointsOf(await side.collect());
    },
    expected: [
      [
        BAR,
        {
          count: 2,
          sum: 100,
          min: 0,
          max: 100,
          bounds: DEFAULT_BOUNDS,
          counts: defaultCounts({ 0: 1, 6: 1 }),
        },
      ],
      [
        {},
        {
          count: 2,
          sum: 10,
          min: 0,
          max: 10,
          bounds: DEFAULT_BOUNDS,
          counts: defaultCounts({ 0: 1, 2: 1 }),
        },
      ],
    ],
  },
  {
    title: 'a histogram of doubles takes only numbers',
    options: HISTOGRAM_DELTA,
    async play(side) {
      const histogram = meterOf(side).createHistogram('test', {
        valueType: DOUBLE,
      });
      histogram.record(10);
      histogram.record(0.1);
      histogram.record('1' as unknown as number);
      histogram.record(NaN);
      return pointsOf(await side.collect());
    },
    expected: [
      [
        {},
        {
          count: 2,
          sum: 10.1,
          min: 0.1,
          max: 10,
          bounds: DEFAULT_BOUNDS,
          counts: defaultCounts({ 1: 1, 2: 1 }),
        },
      ],
    ],
  },
  {
    title: 'a histogram has the buckets of its advice',
    options: HISTOGRAM_DELTA,
    async play(side) {
      const histogram = meterOf(side).createHistogram('test', {
        valueType: INT,
        advice: { explicitBucketBoundaries: [1, 9, 100] },
      });
      histogram.record(10);
      histogram.record(0);
      return pointsOf(await side.collect());
    },
    expected: [
      [
        {},
        {
          count: 2,
          sum: 10,
          min: 0,
          max: 10,
          bounds: [1, 9, 100],
          counts: [1, 0, 1, 0],
        },
      ],
    ],
  },
  {
    title: 'a histogram may be advised to have one bucket',
    async play(side) {
      const histogram = meterOf(side).createHistogram('test', {
        advice: { explicitBucketBoundaries: [] },
      });
      histogram.record(10);
      const [[, point]] = pointsOf(await side.collect());
      return (point as { bounds: number[] }).bounds;
    },
    expected: [],
  },
  ...([INT, DOUBLE] as const).map((valueType): Case => ({
    title: `a histogram of ${valueType === INT ? 'integers' : 'doubles'} takes nothing negative`,
    options: HISTOGRAM_DELTA,
    async play(side) {
      meterOf(side).createHistogram('test', { valueType }).record(-1, BAR);
      return side.collect();
    },
    expected: [],
  })),
  ...(['cumulative', 'delta'] as const).map((temporality): Case => ({
    title: `minimum and maximum of ${temporality} points are those of ${temporality === 'delta' ? 'the interval' : 'all values'}`,
    options: { temporality },
    async play(side) {
      const histogram = meterOf(side).createHistogram('test', {
        valueType: INT,
      });
      histogram.record(10);
      histogram.record(100);
      await side.collect();
      histogram.record(20);
      histogram.record(90);
      const [[, point]] = pointsOf(await side.collect());
      const { count, sum, min, max } = point as Record<string, number>;
      return { count, sum, min, max };
    },
    expected:
      temporality === 'delta'
        ? { count: 2, sum: 110, min: 20, max: 90 }
        : { count: 4, sum: 220, min: 10, max: 100 },
  })),
  ...(
    [
      'createObservableCounter',
      'createObservableUpDownCounter',
      'createObservableGauge',
    ] as const
  ).map((create): Case => ({
    title: `${create}: each collection has what its callback observes`,
    async play(side) {
      let value = 0;
      const observable = meterOf(side)[create]('test');
      observable.addCallback((result: ObservableResult) => {
        value += 10;
        result.observe(value);
        result.observe(1, BAR);
      });
      const first = pointsOf(await side.collect());
      const [metric] = await side.collect();
      return [first, pointsOf([metric]), metric.kind, metric.monotonic];
    },
    expected: [
      [
        [BAR, 1],
        [{}, 10],
      ],
      [
        [BAR, 1],
        [{}, 20],
      ],
      create === 'createObservableGauge' ? 'gauge' : 'sum',
      create === 'createObservableGauge'
        ? undefined
        : create === 'createObservableCounter',
    ],
  })),
  {
    title: 'an observable gauge may go below zero',
    async play(side) {
      meterOf(side)
        .createObservableGauge('test')
        .addCallback(result => result.observe(-1));
      return pointsOf(await side.collect());
    },
    expected: [[{}, -1]],
  },
  {
    title: 'a gauge has the last value of each set',
    async play(side) {
      const gauge = meterOf(side).createGauge('test');
      gauge.record(1, BAR);
      gauge.record(-1);
      return pointsOf(await side.collect());
    },
    expected: [
      [BAR, 1],
      [{}, -1],
    ],
  },
];

// ---- ObservableResult and AsyncMetricStorage

const observations: Case[] = [
  {
    title: 'of what is observed twice the later value counts',
    async play(side) {
      meterOf(side)
        .createObservableGauge('it')
        .addCallback(result => {
          result.observe(1, {});
          result.observe(2, {});
        });
      return pointsOf(await side.collect());
    },
    expected: [[{}, 2]],
  },
  {
    title:
      'of what a batch observes twice the later value counts, for each instrument alone',
    async play(side) {
      const meter = meterOf(side);
      const [one, two] = ['one', 'two'].map(name =>
        meter.createObservableGauge(name),
      );
      meter.addBatchObservableCallback(
        result => {
          result.observe(one, 1, {});
          result.observe(one, 2, {});
          result.observe(two, 4, {});
        },
        [one, two],
      );
      const metrics = await side.collect();
      return [pointsOf(metrics, 'one'), pointsOf(metrics, 'two')];
    },
    expected: [[[{}, 2]], [[{}, 4]]],
  },
  {
    title:
      'an observation of integers has its fraction cut off, and what is not finite is ignored',
    async play(side) {
      meterOf(side)
        .createObservableUpDownCounter('it', { valueType: INT })
        .addCallback(result => {
          result.observe(1.1, {});
          ODD_VALUES.forEach(value => result.observe(value, {}));
        });
      return pointsOf(await side.collect());
    },
    expected: [[{}, 1]],
  },
  {
    title: 'a batch ignores what is no instrument and what is no number',
    async play(side) {
      const meter = meterOf(side);
      const gauge = meter.createObservableGauge('it');
      meter.addBatchObservableCallback(
        result => {
          result.observe(gauge, '1' as unknown as number, {});
          result.observe({} as Observable, 1, {});
          result.observe(gauge, 3, BAR);
        },
        [gauge],
      );
      return pointsOf(await side.collect());
    },
    expected: [[BAR, 3]],
  },
  ...(
    [
      ['createObservableCounter', [1, 3, 2]],
      ['createObservableUpDownCounter', [1, 4, 2]],
    ] as const
  ).map(([create, expected]): Case => ({
    title: `${create}: what a reader of deltas has of 1, 4 and 2`,
    options: { temporality: 'delta' },
    async play(side) {
      const values = [1, 4, 2];
      const observable = meterOf(side)[create]('it');
      observable.addCallback((result: ObservableResult) =>
        result.observe(values.shift()!),
      );
      const found = [];
      for (let round = 0; round < 3; round++) {
        found.push(pointsOf(await side.collect())[0][1]);
      }
      return found;
    },
    expected,
  })),
];

// ---- Regressions

const regressions: Case[] = [
  {
    title: 'NaN does not spoil a histogram',
    async play(side) {
      const histogram = meterOf(side).createHistogram('it');
      [1, NaN, 2].forEach(value => histogram.record(value));
      const [[, point]] = pointsOf(await side.collect());
      const { count, sum, min, max } = point as Record<string, number>;
      return { count, sum, min, max };
    },
    expected: { count: 2, sum: 3, min: 1, max: 2 },
  },
  {
    title: 'a cumulative exponential histogram counts on after a collection',
    options: {
      views: [
        view('it', { aggregation: { base2_exponential_bucket_histogram: {} } }),
      ],
    },
    async play(side) {
      const histogram = meterOf(side).createHistogram('it');
      histogram.record(1);
      await side.collect();
      histogram.record(100);
      const [{ points }] = await side.collect();
      const { value } = points[0];
      return typeof value === 'object' ? value.count : value;
    },
    expected: 2,
  },
];

const differences: Record<string, Difference> = {
  overflowBeginsAboveTheLimit: {
    reason:
      'Nothing may overflow at or below the limit (Metrics SDK specification, "Overflow attribute"): the JS SDK counts the overflow series as one of them.',
    ours: {
      'a view bounds the series of an instrument': { points: 3, overflow: 1 },
      'a view bounds the series of an observable instrument': {
        points: 3,
        overflow: 3,
      },
      'a reader bounds the series of an instrument': { points: 3, overflow: 1 },
      'the limit is 2000 where nobody sets one': { points: 2001, overflow: 1 },
    },
  },
  anInvalidNameMakesNothing: {
    reason:
      'Whether an instrument with such a name is made is left open (Metrics SDK specification, "Instrument name"): ours does nothing, because no receiver need take its metric.',
    ours: { 'an instrument whose name is not valid is exported': [] },
  },
};

playAll('a provider', provider, {});
playAll('views', views, pick(views));
playAll('meters and descriptors', meters, pick(meters));
playAll('instruments', instruments, pick(instruments));
playAll('observations', observations, pick(observations));
playAll('regressions', regressions, pick(regressions));

/** The differences that these cases see. */
function pick(cases: Case[]): Record<string, Difference> {
  const titles = new Set(cases.map(({ title }) => title));
  return Object.fromEntries(
    Object.entries(differences).filter(([, { ours }]) =>
      Object.keys(ours).some(title => titles.has(title)),
    ),
  );
}
