import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createMeterProvider } from '@nativestage/metrics/sdk';
import type { ObservableResult } from '@opentelemetry/api';
import { Collector } from '../support/Collector';
import { testMetrics } from '../instruments/support';

// What callbacks throw, reject, leave pending, register and remove is tested in
// instruments/observable.test.ts; here they call the provider that runs them.

async function exporting(t: TestContext, timeout: number) {
  const collector = await Collector.start(t);
  const provider = createMeterProvider({
    exporters: {
      prometheus: false,
      otlp: { endpoint: collector.url, protocol: 'http/json', timeout },
    },
  });
  t.after(() => void provider.shutdown().catch(() => {}));
  const meter = provider.getMeter('m');
  meter.createCounter('counter').add(3);
  meter.createObservableGauge('other').addCallback(result => result.observe(2));
  return { collector, provider, meter };
}

test('a callback that flushes and does not wait starts no endless round and harms no other', async t => {
  const { collector, provider, meter } = await exporting(t, 5000);
  let runs = 0;
  meter.createObservableGauge('flusher').addCallback(result => {
    runs++;
    result.observe(1);
    if (runs === 1) {
      void provider.forceFlush();
    }
  });
  await provider.forceFlush();
  for (const [name, value] of [
    ['flusher', 1],
    ['other', 2],
    ['counter', 3],
  ] as const) {
    assert.equal(collector.last(name), value);
  }
  await collector.until(() => collector.taken.length === 2);
  assert.equal(runs, 2);
});

test('a callback that waits for the flush which waits for it is given up, and the others count', async t => {
  const { collector, provider, meter } = await exporting(t, 300);
  let flushed = false;
  meter.createObservableGauge('waiter').addCallback(async result => {
    result.observe(1, { when: 'before' });
    if (!flushed) {
      flushed = true;
      await provider.forceFlush();
    }
    result.observe(1, { when: 'after' });
  });
  await provider.forceFlush();
  assert.equal(collector.last('other'), 2);
  assert.equal(collector.last('counter'), 3);
  assert.equal(collector.last('waiter', { when: 'before' }), 1);
  await provider.forceFlush();
  assert.equal(collector.last('waiter', { when: 'after' }), 1);
});

test('a callback that shuts its provider down gets the round it runs in out', async t => {
  const { collector, provider, meter } = await exporting(t, 5000);
  let stopped: Promise<void> | undefined;
  meter.createObservableGauge('stopper').addCallback(result => {
    result.observe(1);
    stopped ??= provider.shutdown();
  });
  await provider.forceFlush();
  await stopped;
  assert.equal(collector.last('stopper'), 1);
  assert.equal(collector.last('other'), 2);
  assert.equal(collector.last('counter'), 3);
});

test('a callback that collects gets an answer, and the collection around it goes on', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  let inner: Promise<unknown> | undefined;
  const collect = (result: ObservableResult) => {
    result.observe(1);
    inner ??= metrics.collect().then(collection => collection.value('it'));
  };
  meter.createObservableGauge('it').addCallback(collect);
  meter.createCounter('counter').add(3);
  const outer = await metrics.collect();
  assert.equal(outer.value('it'), 1);
  assert.equal(outer.value('counter'), 3);
  assert.equal(await inner, 1);
});

test('what is no number is left out, and the rest of the round is kept', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  meter.createObservableGauge('it').addCallback(result => {
    for (const nonsense of [NaN, Infinity, '1', null, undefined, {}, 1n]) {
      result.observe(nonsense as number, { kind: typeof nonsense });
    }
    result.observe(1, { kind: 'sense' });
    result.observe(2, 'nonsense' as never);
  });
  meter.createObservableGauge('other').addCallback(r => r.observe(4));
  const collection = await metrics.collect();
  assert.equal(collection.value('it', { kind: 'sense' }), 1);
  assert.equal(collection.point('it', { kind: 'object' }), undefined);
  assert.equal(collection.point('it', { kind: 'string' }), undefined);
  assert.equal(collection.value('other'), 4);
});
