import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import test, { type TestContext } from 'node:test';
import type { NativeMeterProvider } from '@nativestage/metrics/sdk';
import type {
  TestMetrics,
  TestMetricsOptions,
} from '@nativestage/metrics/testing';
import {
  type BatchObservableResult,
  type Meter,
  type ObservableResult,
  ValueType,
} from '@opentelemetry/api';
import { parseCollection } from '../../ts/export/otlpJson';
import { eventually } from '../support/eventually';
import { diagMessages, setText, testMetrics } from './support';

function start(t: TestContext, options?: TestMetricsOptions) {
  const metrics = testMetrics(t, options);
  return { metrics, meter: metrics.provider.getMeter('m') };
}

const KINDS: Record<
  string,
  (meter: Meter, name: string) => ReturnType<Meter['createObservableGauge']>
> = {
  'observable counter': (meter, name) => meter.createObservableCounter(name),
  'observable up-down counter': (meter, name) =>
    meter.createObservableUpDownCounter(name),
  'observable gauge': (meter, name) => meter.createObservableGauge(name),
};

for (const [kind, create] of Object.entries(KINDS)) {
  test(`the callback of an ${kind} runs once a collection and reports what it observes`, async t => {
    const { metrics, meter } = start(t);
    let runs = 0;
    create(meter, 'it').addCallback(result => {
      runs++;
      result.observe(runs);
      result.observe(10 * runs, { a: 1 });
    });
    for (let round = 1; round <= 3; round++) {
      const collection = await metrics.collect();
      assert.equal(collection.value('it'), round);
      assert.equal(collection.value('it', { a: 1 }), 10 * round);
    }
    assert.equal(runs, 3);
  });

  test(`a series of an ${kind} that is observed no more disappears, and comes back`, async t => {
    const { metrics, meter } = start(t);
    let observed = ['x', 'y'];
    create(meter, 'it').addCallback(result =>
      observed.forEach(a => result.observe(1, { a })),
    );
    const series = async () =>
      (await metrics.collect())
        .metric('it')
        ?.points.map(({ attributes }) => attributes.a)
        .sort();
    assert.deepEqual(await series(), ['x', 'y']);
    observed = ['y'];
    assert.deepEqual(await series(), ['y']);
    observed = [];
    assert.deepEqual(await series(), undefined);
    observed = ['x'];
    assert.deepEqual(await series(), ['x']);
  });

  test(`a set that an ${kind} observes twice in a round has the later value`, async t => {
    const { metrics, meter } = start(t);
    create(meter, 'it').addCallback(result => {
      result.observe(5, { a: 1, b: 2 });
      result.observe(7, { b: 2, a: 1 });
    });
    assert.equal((await metrics.collect()).value('it', { a: 1, b: 2 }), 7);
  });
}

test('an asynchronous callback is waited for', async t => {
  const { metrics, meter } = start(t);
  meter.createObservableGauge('it').addCallback(async result => {
    await new Promise(resolve => setTimeout(resolve, 20));
    result.observe(1);
    await Promise.resolve();
    result.observe(2, { a: 1 });
  });
  const collection = await metrics.collect();
  assert.equal(collection.value('it'), 1);
  assert.equal(collection.value('it', { a: 1 }), 2);
});

/** Collects with less patience than tests of plugins have. */
function collectWithin({ provider }: TestMetrics, timeout: number) {
  const reader = (provider as NativeMeterProvider).addReader();
  return reader.collect({ timeout }).finally(() => reader.shutdown());
}

test('a callback that does not end is given up: what it observed by then counts, and so do the others', async t => {
  const messages = diagMessages(t);
  const { metrics, meter } = start(t);
  let late: ObservableResult | undefined;
  meter.createObservableGauge('late').addCallback(async result => {
    result.observe(1, { when: 'before' });
    late = result;
    await new Promise(() => {});
  });
  meter.createObservableGauge('other').addCallback(result => {
    result.observe(2);
  });
  meter.createCounter('counter').add(3);
  const json = await collectWithin(metrics, 100);
  assert.match(json, /"before"/);
  assert.match(json, /"name":"other"/);
  assert.match(json, /"name":"counter"/);
  assert.match(messages.join('\n'), /callback did not finish within 80 ms/);
  // Into a round that is over.
  late?.observe(9, { when: 'after' });
  assert.doesNotMatch(await collectWithin(metrics, 100), /"after"/);
});

