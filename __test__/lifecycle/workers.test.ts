import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';

test('four workers and the main thread add one million each, and five million are exported', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/workers.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(ending.stdout, 'flushed\n');
  assert.equal(receiver.value('shared', { kind: 'work' }), 5_000_000);
  const histogram = receiver.point('shared.histogram');
  assert.equal(Number(histogram.count), 50_000);
  assert.equal(histogram.sum, 50_000);
});

describe('a worker that ends by', { concurrency: 2 }, () => {
  for (const [how, code] of [
    ['falling off the end', 0],
    ['process.exit', 4],
    ['an uncaught exception', 1],
  ] as const) {
    test(`${how} hands over first`, async t => {
      const receiver = await OtlpReceiver.start(t);
      const ending = await runNode(t, 'lifecycle/worker-ends.cjs', {
        args: [receiver.url, how],
      });
      assert.equal(ending.code, 0, ending.stderr);
      assert.match(ending.stdout, new RegExp(`worker ended with ${code}`));
      assert.equal(receiver.value('worker.counter', { thread: 'worker' }), 11);
      assert.equal(receiver.value('worker.gauge'), 12);
      assert.equal(Number(receiver.point('worker.histogram').count), 1);
    });
  }
});

test('a program whose worker alone loads the package exports from there', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/worker-first.cjs', {
    args: [receiver.url, 'stays away'],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(receiver.value('first'), 1);
});

test('a main thread that loads the package after a worker goes on with its provider', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/worker-first.cjs', {
    args: [receiver.url, 'joins'],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(receiver.value('first'), 3);
});

test('a worker that is stuck does not cost the main thread its last values', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/worker-stuck.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 5, ending.stderr);
  assert.equal(receiver.value('main.counter'), 1);
  // Within exitTimeout, not by luck while the process is torn down.
  assert.doesNotMatch(ending.stdout + ending.stderr, /not delivered/);
});

test('what a worker recorded so far is exported when the main thread exits', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/worker-runs.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 5, ending.stderr);
  assert.equal(receiver.value('worker.counter'), 11);
  assert.equal(receiver.value('worker.observed'), 14);
});
