import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SeriesControl } from '@nativestage/metrics/sdk';
import type { TestMetrics } from '@nativestage/metrics/testing';
import type {
  Attributes,
  Counter,
  Gauge,
  Histogram,
  Meter,
  UpDownCounter,
} from '@opentelemetry/api';
import fc from 'fast-check';
import { NOWHERE } from '../../ts/instruments/trie';
import {
  diagMessages,
  dropped,
  entriesText,
  setText,
  testMetrics,
} from './support';

const OVERFLOW = { 'otel.metric.overflow': true };

type OurCounter = Counter & SeriesControl<Attributes, { add: Put }>;
type OurUpDown = UpDownCounter & SeriesControl<Attributes, { add: Put }>;
type OurGauge = Gauge & SeriesControl<Attributes, { record: Put }>;
type OurHistogram = Histogram & SeriesControl<Attributes, { record: Put }>;
type Put = (value: number) => void;

function meterOf(metrics: TestMetrics): Meter {
  return metrics.provider.getMeter('m');
}

function counterOf(metrics: TestMetrics, name = 'it'): OurCounter {
  return meterOf(metrics).createCounter(name) as OurCounter;
}

/** Series by set. */
async function series(metrics: TestMetrics, name = 'it') {
  const metric = (await metrics.collect()).metric(name);
  const points = (metric?.points ?? []).map(
    ({ attributes, value, sum }): [string, number] => [
      setText(attributes),
      (value ?? sum)!,
    ],
  );
  const found = new Map(points);
  assert.equal(found.size, points.length, 'two points of one set');
  return found;
}

function expected(...sets: [Attributes, number][]) {
  return new Map(sets.map(([set, value]) => [setText(set), value]));
}

// The whole of the object is private; what it costs is what these tests are about.
function sizeOf(instrument: unknown): { sets: number; paths: number } {
  const { trie } = instrument as {
    trie: {
      slots(): Set<number>;
      steps(): Iterable<{ end: number | { slot: number } }>;
    };
  };
  const ends = Array.from(trie.steps(), ({ end }) =>
    typeof end === 'number' ? end : end.slot,
  );
  return {
    sets: trie.slots().size,
    paths: ends.filter(slot => slot !== NOWHERE).length,
  };
}

