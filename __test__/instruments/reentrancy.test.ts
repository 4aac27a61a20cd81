// Reading attributes may run the program's code: getters, proxies, loggers. Whatever that does to the
// instrument, a value counts under the attributes that it was recorded with.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type SeriesControl, setLogger } from '@nativestage/metrics/sdk';
import type { TestMetric, TestMetrics } from '@nativestage/metrics/testing';
import {
  type Attributes,
  diag,
  type Meter,
  type ObservableResult,
} from '@opentelemetry/api';
import { loadBinding } from '../../ts/addon/native';
import { NativeMeterProvider } from '../../ts/provider/NativeMeterProvider';
import { parseCollection } from '../../ts/export/otlpJson';
import { setText, testMetrics } from './support';

interface Recorder extends Omit<
  SeriesControl<Attributes, { put: Put }>,
  'enabled'
> {
  put: Put;
}
type Put = (value: number, attributes?: Attributes) => void;

const KINDS = ['counter', 'upDownCounter', 'gauge', 'histogram'] as const;
type Kind = (typeof KINDS)[number];

function make(meter: Meter, kind: Kind, name = 'it'): Recorder {
  const instrument = {
    counter: () => meter.createCounter(name),
    upDownCounter: () => meter.createUpDownCounter(name),
    gauge: () => meter.createGauge(name),
    histogram: () => meter.createHistogram(name),
  }[kind]() as unknown as Record<string, Put> & Recorder;
  const method = 'add' in instrument ? 'add' : 'record';
  return {
    put: (...args) => instrument[method](...args),
    bind: attributes => {
      const bound = instrument.bind(attributes) as unknown as Record<
        string,
        Put
      >;
      return { put: value => bound[method](value) };
    },
    remove: attributes => instrument.remove(attributes),
    clear: () => instrument.clear(),
  };
}

async function series(metrics: TestMetrics, name = 'it') {
  return pointsOf((await metrics.collect()).metric(name));
}

function pointsOf(metric: TestMetric | undefined) {
  return Object.fromEntries(
    (metric?.points ?? []).map(({ attributes, value, sum }) => [
      setText(attributes),
      value ?? sum,
    ]),
  );
}

function expected(...sets: [Attributes, number][]) {
  return Object.fromEntries(sets.map(([set, value]) => [setText(set), value]));
}

/** The set `{a: 1}`, by how its reading runs code, once. */
const SETS: Record<string, (run: () => void) => Attributes> = {
  'a getter': run => {
    const code = once(run);
    return {
      get a() {
        code();
        return 1;
      },
    };
  },
  'a getter of nothing': run => {
    const code = once(run);
    return {
      a: 1,
      get z() {
        code();
        return undefined;
      },
    };
  },
  'a proxy that is listed': run => {
    const code = once(run);
    return new Proxy(
      { a: 1 },
      {
        ownKeys: target => {
          code();
          return Reflect.ownKeys(target);
        },
      },
    );
  },
  'a proxy that is read': run => {
    const code = once(run);
    return new Proxy(
      { a: 1 },
      {
        get: (target, key) => {
          code();
          return Reflect.get(target, key) as unknown;
        },
      },
    );
  },
};

function once(run: () => void): () => void {
  let ran = false;
  return () => {
    if (!ran) {
      ran = true;
      run();
    }
  };
}

/** What the code does, and what is left beside the value of 100 that is being recorded. */
const ACTIONS: [
  name: string,
  run: (it: Recorder) => void,
  others: [Attributes, number][],
][] = [
  ['removes the set', it => it.remove({ a: 1 }), []],
  ['removes every set', it => it.clear(), []],
  [
    'gives the slot to another set',
    it => {
      it.remove({ a: 1 });
      it.put(10, { b: 1 });
    },
    [[{ b: 1 }, 10]],
  ],
  [
    'gives the slot to another set after all are removed',
    it => {
      it.clear();
      it.put(10, { b: 1 });
      it.put(20, { c: 1 });
    },
    [
      [{ b: 1 }, 10],
      [{ c: 1 }, 20],
    ],
  ],
  [
    'gives the slot to a bound set',
    it => {
      it.remove({ a: 1 });
      it.bind({ b: 1 }).put(10);
    },
    [[{ b: 1 }, 10]],
  ],
];

