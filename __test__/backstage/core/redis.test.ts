import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type CacheService, coreServices } from '@backstage/backend-plugin-api';
import { Redis } from '../../support/Redis';
import { eventually } from '../../support/eventually';
import { suiteScope } from '../../support/suiteScope';
import { REDIS } from '../../support/tools';
import {
  keyOf,
  pluginWith,
  type RunningBackend,
  startBackend,
  Tally,
  valuesOf,
} from './support';

const TOTAL = 'backstage.core.cache.operations.total';
const PLUGINS = ['orders', 'invoices', 'idle'];

const missing =
  !existsSync(REDIS) && !process.env.CI
    ? 'install the package redis-server'
    : undefined;

describe('cache metrics on Redis', { skip: missing }, () => {
  const suite = suiteScope();
  const lines: string[] = [];
  let server: Redis;
  let backend: RunningBackend;
  let caches: CacheService[];

  before(async () => {
    server = await Redis.serve(suite);
    const plugins = PLUGINS.map(id => pluginWith(id, coreServices.cache));
    backend = await startBackend(suite, {
      features: [...plugins.map(({ feature }) => feature)],
      onLog: line => void lines.push(line),
      backend: { cache: { store: 'redis', connection: server.url } },
    });
    caches = await Promise.all(plugins.map(({ service }) => service));
  });

  test('agree with the hits and misses of the server under load', async () => {
    const [hits, misses] = [await keyspace('hits'), await keyspace('misses')];
    const counted = new Tally();
    await Promise.all(
      [0, 1].map(async plugin => {
        const clients = [
          caches[plugin],
          caches[plugin].withOptions({ defaultTtl: 60_000 }),
        ];
        const ended = (operation: string, result: string) =>
          counted.add({ plugin: PLUGINS[plugin], operation, result });
        for (let n = 0; n < 500; n++) {
          const client = clients[n % 2];
          const key = `${n % 50}`;
          const value = await client.get(key);
          ended('get', value === undefined ? 'miss' : 'hit');
          if (n % 7 === 0) {
            await client.delete(key);
            ended('delete', 'ok');
          } else {
            await client.set(key, n);
            ended('set', 'ok');
          }
        }
      }),
    );
    const found = valuesOf(await backend.metrics.collect(), TOTAL);
    counted.equals(found);
    assert.deepEqual(
      { hits: gets(found, 'hit'), misses: gets(found, 'miss') },
      {
        hits: (await keyspace('hits')) - hits,
        misses: (await keyspace('misses')) - misses,
      },
    );
  });

  test('cost no connection for a plugin that leaves its cache alone', async () => {
    assert.equal(await server.connections(), 2);
    await caches[2].get('first');
    await caches[2].withOptions({ defaultTtl: 1000 }).get('second');
    assert.equal(await server.connections(), PLUGINS.length);
  });

  test('cannot tell of what the store keeps to itself, which the log has', async () => {
    const before = valuesOf(await backend.metrics.collect(), TOTAL);
    lines.length = 0;
    const refused = await server.stat('total_error_replies');
    await server.command('config', 'set', 'maxmemory', '1');
    await caches[0].set('too much', 1);
    await server.command('config', 'set', 'maxmemory', '0');
    assert.equal(await caches[0].get('too much'), undefined);
    assert.equal((await server.stat('total_error_replies')) - refused, 1);
    assert.deepEqual(lines, ['Failed to create redis cache client']);
    const after = valuesOf(await backend.metrics.collect(), TOTAL);
    const set = keyOf({ plugin: 'orders', operation: 'set', result: 'ok' });
    assert.equal(after[set] - before[set], 1);
  });

  test('count no call that waits for a server that is gone', async t => {
    // Nobody listens to the client's own error: in production Backstage's handler for the process logs it.
    const uncaught: string[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const listener = (error: Error) => uncaught.push(error.message);
    process.on('uncaughtException', listener);
    t.after(() => {
      process.off('uncaughtException', listener);
      listeners.forEach(one => process.on('uncaughtException', one));
    });
    const before = valuesOf(await backend.metrics.collect(), TOTAL);
    lines.length = 0;
    await server.stop();
    await eventually(() => assert.equal(uncaught.length, PLUGINS.length));
    let ended = 0;
    for (const cache of caches) {
      void cache.get('1').finally(() => ended++);
    }
    await setTimeout(1000);
    assert.equal(ended, 0);
    assert.deepEqual(valuesOf(await backend.metrics.collect(), TOTAL), before);
    assert.deepEqual(
      uncaught,
      PLUGINS.map(() => 'Socket closed unexpectedly'),
    );
    assert.deepEqual(lines, []);
  });

  const keyspace = (what: string) => server.stat(`keyspace_${what}`);
});

/** How many reads of all plugins ended so. */
function gets(found: Record<string, number>, result: string): number {
  return PLUGINS.map(plugin =>
    keyOf({ plugin, operation: 'get', result }),
  ).reduce((sum, key) => sum + (found[key] ?? 0), 0);
}