const SAME: [string, unknown, unknown][] = [
  ['the order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['null values', { a: 1, b: null }, { a: 1 }],
  ['undefined values', { a: 1, b: undefined }, { a: 1 }],
  ['no attributes and empty ones', undefined, {}],
  ['no attributes and null', undefined, null],
  ['empty attributes and null values only', {}, { a: null }],
  ['the sign of zero', { a: 0 }, { a: -0 }],
  ['NaN and NaN', { a: NaN }, { a: NaN }],
  ['equal arrays', { a: ['x', 'y'] }, { a: ['x', 'y'] }],
  ['null and no text in arrays', { a: ['x', null] }, { a: ['x', ''] }],
  ['undefined and zero in arrays', { a: [undefined, 1] }, { a: [0, 1] }],
  ['null and false in arrays', { a: [true, null] }, { a: [true, false] }],
  ['arrays of null and of no texts', { a: [null] }, { a: [''] }],
  // eslint-disable-next-line no-sparse-arrays
  ['holes and zeros in arrays', { a: [1, , 2] }, { a: [1, 0, 2] }],
  ['number keys and their texts', { 1: 'x' }, { '1': 'x' }],
  ['symbol keys', { a: 1, [Symbol('s')]: 2 }, { a: 1 }],
  ['inherited keys', Object.create({ b: 2 }), {}],
  ['keys that are not enumerable', hidden(), {}],
  ['frozen objects', Object.freeze({ a: 1 }), { a: 1 }],
  ['objects without a prototype', nullPrototype({ a: 1 }), { a: 1 }],
  [
    'class instances',
    new (class {
      a = 1;
    })(),
    { a: 1 },
  ],
  [
    'getters',
    {
      get a() {
        return 1;
      },
    },
    { a: 1 },
  ],
  ['proxies', new Proxy({ a: 1 }, {}), { a: 1 }],
  ['lone surrogates, which become U+FFFD', { a: '\ud800' }, { a: '\ufffd' }],
  ['lone surrogates in keys', { '\ud800': 1 }, { '\udfff': 1 }],
  ['BigInt values, which are left out', { a: 1, b: 1n }, { a: 1 }],
  ['symbol values', { a: 1, b: Symbol('s') }, { a: 1 }],
  ['function values', { a: 1, b: () => 1 }, { a: 1 }],
  ['object values', { a: 1, b: {} }, { a: 1 }],
  ['cycles', cycle(), { a: 1 }],
  ['mixed arrays', { a: 1, b: [1, '1'] }, { a: 1 }],
  ['nested arrays', { a: 1, b: [[1]] }, { a: 1 }],
  ['empty keys', { a: 1, '': 2 }, { a: 1 }],
  ['getters that throw', throwing(), { a: 1 }],
  ['proxies that throw', throwingProxy(), {}],
  ['strings for attributes', 'ab', {}],
  ['numbers for attributes', 7, {}],
  ['functions for attributes', Object.assign(() => 1, { a: 1 }), {}],
];

const DIFFERENT: [string, unknown, unknown][] = [
  ['numbers and their texts', { a: 1 }, { a: '1' }],
  ['booleans and their texts', { a: true }, { a: 'true' }],
  ['booleans and numbers', { a: true }, { a: 1 }],
  ['no value and the empty text', {}, { a: '' }],
  ['NaN and its text', { a: NaN }, { a: 'NaN' }],
  ['infinities', { a: Infinity }, { a: -Infinity }],
  ['a value and an array of it', { a: 'x' }, { a: ['x'] }],
  ['empty arrays and none', { a: [] }, {}],
  ['arrays in another order', { a: ['x', 'y'] }, { a: ['y', 'x'] }],
  ['arrays of numbers and of texts', { a: [1] }, { a: ['1'] }],
  ['texts that look like arrays', { a: ['x'] }, { a: '["x"]' }],
  ['keys and values that swap places', { a: 'b' }, { b: 'a' }],
  ['own __proto__ keys and none', ownProto(), {}],
  ['own constructor keys and none', { constructor: 'x' }, {}],
  ['neighbouring doubles', { a: 0.1 + 0.2 }, { a: 0.3 }],
  ['integers beyond 32 bits', { a: 2 ** 53 }, { a: 2 ** 53 - 1 }],
];

function hidden() {
  return Object.defineProperty({}, 'a', { value: 1, enumerable: false });
}

function nullPrototype(from: object): object {
  return Object.assign(Object.create(null) as object, from);
}

function cycle() {
  const object: Record<string, unknown> = { a: 1 };
  object.self = object;
  return object;
}

function throwing() {
  return {
    a: 1,
    get b(): number {
      throw new Error('from a getter');
    },
  };
}

function throwingProxy() {
  const fail = () => {
    throw new Error('from a trap');
  };
  return new Proxy({ a: 1 }, { get: fail, ownKeys: fail, has: fail });
}

function ownProto() {
  return Object.fromEntries([['__proto__', 'x']]);
}

for (const [name, one, other] of SAME) {
  for (const [first, second] of [
    [one, other],
    [other, one],
  ]) {
    test(`${name} make no second series (${first === one ? 'odd' : 'plain'} first)`, async t => {
      diagMessages(t);
      const metrics = testMetrics(t);
      const counter = counterOf(metrics);
      // Twice: the first time is read carefully, the second takes the fast path.
      for (let time = 0; time < 2; time++) {
        counter.add(1, first as Attributes);
        counter.add(10, second as Attributes);
      }
      assert.deepEqual([...(await series(metrics)).values()], [22]);
    });
  }
}

for (const [name, one, other] of DIFFERENT) {
  test(`${name} are two series`, async t => {
    const metrics = testMetrics(t);
    const counter = counterOf(metrics);
    for (let time = 0; time < 2; time++) {
      counter.add(1, one as Attributes);
      counter.add(10, other as Attributes);
    }
    assert.deepEqual(
      await series(metrics),
      expected([one as Attributes, 2], [other as Attributes, 20]),
    );
  });
}

test('attributes come out with the values and types that went in', async t => {
  const metrics = testMetrics(t);
  const set: Attributes = {
    text: 'naïve 💥 "\\\n\u0000',
    empty: '',
    whole: 2 ** 53,
    double: 0.1 + 0.2,
    tiny: 5e-324,
    large: 1.7976931348623157e308,
    beyondInteger: 1e21,
    unsigned: 2 ** 63,
    negative: -3,
    flag: false,
    texts: ['x', 'ü'],
    numbers: [1, 2.5],
    integers: [1, 2],
    flags: [true, false],
    none: [],
  };
  counterOf(metrics).add(1, set);
  const [point] = (await metrics.collect()).metric('it')!.points;
  assert.deepEqual(point.attributes, set);
});

test('an attribute that is left out is said once and counted every time', async t => {
  const messages = diagMessages(t);
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  const odd = { a: 1, big: 10n } as unknown as Attributes;
  counter.add(1, odd);
  counter.add(1, odd);
  assert.equal(await dropped(metrics, 'it', 'invalid_attribute'), 2);
  const said = messages.filter(message => message.includes('"it"'));
  assert.equal(said.length, 1);
  assert.match(said[0], /attribute "big" of type bigint/);
});

test('what a program does to an object after the call changes nothing', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  const list = ['x'];
  const set: Attributes = { a: 1, list };
  counter.add(1, set);
  set.a = 2;
  list.push('y');
  counter.add(10, set);
  delete set.a;
  counter.add(100, set);
  assert.deepEqual(
    await series(metrics),
    expected(
      [{ a: 1, list: ['x'] }, 1],
      [{ a: 2, list: ['x', 'y'] }, 10],
      [{ list: ['x', 'y'] }, 100],
    ),
  );
});