for (const kind of KINDS) {
  for (const [how, set] of Object.entries(SETS)) {
    for (const [what, run, others] of ACTIONS) {
      for (const known of [true, false]) {
        test(`a ${kind} counts a set that ${how} ${what}${known ? '' : ', seen for the first time'}`, async t => {
          const metrics = testMetrics(t);
          const it = make(metrics.provider.getMeter('m'), kind);
          if (known) {
            it.put(1, { a: 1 });
          }
          it.put(
            100,
            set(() => run(it)),
          );
          assert.deepEqual(
            await series(metrics),
            expected(...others, [{ a: 1 }, 100]),
          );
          // And so do those that follow.
          it.put(1000, { a: 1 });
          it.put(2000, { d: 1 });
          const last = kind === 'gauge' ? 1000 : 1100;
          assert.deepEqual(
            await series(metrics),
            expected(...others, [{ a: 1 }, last], [{ d: 1 }, 2000]),
          );
        });
      }
    }
  }

  test(`the getters of a known set of a ${kind} run once, also where they remove it`, async t => {
    const metrics = testMetrics(t);
    const it = make(metrics.provider.getMeter('m'), kind);
    it.put(1, { a: 1 });
    let runs = 0;
    it.put(100, {
      a: 1,
      get z() {
        runs++;
        it.remove({ a: 1 });
        it.put(10 ** runs, { b: 1 });
        return undefined;
      },
    });
    assert.equal(runs, 1);
    assert.deepEqual(
      await series(metrics),
      expected([{ a: 1 }, 100], [{ b: 1 }, 10]),
    );
  });

  test(`a set of which several attributes run code is counted by a ${kind} as it is`, async t => {
    const metrics = testMetrics(t);
    const it = make(metrics.provider.getMeter('m'), kind);
    it.put(1, { a: 1, b: 'x', c: true });
    it.put(1, { a: 1, b: 'x' });
    for (let time = 0; time < 3; time++) {
      const clear = once(() => it.clear());
      const fill = once(() => it.put(7, { other: time }));
      it.put(100, {
        a: 1,
        get b() {
          clear();
          return 'x';
        },
        get c() {
          fill();
          return true;
        },
      });
      assert.deepEqual(
        await series(metrics),
        expected([{ a: 1, b: 'x', c: true }, 100], [{ other: time }, 7]),
      );
    }
  });

  test(`a set that a getter removes keeps infinities, its order and its place in the limit with a ${kind}`, async t => {
    const metrics = testMetrics(t, { cardinalityLimit: 2 });
    const it = make(metrics.provider.getMeter('m'), kind);
    const set = { z: Infinity, m: '\ud800', a: false };
    it.put(1, { ...set });
    it.put(2, { other: 1 });
    it.put(100, {
      ...set,
      get a() {
        it.remove({ ...set });
        return false;
      },
    });
    it.put(200, { ...set });
    const sum = kind === 'gauge' ? 200 : 300;
    const points = (await metrics.collect()).metric('it')!.points;
    assert.deepEqual(
      points.map(({ value, sum: total }) => value ?? total).sort(),
      [2, sum],
    );
  });

  test(`a getter that configures the provider changes no series of a ${kind}`, async t => {
    const provider = new NativeMeterProvider(
      loadBinding()!.NativeProvider.isolated(),
    );
    t.after(() => provider.shutdown());
    const reader = provider.addReader();
    const it = make(provider.getMeter('m'), kind);
    it.put(2, { b: 1, secret: 0 });
    it.put(1, { a: 1, secret: 1 });
    const configure = once(() => {
      const excluded = ['secret'];
      const stream = { attribute_keys: { excluded } };
      provider.configureWithoutExporters({
        views: [{ selector: { instrument_name: 'it' }, stream }],
      });
      it.put(10, { c: 1 });
    });
    it.put(100, {
      a: 1,
      secret: 1,
      get nothing() {
        configure();
        return undefined;
      },
    });
    const collection = parseCollection(await reader.collect());
    assert.deepEqual(
      pointsOf(collection.find(({ name }) => name === 'it')),
      expected(
        [{ a: 1 }, kind === 'gauge' ? 100 : 101],
        [{ b: 1 }, 2],
        [{ c: 1 }, 10],
      ),
    );
  });
}