for (const [name, callback] of [
  [
    'throws',
    () => {
      throw new Error('on purpose');
    },
  ],
  ['rejects', () => Promise.reject(new Error('on purpose'))],
  [
    'rejects with nothing',
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- callers do
    () => Promise.reject(undefined),
  ],
  [
    'returns a thenable that throws',
    () => ({
      then() {
        throw new Error('on purpose');
      },
    }),
  ],
] as [string, () => Promise<void>][]) {
  test(`a callback that ${name} is reported and leaves the rest unharmed`, async t => {
    const messages = diagMessages(t);
    const { metrics, meter } = start(t);
    const broken = meter.createObservableGauge('broken');
    broken.addCallback(result => {
      result.observe(1, { from: 'before' });
      return callback();
    });
    broken.addCallback(result => result.observe(2, { from: 'after' }));
    const batch = meter.createObservableGauge('batch');
    meter.addBatchObservableCallback(() => callback(), [batch]);
    meter.addBatchObservableCallback(
      result => result.observe(batch, 3),
      [batch],
    );
    const collection = await metrics.collect();
    assert.equal(collection.value('broken', { from: 'before' }), 1);
    assert.equal(collection.value('broken', { from: 'after' }), 2);
    assert.equal(collection.value('batch'), 3);
    const failures = messages.filter(message => /failed/.test(message));
    assert.equal(failures.length, 2, messages.join('\n'));
    assert.match(failures.join('\n'), /^error: .*callback of "broken" failed/m);
  });
}

test('a removed callback does not run, and what it observed disappears', async t => {
  const { metrics, meter } = start(t);
  const gauge = meter.createObservableGauge('it');
  const callback = (result: ObservableResult) => result.observe(1);
  gauge.removeCallback(callback);
  gauge.addCallback(callback);
  assert.equal((await metrics.collect()).value('it'), 1);
  gauge.removeCallback(callback);
  assert.equal((await metrics.collect()).metric('it'), undefined);
  gauge.addCallback(callback);
  assert.equal((await metrics.collect()).value('it'), 1);
});

test('a callback that is added twice runs once, and is gone when it is removed once', async t => {
  const { metrics, meter } = start(t);
  const gauge = meter.createObservableGauge('it');
  let runs = 0;
  const callback = (result: ObservableResult) => result.observe(++runs);
  gauge.addCallback(callback);
  gauge.addCallback(callback);
  assert.equal((await metrics.collect()).value('it'), 1);
  gauge.removeCallback(callback);
  assert.equal((await metrics.collect()).metric('it'), undefined);
});

test('one callback may serve several instruments', async t => {
  const { metrics, meter } = start(t);
  const callback = (result: ObservableResult) => result.observe(1);
  meter.createObservableGauge('one').addCallback(callback);
  const two = meter.createObservableCounter('two');
  two.addCallback(callback);
  let collection = await metrics.collect();
  assert.equal(collection.value('one'), 1);
  assert.equal(collection.value('two'), 1);
  two.removeCallback(callback);
  collection = await metrics.collect();
  assert.equal(collection.value('one'), 1);
  assert.equal(collection.metric('two'), undefined);
});

test('several callbacks of one instrument all report', async t => {
  const { metrics, meter } = start(t);
  const gauge = meter.createObservableGauge('it');
  for (const from of ['one', 'two']) {
    gauge.addCallback(result => result.observe(1, { from }));
  }
  const collection = await metrics.collect();
  assert.equal(collection.metric('it')?.points.length, 2);
});

test('a batch callback observes the instruments it is registered for', async t => {
  const { metrics, meter } = start(t);
  const one = meter.createObservableGauge('one');
  const two = meter.createObservableCounter('two', {
    valueType: ValueType.INT,
  });
  meter.addBatchObservableCallback(
    async result => {
      result.observe(one, 1, { a: 1 });
      await Promise.resolve();
      result.observe(two, 2.9);
    },
    [one, two],
  );
  const collection = await metrics.collect();
  assert.equal(collection.value('one', { a: 1 }), 1);
  assert.equal(collection.value('two'), 2);
});

test('a batch callback that observes an instrument it is not registered for is told so once', async t => {
  const messages = diagMessages(t);
  const { metrics, meter } = start(t);
  const one = meter.createObservableGauge('one');
  const two = meter.createObservableGauge('two');
  meter.addBatchObservableCallback(
    result => {
      result.observe(two, 2);
      result.observe(undefined as never, 3);
      result.observe(one, 1);
    },
    [one],
  );
  await metrics.collect();
  const collection = await metrics.collect();
  assert.equal(collection.value('one'), 1);
  assert.equal(collection.metric('two'), undefined);
  assert.equal(messages.length, 1, messages.join('\n'));
  assert.match(messages[0], /not registered for/);
});