test('a polluted prototype adds no attributes, not even to sets that have them', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  counter.add(1, { a: 1, polluted: 'x' });
  counter.add(10, { a: 1 });
  counter.add(100, {});
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  prototype.polluted = 'x';
  try {
    counter.add(1, { a: 1, polluted: 'x' });
    counter.add(10, { a: 1 });
    counter.add(100, {});
    counter.add(1000, { b: 1 });
    counter.bind({ a: 1 }).add(10);
    counter.remove({ b: 1 });
  } finally {
    delete prototype.polluted;
  }
  assert.deepEqual(
    await series(metrics),
    expected([{ a: 1, polluted: 'x' }, 2], [{ a: 1 }, 30], [{}, 200]),
  );
});

test('an accessor on Object.prototype never runs', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  Object.defineProperty(Object.prototype, 'trap', {
    enumerable: true,
    configurable: true,
    get: () => assert.fail('ran'),
  });
  try {
    counter.add(1, { a: 1 });
    counter.add(1, { a: 1 });
  } finally {
    delete (Object.prototype as { trap?: unknown }).trap;
  }
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 2]));
});

test('a thousand keys are one series', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  const keys = Array.from({ length: 1000 }, (_, index) => `k${index}`);
  const set = (order: string[]) =>
    Object.fromEntries(
      order.map((key, index) => [key, key.length + index * 0]),
    );
  counter.add(1, set(keys));
  counter.add(10, set(keys));
  counter.add(100, set([...keys].reverse()));
  const points = (await metrics.collect()).metric('it')!.points;
  assert.deepEqual(
    points.map(({ value }) => value),
    [111],
  );
  assert.deepEqual(points[0].attributes, set(keys));
});

test('a gauge keeps the last value whatever the order of the keys', async t => {
  const metrics = testMetrics(t);
  const gauge = meterOf(metrics).createGauge('it');
  gauge.record(1, { a: 1, b: 2 });
  gauge.record(2, { b: 2, a: 1 });
  gauge.record(3, { a: 1, b: 2 });
  assert.deepEqual(await series(metrics), expected([{ a: 1, b: 2 }, 3]));
});

