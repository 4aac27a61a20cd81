import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { CREATORS, diagMessages, testMetrics } from './support';

function start(t: TestContext) {
  const messages = diagMessages(t);
  const metrics = testMetrics(t);
  return { messages, metrics, meter: metrics.provider.getMeter('m', '1') };
}

/** The lines of this file that a message names. */
function places(message: string): string[] {
  return message.match(/duplicates\.test\.ts:\d+:\d+/g) ?? [];
}

function assertOneWarning(messages: string[], pattern: RegExp): void {
  assert.equal(messages.length, 1, messages.join('\n'));
  assert.match(messages[0], /^warn: /);
  assert.match(messages[0], pattern);
  const [first, second] = places(messages[0]);
  assert.ok(first && second, messages[0]);
  assert.notEqual(first, second);
}

for (const create of CREATORS) {
  test(`${create} gives the same object for the same registration`, async t => {
    const { messages, metrics, meter } = start(t);
    const options = { unit: 's', description: 'Things' };
    const first = meter[create]('it', options);
    assert.equal(meter[create]('it', { ...options }), first);
    const sameMeter = metrics.provider.getMeter('m', '1');
    assert.equal(sameMeter[create]('it', options), first);
    await metrics.collect();
    assert.deepEqual(messages, []);
  });
}

test('meters of another name, version or schema have instruments of their own', async t => {
  const { messages, metrics, meter } = start(t);
  const { provider } = metrics;
  const meters = [
    meter,
    provider.getMeter('m'),
    provider.getMeter('m', '2'),
    provider.getMeter('n', '1'),
    provider.getMeter('m', '1', { schemaUrl: 'https://example.com/1' }),
  ];
  meters.forEach((other, index) =>
    other.createCounter('it', { unit: `{${index}}` }).add(index + 1),
  );
  const collection = await metrics.collect();
  assert.deepEqual(
    collection.metrics.map(({ unit, points }) => [unit, points[0].value]),
    meters.map((_, index) => [`{${index}}`, index + 1]),
  );
  assert.deepEqual(messages, []);
});

test('another kind under one name is warned of once, and both are exported', async t => {
  const { messages, metrics, meter } = start(t);
  const counter = meter.createCounter('it');
  for (let time = 0; time < 3; time++) {
    meter.createUpDownCounter('it').add(-1);
  }
  counter.add(1);
  const collection = await metrics.collect();
  assertOneWarning(messages, /"it".*kind counter and up-down counter/);
  assert.deepEqual(
    collection.metrics.map(({ monotonic, points }) => [
      monotonic,
      points[0].value,
    ]),
    [
      [true, 1],
      [false, -3],
    ],
  );
});

test('another unit under one name is warned of once, and both are exported', async t => {
  const { messages, metrics, meter } = start(t);
  meter.createCounter('it', { unit: 's' }).add(1);
  for (let time = 0; time < 3; time++) {
    meter.createCounter('it', { unit: 'ms' }).add(1);
  }
  const collection = await metrics.collect();
  assertOneWarning(messages, /"it".*unit "s" and "ms"/);
  assert.deepEqual(
    collection.metrics.map(({ unit, points }) => [unit, points[0].value]),
    [
      ['s', 1],
      ['ms', 3],
    ],
  );
});

test('another value type under one name is warned of once, and both are exported', async t => {
  const { messages, metrics, meter } = start(t);
  meter.createCounter('it', { valueType: ValueType.INT }).add(1.5);
  meter.createCounter('it').add(1.5);
  meter.createCounter('it', { valueType: ValueType.DOUBLE }).add(1.5);
  const collection = await metrics.collect();
  assertOneWarning(messages, /"it".*value type int and double/);
  assert.deepEqual(
    collection.metrics.map(({ points }) => points[0].value),
    [1, 3],
  );
});

test('of two descriptions under one name the longer one is exported, with one warning', async t => {
  const { messages, metrics, meter } = start(t);
  const short = meter.createCounter('it', { description: 'Short' });
  const long = meter.createCounter('it', { description: 'Rather long' });
  meter.createCounter('it', { description: 'Short' });
  meter.createCounter('it', { description: 'Rather long' });
  short.add(1);
  long.add(2);
  const collection = await metrics.collect();
  assertOneWarning(messages, /"it".*description "Short" and "Rather long"/);
  assert.equal(collection.metrics.length, 1);
  assert.equal(collection.metrics[0].description, 'Rather long');
  assert.equal(collection.value('it'), 3);
});

test('an instrument without a description agrees with every other', async t => {
  const { messages, metrics, meter } = start(t);
  meter.createCounter('one').add(1);
  meter.createCounter('one', { description: 'Things' }).add(1);
  meter.createCounter('two', { description: 'Things' }).add(1);
  meter.createCounter('two').add(1);
  const collection = await metrics.collect();
  for (const name of ['one', 'two']) {
    assert.equal(collection.value(name), 2);
    assert.equal(collection.metric(name)?.description, 'Things');
  }
  assert.deepEqual(messages, []);
});

test('names that differ in case are one instrument under the first spelling, with one warning', async t => {
  const { messages, metrics, meter } = start(t);
  const first = meter.createCounter('requestCount');
  const second = meter.createCounter('RequestCount');
  meter.createCounter('RequestCount');
  assert.equal(second, first);
  first.add(1);
  second.add(2);
  const collection = await metrics.collect();
  assertOneWarning(messages, /"RequestCount".*"requestCount"/);
  assert.equal(collection.metrics.length, 1);
  assert.equal(collection.value('requestCount'), 3);
});

test('a conflict that a case hides is still one', async t => {
  const { messages, metrics, meter } = start(t);
  meter.createCounter('it', { unit: 's' });
  meter.createHistogram('IT', { unit: 's' });
  await metrics.collect();
  assertOneWarning(messages, /kind counter and histogram/);
});

test('the first boundaries are kept when a histogram is registered with others', async t => {
  const { metrics, meter } = start(t);
  const histogram = (boundaries?: number[]) =>
    meter.createHistogram('it', {
      advice: { explicitBucketBoundaries: boundaries },
    });
  histogram([1, 2]).record(1);
  histogram([5]).record(1);
  histogram().record(1);
  const [only, ...others] = (await metrics.collect()).metrics;
  assert.deepEqual(others, []);
  assert.deepEqual(only.points[0].bounds, [1, 2]);
  assert.equal(only.points[0].count, 3);
});

test('an invalid name is reported and its instrument does nothing', async t => {
  const { messages, metrics, meter } = start(t);
  for (const name of ['', '1st', 'with space', 'x'.repeat(256), 'ü']) {
    messages.length = 0;
    for (const create of CREATORS) {
      const instrument = meter[create](name) as {
        add?: (value: number) => void;
        record?: (value: number) => void;
      };
      instrument.add?.(1);
      instrument.record?.(1);
    }
    assert.equal(messages.length, CREATORS.length, name);
  }
  assert.deepEqual((await metrics.collect()).metrics, []);
});
