import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { ConcurrencyLimit } from './ConcurrencyLimit';

function limit(running: number, waiting: number) {
  return new ConcurrencyLimit({ running, waiting, describe: key => key });
}

/** Tasks that end one by one, and how many ran at once. */
function tasks() {
  const ends: (() => void)[] = [];
  let running = 0;
  const seen = { most: 0, order: [] as number[] };
  const task = (number: number) => async () => {
    seen.order.push(number);
    seen.most = Math.max(seen.most, ++running);
    await new Promise<void>(resolve => ends.push(resolve));
    running--;
  };
  const endAll = async () => {
    for (let rest = ends.shift(); rest; rest = ends.shift()) {
      rest();
      await turn();
    }
  };
  return { task, seen, endAll };
}

describe('ConcurrencyLimit', () => {
  test('runs so many at once, the others in order', async () => {
    const [own, { task, seen, endAll }] = [limit(2, 10), tasks()];
    const all = [0, 1, 2, 3, 4].map(number => own.run('a', task(number)));
    await endAll();
    await Promise.all(all);
    assert.deepEqual(seen, { most: 2, order: [0, 1, 2, 3, 4] });
  });

  test('refuses what would wait beyond the queue, with 429', async () => {
    const [own, { task, endAll }] = [limit(1, 1), tasks()];
    const all = [own.run('you', task(0)), own.run('you', task(1))];
    await assert.rejects(own.run('you', task(2)), {
      name: 'TooManyRequestsError',
      statusCode: 429,
      message: /at once for you: 1 run and 1 wait/,
    });
    await endAll();
    await Promise.all(all);
  });

  test('keeps one key from holding up another', async () => {
    const [own, { task, seen, endAll }] = [limit(1, 0), tasks()];
    const all = ['a', 'b'].map((key, index) => own.run(key, task(index)));
    assert.equal(seen.most, 2);
    await endAll();
    await Promise.all(all);
  });

  test('lets who waits leave, and gives the place to the next', async () => {
    const [own, { task, seen, endAll }] = [limit(1, 2), tasks()];
    const tab = new AbortController();
    const first = own.run('a', task(0));
    const leaving = own.run('a', task(1), tab.signal);
    const last = own.run('a', task(2));
    tab.abort(new Error('tab closed'));
    await assert.rejects(leaving, /tab closed/);
    await endAll();
    await Promise.all([first, last]);
    assert.deepEqual(seen.order, [0, 2]);
  });

  test('gives the place back after a failure', async () => {
    const own = limit(1, 0);
    for (let round = 0; round < 3; round++) {
      await assert.rejects(
        own.run('a', () => Promise.reject(new Error('no'))),
        /no/,
      );
    }
  });
});