test('a gauge of which two views keep different attributes keeps the last value in both', async t => {
  const metrics = testMetrics(t, {
    views: [
      { selector: { instrument_name: 'it' }, stream: {} },
      {
        selector: { instrument_name: 'it' },
        stream: { name: 'filtered', attribute_keys: { included: ['a'] } },
      },
    ],
  });
  const gauge = meterOf(metrics).createGauge('it');
  gauge.record(1, { a: 1, b: 1 });
  gauge.record(2, { a: 1, b: 2 });
  gauge.record(3, { a: 1, b: 1 });
  assert.deepEqual(
    await series(metrics),
    expected([{ a: 1, b: 1 }, 3], [{ a: 1, b: 2 }, 2]),
  );
  assert.deepEqual(await series(metrics, 'filtered'), expected([{ a: 1 }, 3]));
});

test('removing a set removes it in every order of its keys, with what was not yet handed over', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  counter.add(1, { a: 1, b: 2 });
  counter.add(1, { b: 2, a: 1 });
  counter.add(1, { b: 2 });
  counter.remove({ b: 2, a: 1 });
  assert.deepEqual(await series(metrics), expected([{ b: 2 }, 1]));
  counter.add(5, { a: 1, b: 2 });
  assert.deepEqual(
    await series(metrics),
    expected([{ b: 2 }, 1], [{ a: 1, b: 2 }, 5]),
  );
});

test('removing a series under delta temporality still exports what was recorded', async t => {
  const metrics = testMetrics(t, { temporality: 'delta' });
  const counter = counterOf(metrics);
  counter.add(3, { a: 1 });
  counter.remove({ a: 1 });
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 3]));
  assert.deepEqual(await series(metrics), new Map());
});

test('removing what was never recorded, or is no set, does nothing', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  counter.add(1, { a: 1 });
  counter.remove({ a: 2 });
  counter.remove({ b: cycle() } as unknown as Attributes);
  counter.remove(throwingProxy());
  counter.remove();
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 1]));
});

test('bound handles go on after remove() and clear(), beside the same attributes', async t => {
  const metrics = testMetrics(t);
  const gauge = meterOf(metrics).createGauge('gauge') as OurGauge;
  const counter = counterOf(metrics);
  const [add, record] = [
    counter.bind({ a: 1 }).add,
    gauge.bind({ a: 1 }).record,
  ];
  add(1);
  record(1);
  counter.remove({ a: 1 });
  gauge.remove({ a: 1 });
  assert.deepEqual(await series(metrics), new Map());
  assert.deepEqual(await series(metrics, 'gauge'), new Map());
  counter.add(2, { a: 1 });
  add(3);
  record(3);
  gauge.record(2, { a: 1 });
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 5]));
  assert.deepEqual(await series(metrics, 'gauge'), expected([{ a: 1 }, 2]));
  counter.clear();
  gauge.clear();
  assert.deepEqual(await series(metrics), new Map());
  add(4);
  counter.add(4, { a: 1 });
  gauge.record(8, { a: 1 });
  record(9);
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 8]));
  assert.deepEqual(await series(metrics, 'gauge'), expected([{ a: 1 }, 9]));
});

for (const shape of ['counter', 'gauge', 'histogram'] as const) {
  test(`exactly the limit's sets of a ${shape} have series, and the rest share one`, async t => {
    const metrics = testMetrics(t, { cardinalityLimit: 10 });
    const meter = meterOf(metrics);
    const instruments = {
      counter: () => meter.createCounter('it') as OurCounter,
      gauge: () => meter.createGauge('it') as OurGauge,
      histogram: () => meter.createHistogram('it') as OurHistogram,
    };
    const instrument = instruments[shape]();
    const put = (value: number, attributes: Attributes) =>
      'add' in instrument
        ? instrument.add(value, attributes)
        : instrument.record(value, attributes);
    for (let round = 0; round < 3; round++) {
      for (let id = 0; id < 100; id++) {
        // Every order of keys, so that sets and not leaves are counted.
        put(1 + id, id % 2 ? { id, k: 'v' } : { k: 'v', id });
        put(1 + id, id % 2 ? { k: 'v', id } : { id, k: 'v' });
      }
      if (round === 1) {
        await metrics.collect();
      }
    }
    const times = shape === 'gauge' ? 1 : 6;
    const own = Array.from({ length: 10 }, (_, id): [Attributes, number] => [
      { id, k: 'v' },
      (1 + id) * times,
    ]);
    const rest = Array.from({ length: 90 }, (_, index) => index + 11);
    const overflow =
      shape === 'gauge'
        ? 100
        : rest.reduce((sum, value) => sum + value) * times;
    assert.deepEqual(
      await series(metrics),
      expected(...own, [OVERFLOW, overflow]),
    );
  });
}