test('a batch callback with an instrument that is not valid still serves the valid ones', async t => {
  const messages = diagMessages(t);
  const { metrics, meter } = start(t);
  const invalid = meter.createObservableGauge('not a valid name');
  const valid = meter.createObservableGauge('valid');
  const stranger = testMetrics(t)
    .provider.getMeter('m')
    .createObservableGauge('stranger');
  const callback = (result: BatchObservableResult) => {
    result.observe(invalid, 1);
    result.observe(stranger, 2);
    result.observe(valid, 3);
  };
  meter.addBatchObservableCallback(callback, [invalid, stranger, valid]);
  const collection = await metrics.collect();
  assert.deepEqual(
    collection.metrics.map(({ name }) => name),
    ['valid'],
  );
  assert.equal(collection.value('valid'), 3);
  assert.match(messages.join('\n'), /not valid or not of this provider/);
  meter.removeBatchObservableCallback(callback, [invalid, stranger, valid]);
  assert.equal((await metrics.collect()).metric('valid'), undefined);
});

test('a batch callback without valid instruments is not registered', async t => {
  const messages = diagMessages(t);
  const { metrics, meter } = start(t);
  let runs = 0;
  meter.addBatchObservableCallback(() => {
    runs++;
  }, []);
  await metrics.collect();
  assert.equal(runs, 0);
  assert.match(messages.join('\n'), /without observables is not registered/);
});

test('a batch callback is removed by the same instruments in any order only', async t => {
  const { metrics, meter } = start(t);
  const one = meter.createObservableGauge('one');
  const two = meter.createObservableGauge('two');
  let runs = 0;
  const callback = () => {
    runs++;
  };
  meter.addBatchObservableCallback(callback, [one, two]);
  meter.addBatchObservableCallback(callback, [two, one, two]);
  await metrics.collect();
  assert.equal(runs, 1);
  meter.removeBatchObservableCallback(callback, [one]);
  meter.removeBatchObservableCallback(() => {}, [one, two]);
  await metrics.collect();
  assert.equal(runs, 2);
  meter.removeBatchObservableCallback(callback, [two, one]);
  await metrics.collect();
  assert.equal(runs, 2);
});

test('callbacks may create instruments, and add and remove callbacks', async t => {
  const { metrics, meter } = start(t);
  const gauge = meter.createObservableGauge('it');
  const later = (result: ObservableResult) =>
    result.observe(2, { from: 'later' });
  const first = (result: ObservableResult) => {
    result.observe(1, { from: 'first' });
    gauge.removeCallback(first);
    gauge.addCallback(later);
    meter.createObservableGauge('new').addCallback(fresh => fresh.observe(3));
    meter.createCounter('counter').add(4);
  };
  gauge.addCallback(first);
  const before = await metrics.collect();
  assert.equal(before.value('it', { from: 'first' }), 1);
  assert.equal(before.point('it', { from: 'later' }), undefined);
  assert.equal(before.value('counter'), 4);
  const after = await metrics.collect();
  assert.equal(after.point('it', { from: 'first' }), undefined);
  assert.equal(after.value('it', { from: 'later' }), 2);
  assert.equal(after.value('new'), 3);
});

test('a result that is kept beyond its round observes nothing', async t => {
  const { metrics, meter } = start(t);
  const gauge = meter.createObservableGauge('it');
  let kept: ObservableResult | undefined;
  gauge.addCallback(result => {
    kept ??= result;
    result.observe(1);
  });
  await metrics.collect();
  kept!.observe(2);
  kept!.observe(3, { a: 1 });
  const collection = await metrics.collect();
  assert.equal(collection.value('it'), 1);
  assert.equal(collection.metric('it')?.points.length, 1);
});

