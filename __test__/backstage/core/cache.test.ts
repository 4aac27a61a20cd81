import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CacheService,
  coreServices,
  createServiceFactory,
} from '@backstage/backend-plugin-api';
import type { JsonValue } from '@backstage/types';
import { pluginWith, startBackend, Tally, valuesOf } from './support';

const TOTAL = 'backstage.core.cache.operations.total';
const DURATION = 'backstage.core.cache.operations.duration';

/** A cache as an app may give it to its plugins; it counts for itself. */
class OwnCache implements CacheService {
  constructor(
    readonly counted: Tally,
    readonly values = new Map<string, JsonValue>(),
  ) {}

  get<T extends JsonValue>(key: string): Promise<T | undefined> {
    const value = this.values.get(key);
    return this.ended(
      'get',
      key,
      value === undefined ? 'miss' : 'hit',
      value,
    ) as Promise<T | undefined>;
  }

  async set(key: string, value: JsonValue): Promise<void> {
    this.values.set(key, value);
    await this.ended('set', key, 'ok');
  }

  async delete(key: string): Promise<void> {
    this.values.delete(key);
    await this.ended('delete', key, 'ok');
  }

  withOptions(): CacheService {
    return new OwnCache(this.counted, this.values);
  }

  private ended(
    operation: string,
    key: string,
    result: string,
    value?: JsonValue,
  ): Promise<JsonValue | undefined> {
    const failed = key.startsWith('broken');
    this.counted.add({
      plugin: 'orders',
      operation,
      result: failed ? 'error' : result,
    });
    return failed
      ? Promise.reject(new Error(`${key} is broken`))
      : Promise.resolve(value);
  }
}

describe('cache metrics', () => {
  test("agree with what the app's own cache counts under load", async t => {
    const counted = new Tally();
    const { feature, service } = pluginWith('orders', coreServices.cache);
    const { metrics } = await startBackend(t, {
      features: [
        feature,
        createServiceFactory({
          service: coreServices.cache,
          deps: {},
          factory: () => new OwnCache(counted),
        }),
      ],
    });
    const cache = await service;
    const others = [cache, cache.withOptions({ defaultTtl: 1000 })];
    others.push(others[1].withOptions({}));
    await Promise.all(
      Array.from({ length: 1000 }, async (_, n) => {
        const client = others[n % 3];
        const key = `${n % 17}`;
        await client.get(key);
        await (n % 5 === 0 ? client.delete(key) : client.set(key, n));
        if (n % 50 === 0) {
          await assert.rejects(
            client.get('broken'),
            /^Error: broken is broken$/,
          );
          await assert.rejects(client.set('broken', 1));
        }
      }),
    );
    counted.equals(valuesOf(await metrics.collect(), TOTAL));
    const durations = valuesOf(await metrics.collect(), DURATION);
    assert.equal(
      Object.values(durations).reduce((a, b) => a + b),
      2040,
    );
  });

  test("tell hits from misses of Backstage's own cache", async t => {
    const { feature, service } = pluginWith('orders', coreServices.cache);
    const { metrics } = await startBackend(t, { features: [feature] });
    const cache = await service;
    const counted = new Tally();
    const ended = (operation: string, result: string) =>
      counted.add({ plugin: 'orders', operation, result });
    for (let n = 0; n < 100; n++) {
      assert.equal(await cache.get(`${n}`), undefined);
      ended('get', 'miss');
      if (n % 2) {
        await cache.set(`${n}`, null);
        ended('set', 'ok');
        assert.equal(await cache.get(`${n}`), null);
        ended('get', 'hit');
      }
    }
    await cache.withOptions({}).delete('1');
    ended('delete', 'ok');
    counted.equals(valuesOf(await metrics.collect(), TOTAL));
  });

  test('keep what hangs on a method, as on those of mocks', async t => {
    const own = new OwnCache(new Tally());
    const get = Object.assign(() => Promise.resolve(undefined), { calls: 7 });
    const { feature, service } = pluginWith('orders', coreServices.cache);
    await startBackend(t, {
      features: [
        feature,
        createServiceFactory({
          service: coreServices.cache,
          deps: {},
          factory: () => Object.assign(own, { get }),
        }),
      ],
    });
    const { get: decorated } = (await service) as unknown as {
      get: typeof get;
    };
    assert.notEqual(decorated, get);
    assert.equal(decorated.calls, 7);
    assert.equal(decorated.name, get.name);
  });

  test('do not swallow a rejection that the plugin forgot', async t => {
    const { feature, service } = pluginWith('orders', coreServices.cache);
    await startBackend(t, {
      features: [
        feature,
        createServiceFactory({
          service: coreServices.cache,
          deps: {},
          factory: () => new OwnCache(new Tally()),
        }),
      ],
    });
    const cache = await service;
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    t.after(() =>
      listeners.forEach(listener => process.on('unhandledRejection', listener)),
    );
    const unhandled = new Promise(resolve =>
      process.once('unhandledRejection', resolve),
    );
    void cache.get('broken');
    assert.match(String(await unhandled), /broken is broken/);
  });

  test('make no cache for plugins without one where that would connect', async t => {
    const { feature } = pluginWith('orders', coreServices.logger);
    let made = 0;
    const factory = createServiceFactory({
      service: coreServices.cache,
      deps: {},
      factory: () => {
        made++;
        return new OwnCache(new Tally());
      },
    });
    const store = { store: 'valkey', connection: 'redis://127.0.0.1:1' };
    await startBackend(t, {
      features: [feature, factory],
      backend: { cache: store },
    });
    assert.equal(made, 0);
    await startBackend(t, {
      features: [feature, factory],
      backend: { cache: store },
      core: { cache: true },
    });
    assert.equal(made, 1);
  });
});