test('a view may keep fewer attributes than the limit has sets, and then nothing overflows', async t => {
  const metrics = testMetrics(t, {
    cardinalityLimit: 5,
    views: [
      {
        selector: { instrument_name: 'it' },
        stream: { attribute_keys: { excluded: ['id'] } },
      },
    ],
  });
  const counter = counterOf(metrics);
  for (let id = 0; id < 50; id++) {
    counter.add(1, { id, k: id % 5 });
  }
  // Keys and values that were never seen before, now that the trie is full.
  counter.add(1, { id: 'x', k: 0 });
  counter.add(1, { k: 0, id: 'y' });
  assert.deepEqual(
    await series(metrics),
    expected(
      [{ k: 0 }, 12],
      ...[1, 2, 3, 4].map((k): [Attributes, number] => [{ k }, 10]),
    ),
  );
});

test('a key that a view drops does not lead to overflow when it is first seen at the limit', async t => {
  const metrics = testMetrics(t, {
    cardinalityLimit: 2,
    views: [
      {
        selector: { instrument_name: 'it' },
        stream: { attribute_keys: { included: ['k'] } },
      },
    ],
  });
  const counter = counterOf(metrics);
  counter.add(1, { k: 0 });
  counter.add(1, { k: 1 });
  counter.add(1, { k: 2 });
  counter.add(1, { k: 1, unseen: 1 });
  counter.add(1, { unseen: 1, k: 0 });
  assert.deepEqual(
    await series(metrics),
    expected([{ k: 0 }, 2], [{ k: 1 }, 2], [OVERFLOW, 1]),
  );
});

test('an allow-list keeps the overflow series apart from the one without attributes', async t => {
  const metrics = testMetrics(t, {
    cardinalityLimit: 1,
    views: [
      {
        selector: { instrument_name: 'it' },
        stream: { attribute_keys: { included: ['k'] } },
      },
    ],
  });
  const counter = counterOf(metrics);
  counter.add(1, { other: 1 });
  counter.add(10, { k: 1 });
  assert.deepEqual(await series(metrics), expected([{}, 1], [OVERFLOW, 10]));
});

test('a known set in a new order of keys is found when the trie is full', async t => {
  const metrics = testMetrics(t, { cardinalityLimit: 3 });
  const counter = counterOf(metrics);
  for (let id = 0; id < 3; id++) {
    counter.add(1, { a: id, b: id, c: id });
  }
  counter.add(1, { a: 9, b: 9, c: 9 });
  const orders = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];
  for (const order of orders) {
    for (let id = 0; id < 3; id++) {
      counter.add(1, Object.fromEntries([...order].map(key => [key, id])));
    }
  }
  assert.deepEqual(
    await series(metrics),
    expected(
      ...[0, 1, 2].map((id): [Attributes, number] => [
        { a: id, b: id, c: id },
        7,
      ]),
      [OVERFLOW, 1],
    ),
  );
});

test('a hundred thousand sets leave the trie at its limit, in every order of keys', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  for (let id = 0; id < 100_000; id++) {
    const [a, b, c] = [id % 100, id, `v${id}`];
    counter.add(1, id % 2 ? { a, b, c } : { c, b, a });
  }
  for (let id = 0; id < 10_000; id++) {
    const [a, b, c] = [id % 100, id, `v${id}`];
    [
      { a, b, c },
      { a, c, b },
      { b, a, c },
      { b, c, a },
      { c, a, b },
      { c, b, a },
    ].forEach(set => counter.add(1, set));
  }
  const size = sizeOf(counter);
  assert.equal(size.sets, 2000);
  assert.ok(size.paths <= 4 * 2000, `${size.paths} paths`);
  const found = await series(metrics);
  assert.equal(found.size, 2001);
  const total = [...found.values()].reduce((sum, value) => sum + value);
  assert.equal(total, 100_000 + 6 * 10_000);
  assert.equal(found.get(setText(OVERFLOW)), total - 2000 * 7);
});

