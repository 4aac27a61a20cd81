import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsCounter } from '@nativestage/metrics';
import { collectGarbage } from '../support/collectGarbage';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';
import { testMetrics } from './support';

test('the series without attributes finds room that was made for it', async t => {
  const metrics = testMetrics(t, { cardinalityLimit: 2 });
  const meter = metrics.provider.getMeter('m');
  const counter = meter.createCounter('c') as MetricsCounter;
  counter.add(1, { a: 1 });
  counter.add(1, { a: 2 });
  counter.add(10);
  counter.remove({ a: 1 });
  counter.add(20);
  counter.add(20, {});
  const collection = await metrics.collect();
  assert.equal(collection.value('c'), 40);
  assert.equal(collection.value('c', { 'otel.metric.overflow': true }), 10);
});

test('an observation without attributes finds room in a later round', async t => {
  const metrics = testMetrics(t, { cardinalityLimit: 1 });
  const meter = metrics.provider.getMeter('m');
  let rounds = 0;
  meter.createObservableGauge('g').addCallback(result => {
    if (rounds++ === 0) {
      result.observe(1, { a: 1 });
    }
    result.observe(2);
  });
  const overflow = { 'otel.metric.overflow': true };
  assert.equal((await metrics.collect()).value('g', overflow), 2);
  const later = await metrics.collect();
  assert.equal(later.value('g', overflow), undefined);
  assert.equal(later.value('g'), 2);
});

test('a handle bound before configuration and its attributes stay one series', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/bound-early.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(receiver.value('last', { a: 'x' }), 7);
  assert.equal(receiver.value('last'), 9);
  assert.throws(() => receiver.value('removed', { a: 'x' }), /not exported/);
});

test('a value that is part of a large text does not keep that', t => {
  const metrics = testMetrics(t);
  const counter = metrics.provider.getMeter('m').createCounter('c');
  const size = 2 ** 20;
  const count = 50;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let series = 0; series < count; series++) {
    const body = `${'x'.repeat(size)}${series}`;
    counter.add(1, {
      shared: body.slice(-20),
      long: body.slice(-200),
    });
  }
  collectGarbage();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < (count * size) / 10, `${grown} bytes`);
});