test('a logger that clears the instrument while an attribute is reported costs nothing', async t => {
  const metrics = testMetrics(t);
  const it = make(metrics.provider.getMeter('m'), 'counter');
  it.put(1, { a: 1 });
  const clear = () => {
    it.clear();
    it.put(10, { b: 1 });
  };
  setLogger({ debug: clear, info: clear, warn: clear, error: clear });
  t.after(() => setLogger(diag));
  it.put(100, { a: 1, odd: {} } as never);
  assert.deepEqual(
    await series(metrics),
    expected([{ a: 1 }, 100], [{ b: 1 }, 10]),
  );
});

for (const kind of ['Counter', 'UpDownCounter', 'Gauge'] as const) {
  test(`an observation of an observable ${kind} that a getter nests counts under its own set, also where the limit is reached`, async t => {
    const metrics = testMetrics(t, { cardinalityLimit: 2 });
    const meter = metrics.provider.getMeter('m');
    const observable = meter[`createObservable${kind}`]('it');
    let round = 0;
    observable.addCallback(result => {
      round++;
      if (round === 1) {
        result.observe(1, { a: 1 });
        result.observe(2, { b: 1 });
        return;
      }
      const nest = once(() => {
        result.observe(10, { c: 1 });
      });
      result.observe(100, {
        get a() {
          nest();
          return 1;
        },
      });
    });
    await metrics.collect();
    assert.deepEqual(
      await series(metrics),
      expected([{ a: 1 }, 100], [{ c: 1 }, 10]),
    );
  });
}

test('what was observed before a callback configures the provider keeps its set', async t => {
  const metrics = testMetrics(t);
  const observable = metrics.provider.getMeter('m').createObservableGauge('it');
  const { facade } = metrics.provider as unknown as {
    facade: { reshape(): void; provider: { shapes(): object[] } };
  };
  const { provider } = facade;
  const shapes = provider.shapes.bind(provider);
  observable.addCallback(result => {
    result.observe(1, { a: 1 });
    result.observe(2, { b: 1 });
    // As another thread's configuration would, with another limit.
    provider.shapes = () => shapes().map(shape => ({ ...shape, sets: 7 }));
    facade.reshape();
    result.observe(4, { c: 1 });
    result.observe(8, { d: 1 });
  });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(
      await series(metrics),
      expected([{ a: 1 }, 1], [{ b: 1 }, 2], [{ c: 1 }, 4], [{ d: 1 }, 8]),
    );
  }
});

test('a callback that records, removes and clears elsewhere is counted with what it did', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  const recorders = KINDS.map(kind => make(meter, kind, kind));
  meter.createObservableGauge('it').addCallback(result => {
    for (const recorder of recorders) {
      recorder.put(1, { a: 1 });
      recorder.clear();
      recorder.put(5, { b: 1 });
      recorder.remove({ a: 1 });
    }
    result.observe(1);
  });
  await metrics.collect();
  for (const kind of KINDS) {
    const found = await series(metrics, kind);
    assert.deepEqual(found, expected([{ b: 1 }, 5]));
  }
});

test('a callback that is removed while a round runs is called no more, and one that is added waits for the next', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  const first = meter.createObservableGauge('first');
  const second = meter.createObservableGauge('second');
  const calls: string[] = [];
  const removed = (result: ObservableResult) => {
    calls.push('removed');
    result.observe(1);
  };
  const batch = () => void calls.push('batch');
  const added = () => void calls.push('added');
  first.addCallback(() => {
    calls.push('first');
    second.removeCallback(removed);
    meter.removeBatchObservableCallback(batch, [second]);
    second.addCallback(added);
  });
  second.addCallback(removed);
  meter.addBatchObservableCallback(batch, [second]);
  const collection = await metrics.collect();
  assert.deepEqual(calls, ['first']);
  assert.equal(collection.metric('second'), undefined);
  await metrics.collect();
  assert.deepEqual(calls, ['first', 'first', 'added']);
});

test('values that convert themselves run no code and are dropped', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  for (const kind of KINDS) {
    const it = make(meter, kind, kind);
    it.put(1, { a: 1 });
    const value = {
      valueOf: () => assert.fail('ran'),
      [Symbol.toPrimitive]: () => assert.fail('ran'),
    };
    it.put(value as never, { a: 1 });
    assert.deepEqual(await series(metrics, kind), expected([{ a: 1 }, 1]));
  }
});