test('removed sets make room for new ones, over and over', async t => {
  const metrics = testMetrics(t, { cardinalityLimit: 3 });
  const counter = counterOf(metrics);
  counter.add(1, { id: 'first' });
  counter.add(1, { id: 'second' });
  counter.add(1, { id: 'third' });
  counter.add(1, { id: 'too many' });
  for (let id = 0; id < 100; id++) {
    counter.remove({ id: id === 0 ? 'third' : id - 1 });
    counter.add(1, { id });
  }
  assert.deepEqual(
    await series(metrics),
    expected(
      [{ id: 'first' }, 1],
      [{ id: 'second' }, 1],
      [{ id: 99 }, 1],
      [OVERFLOW, 1],
    ),
  );
  assert.equal(sizeOf(counter).sets, 3);
});

/** Collections without a value after which a delta series is let go. */
const IDLE = 5;

async function idle(metrics: TestMetrics): Promise<void> {
  // One more, because the thread hears of it after the collection.
  for (let collection = 0; collection <= IDLE; collection++) {
    await metrics.collect();
  }
}

test('idle delta series are let go on both sides and come back right', async t => {
  const metrics = testMetrics(t, { temporality: 'delta' });
  const counter = counterOf(metrics);
  const histogram = meterOf(metrics).createHistogram('h');
  const other = counterOf(metrics, 'other');
  const record = () => {
    counter.add(1);
    counter.add(2, { a: 1 });
    histogram.record(3);
    histogram.record(4, { a: 1 });
  };
  record();
  await idle(metrics);
  assert.deepEqual(sizeOf(counter), { sets: 0, paths: 0 });
  assert.deepEqual(sizeOf(histogram), { sets: 0, paths: 0 });
  // Takes the slots that were given back.
  for (let id = 0; id < 4; id++) {
    other.add(1, { id });
  }
  record();
  const expectedAgain = expected([{}, 1], [{ a: 1 }, 2]);
  const collection = await metrics.collect();
  const found = new Map(
    collection
      .metric('it')!
      .points.map(({ attributes, value }) => [setText(attributes), value]),
  );
  assert.deepEqual(found, expectedAgain);
  assert.equal(collection.point('h')?.sum, 3);
  assert.equal(collection.point('h', { a: 1 })?.sum, 4);
  for (let id = 0; id < 4; id++) {
    assert.equal(collection.value('other', { id }), 1);
  }
});

test('idle delta series free the limit, and the overflow series comes back right', async t => {
  const metrics = testMetrics(t, { temporality: 'delta', cardinalityLimit: 2 });
  const counter = counterOf(metrics);
  for (const id of [1, 2, 3]) {
    counter.add(id, { id });
  }
  assert.deepEqual(
    await series(metrics),
    expected([{ id: 1 }, 1], [{ id: 2 }, 2], [OVERFLOW, 3]),
  );
  await idle(metrics);
  const other = counterOf(metrics, 'other');
  for (const id of [4, 5, 6, 7]) {
    counter.add(id, { id });
  }
  other.add(1, { id: 1 });
  const collection = await metrics.collect();
  assert.equal(collection.value('it', { id: 4 }), 4);
  assert.equal(collection.value('it', { id: 5 }), 5);
  assert.equal(collection.value('it', OVERFLOW), 13);
  assert.equal(collection.value('other', { id: 1 }), 1);
});

test('a delta series with a bound handle is never let go', async t => {
  const metrics = testMetrics(t, { temporality: 'delta' });
  const counter = counterOf(metrics);
  const { add } = counter.bind({ a: 1 });
  add(1);
  await idle(metrics);
  counterOf(metrics, 'other').add(5, { b: 1 });
  add(2);
  counter.add(4, { a: 1 });
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 6]));
});

test('cumulative series are never let go', async t => {
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  counter.add(1, { a: 1 });
  await idle(metrics);
  assert.deepEqual(await series(metrics), expected([{ a: 1 }, 1]));
});

// ---- Against an oracle: a Map from canonical text to value.

type Entries = [string, unknown][];