test('the limit prefers what a round observes first, and holds for each round', async t => {
  const { metrics, meter } = start(t, { cardinalityLimit: 3 });
  let ids = [1, 2, 3, 4, 5];
  for (const kind of ['sum', 'gauge']) {
    const observable =
      kind === 'sum'
        ? meter.createObservableCounter(kind)
        : meter.createObservableGauge(kind);
    observable.addCallback(result =>
      ids.forEach(id => result.observe(id, { id })),
    );
  }
  const points = async (name: string) =>
    new Map(
      (await metrics.collect())
        .metric(name)!
        .points.map(({ attributes, value }) => [setText(attributes), value]),
    );
  const overflow = setText({ 'otel.metric.overflow': true });
  const series = (...found: number[]) =>
    found.map((id): [string, number] => [setText({ id }), id]);
  assert.deepEqual(
    await points('sum'),
    new Map([...series(1, 2, 3), [overflow, 9]]),
  );
  assert.deepEqual(
    await points('gauge'),
    new Map([...series(1, 2, 3), [overflow, 5]]),
  );
  ids = [6, 5, 7];
  assert.deepEqual(await points('sum'), new Map(series(6, 5, 7)));
  ids = [8, 9, 6, 10, 11];
  assert.deepEqual(
    await points('sum'),
    new Map([...series(8, 9, 6), [overflow, 21]]),
  );
  assert.deepEqual(
    await points('gauge'),
    new Map([...series(8, 9, 6), [overflow, 11]]),
  );
});

test('sets that a view makes equal are added up, and a gauge has the last of them', async t => {
  const { metrics, meter } = start(t, {
    views: [
      {
        selector: { instrument_name: '*' },
        stream: { attribute_keys: { excluded: ['pid'] } },
      },
    ],
  });
  for (const [kind, create] of Object.entries(KINDS)) {
    create(meter, kind.replaceAll(' ', '.')).addCallback(result => {
      result.observe(3, { pid: 1, a: 1 });
      result.observe(4, { a: 1, pid: 2 });
      result.observe(5, { pid: 3 });
    });
  }
  const collection = await metrics.collect();
  for (const [name, sum] of [
    ['observable.counter', 7],
    ['observable.up-down.counter', 7],
    ['observable.gauge', 4],
  ] as const) {
    assert.equal(collection.value(name, { a: 1 }), sum, name);
    assert.equal(collection.value(name), 5, name);
  }
});

for (const valueType of [ValueType.INT, ValueType.DOUBLE]) {
  const type = valueType === ValueType.INT ? 'integers' : 'doubles';

  test(`an observable counter of ${type} that starts over exports all of its new value as a delta`, async t => {
    const { metrics, meter } = start(t, { temporality: 'delta' });
    let value = 0;
    meter
      .createObservableCounter('it', { valueType })
      .addCallback(result => result.observe(value, { a: 1 }));
    const deltas: (number | undefined)[] = [];
    for (value of [10, 25, 7, 7, 9]) {
      deltas.push((await metrics.collect()).value('it', { a: 1 }));
    }
    assert.deepEqual(deltas, [10, 15, 7, 0, 2]);
  });

  test(`an observable counter of ${type} that misses a collection counts nothing twice`, async t => {
    const { metrics, meter } = start(t, { temporality: 'delta' });
    let value: number | undefined;
    meter.createObservableCounter('it', { valueType }).addCallback(result => {
      if (value !== undefined) {
        result.observe(value);
      }
    });
    const deltas: (number | undefined)[] = [];
    for (value of [10, undefined, undefined, 15]) {
      deltas.push((await metrics.collect()).value('it'));
    }
    assert.deepEqual(deltas, [10, undefined, undefined, 5]);
  });
}

test('an observable counter whose sets change all the time keeps to its limit under delta temporality', async t => {
  const { metrics, meter } = start(t, {
    temporality: 'delta',
    cardinalityLimit: 4,
  });
  let round = 0;
  meter.createObservableCounter('it').addCallback(result => {
    for (let id = 0; id < 4; id++) {
      result.observe(1, { id: round * 4 + id });
    }
  });
  for (round = 0; round < 20; round++) {
    const points = (await metrics.collect()).metric('it')!.points;
    assert.deepEqual(
      points.map(({ attributes }) => attributes.id).sort(),
      [0, 1, 2, 3].map(id => round * 4 + id).sort(),
    );
  }
});

