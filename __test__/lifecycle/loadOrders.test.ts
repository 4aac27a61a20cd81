import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Collector } from '../support/Collector';
import { runNode } from '../support/Program';

// What loads first outlives nothing: the addon, its threads and its allocator have to.
describe(
  'a process lives and loses nothing in which the package is loaded by',
  {
    concurrency: 2,
  },
  () => {
    for (const [order, total] of [
      ['workers one after another', 20],
      ['a worker, and then the main thread', 2],
      ['a worker, and the main thread while the next one ends', 12],
      ['workers at once', 24],
      ['workers of workers', 12],
      ['workers with many contexts', 30],
    ] as const) {
      test(order, async t => {
        const collector = await Collector.start(t);
        const ending = await runNode(t, 'lifecycle/load-orders.cjs', {
          args: [collector.url, order],
        });
        assert.deepEqual(
          [ending.code, ending.signal],
          [0, null],
          ending.stderr,
        );
        assert.equal(ending.stdout, 'ended\n');
        assert.equal(collector.last('orders.counter'), total);
      });
    }
  },
);

describe(
  'a process lives whose workers are terminated while others load',
  {
    concurrency: 2,
  },
  () => {
    for (const seed of [1, 2, 3]) {
      test(`(seed ${seed})`, async t => {
        const ending = await runNode(t, 'lifecycle/load-orders.cjs', {
          args: ['', 'terminated while others load', String(seed)],
        });
        assert.deepEqual(
          [ending.code, ending.signal],
          [0, null],
          ending.stderr,
        );
        assert.equal(ending.stdout, 'ended\n');
      });
    }
  },
);