const KEYS = [
  ...['a', 'b', 'c', '1', '__proto__', 'constructor'],
  ...['\ud800', '\udfff', ''],
];
const VALUES: unknown[] = [
  1,
  '1',
  true,
  'true',
  0,
  -0,
  2.5,
  NaN,
  '',
  'ü',
  '\udc00x',
  '\ufffdx',
  '\0',
  'NaN',
  '["x"]',
  ['x'],
  ['x', null],
  [1],
  [],
  null,
  undefined,
  1n,
  Symbol('s'),
  {},
  [1, 'x'],
];

function isValid(key: string, value: unknown): boolean {
  if (key === '') {
    return false;
  }
  const items: unknown[] = Array.isArray(value)
    ? value.filter(item => item !== null)
    : [value];
  return items.every(
    item =>
      ['string', 'number', 'boolean'].includes(typeof item) &&
      typeof item === typeof items[0],
  );
}

/** What a set is, read from how it was made and not from the object. */
function oracleText(entries: Entries): string {
  return entriesText(
    entries
      .filter(([key, value]) => isValid(key, value))
      .map(([key, value]): [string, unknown] => [
        key,
        // The only array of them with null is one of texts.
        Array.isArray(value) ? value.map((item: unknown) => item ?? '') : value,
      ]),
  );
}

const SHAPES: Record<string, (entries: Entries) => unknown> = {
  plain: Object.fromEntries,
  frozen: entries => Object.freeze(Object.fromEntries(entries)),
  'without a prototype': entries =>
    nullPrototype(Object.fromEntries(entries.filter(notProto))),
  'an instance': entries =>
    entries.reduce(
      (object, [key, value]) =>
        Object.defineProperty(object, key, {
          value,
          enumerable: true,
          configurable: true,
        }),
      new (class Own {})(),
    ),
  'a proxy': entries => new Proxy(Object.fromEntries(entries), {}),
  'with a getter that throws': entries =>
    Object.defineProperty(Object.fromEntries(entries), 'z', {
      enumerable: true,
      get() {
        throw new Error('from a getter');
      },
    }),
};

/** Object.assign would set the prototype. */
function notProto([key]: [string, unknown]): boolean {
  return key !== '__proto__';
}

const entries = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES)),
  { selector: ([key]) => key, maxLength: 4 },
);

const set = fc.record({
  entries,
  shape: fc.constantFrom(...Object.keys(SHAPES)),
  polluted: fc.boolean(),
});

type AnySet = { entries: Entries; shape: string; polluted: boolean };

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('record' as const),
      set,
      value: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('bind' as const), set }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('bound' as const),
      handle: fc.nat(),
      value: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('remove' as const), set }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('collect' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('idle' as const) }) },
);

/** The naive implementation. */
class Oracle {
  private readonly values = new Map<string, number>();
  /** Sets that hold a place in the limit. */
  private readonly places = new Set<string>();
  private readonly bound = new Set<string>();

  constructor(
    private readonly limit: number,
    private readonly combine: (before: number, value: number) => number,
    private readonly temporality: 'cumulative' | 'delta' = 'cumulative',
  ) {}

  place(text: string): string {
    if (!this.places.has(text) && this.places.size >= this.limit) {
      return setText(OVERFLOW);
    }
    this.places.add(text);
    return text;
  }

  bind(text: string): string {
    const place = this.place(text);
    this.bound.add(place);
    return place;
  }

  record(place: string, value: number): void {
    const before = this.values.get(place);
    this.values.set(
      place,
      before === undefined ? value : this.combine(before, value),
    );
  }

  remove(text: string): void {
    // What a delta series has not exported yet still is.
    if (this.temporality === 'cumulative') {
      this.values.delete(text);
    }
    if (!this.bound.has(text)) {
      this.places.delete(text);
    }
  }

  clear(): void {
    if (this.temporality === 'cumulative') {
      this.values.clear();
    }
    for (const place of this.places) {
      if (!this.bound.has(place)) {
        this.places.delete(place);
      }
    }
  }

  collect(): Map<string, number> {
    const series = new Map(this.values);
    if (this.temporality === 'delta') {
      this.values.clear();
    }
    return series;
  }
}

function makeObject({ entries: from, shape }: AnySet): Attributes {
  return SHAPES[shape](
    from.map(([key, value]) => [
      key,
      Array.isArray(value) ? [...(value as unknown[])] : value,
    ]),
  ) as Attributes;
}