test('a callback that does not end in time keeps its last values, and what it observes later counts', async t => {
  diagMessages(t);
  const { metrics, meter } = start(t);
  let finish = () => {};
  let value = 1;
  let inTime = true;
  meter.createObservableGauge('slow').addCallback(async result => {
    if (!inTime) {
      await new Promise<void>(resolve => {
        finish = resolve;
      });
    }
    result.observe(value);
  });
  meter.createObservableGauge('other').addCallback(result => {
    result.observe(value);
  });
  const shown = async () => {
    const json = await collectWithin(metrics, 100);
    return ['slow', 'other'].map(name =>
      Number(
        new RegExp(`"name":"${name}".*?"asDouble":([\\d.]+)`).exec(json)?.[1],
      ),
    );
  };
  assert.deepEqual(await shown(), [1, 1]);
  inTime = false;
  value = 2;
  assert.deepEqual(await shown(), [1, 2]);
  value = 3;
  finish();
  await new Promise(setImmediate);
  value = 4;
  assert.deepEqual(await shown(), [3, 4]);
});

test('a callback that does not settle for a minute is taken for lost, and runs again, each time after twice as long', async t => {
  const messages = diagMessages(t);
  const said = () =>
    messages.filter(message => message.includes('did not finish')).length;
  const { metrics, meter } = start(t);
  let runs = 0;
  meter.createObservableGauge('g').addCallback(result => {
    result.observe(++runs);
    return new Promise<void>(() => {});
  });
  const now = performance.now.bind(performance);
  let later = 0;
  t.mock.method(performance, 'now', () => now() + later);
  const valueAfter = async (passed: number) => {
    later += passed;
    const collection = parseCollection(await collectWithin(metrics, 1000));
    // The clock stands still until it is late.
    await eventually(() => assert.equal(said(), runs));
    return collection.find(({ name }) => name === 'g')?.points[0].value;
  };
  assert.equal(await valueAfter(0), 1);
  assert.equal(await valueAfter(59_000), 1);
  assert.equal(await valueAfter(2_000), 2);
  assert.equal(await valueAfter(59_000), 2);
  assert.equal(await valueAfter(59_000), 2);
  assert.equal(await valueAfter(3_000), 3);
  assert.equal(await valueAfter(239_000), 3);
  assert.equal(await valueAfter(2_000), 4);
  // An hour at most, however often it was lost.
  for (let run = 5; run <= 12; run++) {
    assert.equal(await valueAfter(3_601_000), run);
  }
});

test('a callback that was lost and settles in time again has a minute again', async t => {
  diagMessages(t);
  const { metrics, meter } = start(t);
  let runs = 0;
  let settles = false;
  meter.createObservableGauge('g').addCallback(async () => {
    runs++;
    if (!settles) {
      await new Promise<void>(() => {});
    }
  });
  const now = performance.now.bind(performance);
  let later = 0;
  t.mock.method(performance, 'now', () => now() + later);
  const runsAfter = async (passed: number) => {
    later += passed;
    await collectWithin(metrics, 100);
    return runs;
  };
  assert.equal(await runsAfter(0), 1);
  assert.equal(await runsAfter(61_000), 2);
  settles = true;
  assert.equal(await runsAfter(121_000), 3);
  settles = false;
  assert.equal(await runsAfter(1_000), 4);
  assert.equal(await runsAfter(59_000), 4);
  assert.equal(await runsAfter(2_000), 5);
});

test('the limit holds for each of the rounds that overlap, and takes no series from another', async t => {
  const { metrics, meter } = start(t, { cardinalityLimit: 3 });
  const finish: (() => void)[] = [];
  meter.createObservableGauge('it').addCallback(async result => {
    const first = 10 * finish.length;
    [1, 2].forEach(id => result.observe(first + id, { id: first + id }));
    await new Promise<void>(resolve => {
      finish.push(resolve);
    });
    [3, 4].forEach(id => result.observe(first + id, { id: first + id }));
  });
  const rounds: Promise<[string, number | undefined][]>[] = [];
  const collect = async () => {
    const { points } = (await metrics.collect()).metric('it')!;
    return points
      .map(({ attributes, value }): [string, number | undefined] => [
        setText(attributes),
        value as number,
      ])
      .sort(([, a], [, b]) => a! - b!);
  };
  for (let round = 1; round <= 3; round++) {
    rounds.push(collect());
    await eventually(() => assert.equal(finish.length, round), 2000);
  }
  for (const end of [1, 0, 2]) {
    finish[end]();
    await rounds[end];
  }
  const overflow = setText({ 'otel.metric.overflow': true });
  assert.deepEqual(
    await Promise.all(rounds),
    [0, 10, 20].map(first => [
      ...[1, 2, 3].map(id => [setText({ id: first + id }), first + id]),
      [overflow, first + 4],
    ]),
  );
});
