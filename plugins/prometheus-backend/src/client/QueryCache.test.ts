import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { QueryCache } from './QueryCache';

const later = () => Date.now() + 60_000;

function cache({ maxEntries = 10, maxBytes = 10_000 } = {}) {
  return new QueryCache({ maxEntries, maxBytes });
}

/** A request that ends when it is told to. */
function request(bytes = 1) {
  const { promise, resolve, reject } = withResolvers<string>();
  const load = mock.fn(async (signal: AbortSignal) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    return { value: await promise, bytes, expiresAt: later() };
  });
  return { load, resolve, reject };
}

describe('QueryCache', () => {
  test('lets callers who ask at once share one request', async () => {
    const [shared, { load, resolve }] = [cache(), request()];
    const callers = Array.from({ length: 100 }, () => shared.get('a', load));
    resolve('x');
    assert.deepEqual(new Set(await Promise.all(callers)), new Set(['x']));
    assert.equal(load.mock.callCount(), 1);
  });

  test('answers again from what it kept, until that expires', async t => {
    t.mock.timers.enable({ apis: ['Date'] });
    const shared = cache();
    const load = mock.fn(() =>
      Promise.resolve({ value: 'x', bytes: 1, expiresAt: 1000 }),
    );
    await shared.get('a', load);
    t.mock.timers.tick(999);
    await shared.get('a', load);
    assert.equal(load.mock.callCount(), 1);
    t.mock.timers.tick(1);
    await shared.get('a', load);
    assert.equal(load.mock.callCount(), 2);
  });

  test('keeps apart what differs', async () => {
    const shared = cache();
    const load = (value: string) => () =>
      Promise.resolve({ value, bytes: 1, expiresAt: later() });
    assert.equal(await shared.get('a', load('x')), 'x');
    assert.equal(await shared.get('b', load('y')), 'y');
    assert.equal(await shared.get('a', load('z')), 'x');
  });

  test('does not keep failures', async () => {
    const shared = cache();
    const fail = () => Promise.reject(new Error('no'));
    await assert.rejects(shared.get('a', fail), /no/);
    const load = () =>
      Promise.resolve({ value: 'x', bytes: 1, expiresAt: later() });
    assert.equal(await shared.get('a', load), 'x');
  });

  test('goes on for the others when a caller leaves', async () => {
    const [shared, { load, resolve }] = [cache(), request()];
    const tab = new AbortController();
    const gone = shared.get('a', load, tab.signal);
    const staying = shared.get('a', load, new AbortController().signal);
    tab.abort(new Error('tab closed'));
    await assert.rejects(gone, /tab closed/);
    assert.equal(load.mock.calls[0].arguments[0].aborted, false);
    resolve('x');
    assert.equal(await staying, 'x');
  });

  test('ends the request when the last caller leaves, and starts anew for the next', async () => {
    const [shared, first, second] = [cache(), request(), request()];
    const tabs = [new AbortController(), new AbortController()];
    const callers = tabs.map(tab => shared.get('a', first.load, tab.signal));
    tabs.forEach(tab => tab.abort(new Error('tab closed')));
    const next = shared.get('a', second.load);
    for (const caller of callers) {
      await assert.rejects(caller, /tab closed/);
    }
    assert.equal(first.load.mock.calls[0].arguments[0].aborted, true);
    second.resolve('y');
    assert.equal(await next, 'y');
  });

  test('drops what was not used for longest when there is no more room', async () => {
    for (const options of [{ maxEntries: 2 }, { maxBytes: 2_000 }]) {
      const shared = cache(options);
      const asked: string[] = [];
      const get = (key: string) =>
        shared.get(key, () => {
          asked.push(key);
          return Promise.resolve({
            value: key,
            bytes: 700,
            expiresAt: later(),
          });
        });
      for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) {
        await get(key);
      }
      assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
    }
  });

  test('does not keep what is larger than all its room', async () => {
    const shared = cache({ maxBytes: 1_000 });
    const load = mock.fn(() =>
      Promise.resolve({ value: 'x', bytes: 1_001, expiresAt: later() }),
    );
    await shared.get('a', load);
    await shared.get('a', load);
    assert.equal(load.mock.callCount(), 2);
  });
});

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