function asMade({ entries: from, shape }: AnySet): Entries {
  return shape === 'without a prototype' ? from.filter(notProto) : from;
}

/** Runs with enumerable keys on Object.prototype that sets in this test use too. */
function polluting(polluted: boolean, run: () => void): void {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  if (polluted) {
    prototype.a = 1;
    prototype.zz = 'x';
  }
  try {
    run();
  } finally {
    delete prototype.a;
    delete prototype.zz;
  }
}

const INSTRUMENTS: Record<
  string,
  {
    make: (meter: Meter) => SeriesControl<
      Attributes,
      { add?: Put; record?: Put }
    > & {
      add?: (value: number, set?: Attributes) => void;
      record?: (value: number, set?: Attributes) => void;
    };
    combine: (before: number, value: number) => number;
  }
> = {
  counter: {
    make: meter => meter.createCounter('it') as OurCounter,
    combine: (before, value) => before + value,
  },
  'up-down counter': {
    make: meter => meter.createUpDownCounter('it') as OurUpDown,
    combine: (before, value) => before + value,
  },
  gauge: {
    make: meter => meter.createGauge('it') as OurGauge,
    combine: (_, value) => value,
  },
  histogram: {
    make: meter => meter.createHistogram('it') as OurHistogram,
    combine: (before, value) => before + value,
  },
};

for (const [name, { make, combine }] of Object.entries(INSTRUMENTS)) {
  for (const limit of [4, 2000]) {
    test(`a ${name} with a limit of ${limit} does what a Map would do`, async t => {
      diagMessages(t);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          await play(t, make, new Oracle(limit, combine), limit, steps);
        }),
        { numRuns: 60 },
      );
    });
  }

  // Up-down counters are cumulative under the delta preference too.
  if (name !== 'up-down counter') {
    test(`a ${name} with delta temporality does what a Map that is emptied would do`, async t => {
      diagMessages(t);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          // Series that are let go give their places back, so this limit is never reached.
          const oracle = new Oracle(2000, combine, 'delta');
          await play(t, make, oracle, 2000, steps, 'delta');
        }),
        { numRuns: 60 },
      );
    });
  }
}

async function play(
  t: TestContext,
  make: (typeof INSTRUMENTS)[string]['make'],
  oracle: Oracle,
  limit: number,
  steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
  temporality: 'cumulative' | 'delta' = 'cumulative',
): Promise<void> {
  const metrics = testMetrics(t, { cardinalityLimit: limit, temporality });
  const instrument = make(meterOf(metrics));
  const handles: { place: string; put: Put }[] = [];
  for (const one of [...steps, { type: 'collect' as const }]) {
    switch (one.type) {
      case 'record': {
        const attributes = makeObject(one.set);
        polluting(one.set.polluted, () =>
          (instrument.add ?? instrument.record)!.call(
            instrument,
            one.value,
            attributes,
          ),
        );
        oracle.record(oracle.place(oracleText(asMade(one.set))), one.value);
        break;
      }
      case 'bind': {
        const attributes = makeObject(one.set);
        polluting(one.set.polluted, () => {
          const bound = instrument.bind(attributes);
          handles.push({
            place: oracle.bind(oracleText(asMade(one.set))),
            put: (bound.add ?? bound.record)!,
          });
        });
        break;
      }
      case 'bound': {
        const handle = handles[one.handle % (handles.length || 1)];
        handle?.put(one.value);
        if (handle) {
          oracle.record(handle.place, one.value);
        }
        break;
      }
      case 'remove':
        polluting(one.set.polluted, () =>
          instrument.remove(makeObject(one.set)),
        );
        oracle.remove(oracleText(asMade(one.set)));
        break;
      case 'clear':
        instrument.clear();
        oracle.clear();
        break;
      default:
        assert.deepEqual(await series(metrics), oracle.collect());
        if (temporality === 'delta' && one.type === 'idle') {
          await idle(metrics);
        }
    }
  }
  const size = sizeOf(instrument);
  assert.ok(size.sets <= limit, `${size.sets} sets`);
  assert.ok(size.paths <= 4 * limit, `${size.paths} paths`);
  await metrics.shutdown();
}
