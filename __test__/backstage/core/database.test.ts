import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import {
  coreServices,
  createServiceFactory,
  type DatabaseService,
} from '@backstage/backend-plugin-api';
import { setLogger } from '@nativestage/metrics/sdk';
import type { TestCollection } from '@nativestage/metrics/testing';
import createKnex, { type Knex } from 'knex';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/ports';
import { pluginWith, startBackend, Tally, valuesOf } from './support';

const require = createRequire(path.resolve('__test__/backstage/core/x'));
const { prototype } = require('better-sqlite3') as {
  prototype: { prepare: (this: unknown, sql: string) => unknown };
};

const QUERIES = 'backstage.core.database.queries.duration';
const CONNECTIONS = 'backstage.core.database.connections';

/** The statements that SQLite was given to prepare: the test's own account of queries. */
function countStatements(t: TestContext): string[] {
  const statements: string[] = [];
  const { prepare } = prototype;
  prototype.prepare = function (sql) {
    statements.push(sql);
    return prepare.call(this, sql);
  };
  t.after(() => {
    prototype.prepare = prepare;
  });
  return statements;
}

/** Knex does not tell when these end, so they are not measured. */
const CONTROL = /^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/;

const OPERATIONS: Record<string, string> = {
  create: 'other',
  values: 'raw',
};

function operationOf(sql: string): string {
  const word = /^\w+/.exec(sql)![0].toLowerCase();
  return OPERATIONS[word] ?? word;
}

/** Requests for a connection that got none, by result. */
function failures(
  collection: TestCollection,
): Record<string, number | undefined> {
  const points = collection.metric(`${CONNECTIONS}.failures.total`)?.points;
  return Object.fromEntries(
    (points ?? []).map(({ attributes, value }) => [
      String(attributes.result),
      value,
    ]),
  );
}

/** A database as an app may give it to its plugins. */
function ownDatabase(make: () => DatabaseService) {
  return createServiceFactory({
    service: coreServices.database,
    deps: {},
    factory: make,
  });
}

function memoryKnex(t: TestContext, pool: Knex.PoolConfig): Knex {
  const knex = createKnex({
    client: 'better-sqlite3',
    connection: ':memory:',
    useNullAsDefault: true,
    pool,
  });
  t.after(() => knex.destroy());
  return knex;
}

describe('database metrics', () => {
  test('agree with the statements that SQLite was given under load', async t => {
    const { feature, service } = pluginWith('orders', coreServices.database);
    const backend = await startBackend(t, { features: [feature] });
    const knex = await (await service).getClient();
    const before = valuesOf(await backend.metrics.collect(), QUERIES);
    assert.deepEqual(before, {}, 'the plugin has asked for nothing yet');
    const statements = countStatements(t);

    await knex.schema.createTable('orders', table => {
      table.increments('id');
      table.string('pizza');
    });
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await knex('orders').insert({ pizza: `pizza ${n}` });
        await knex('orders').where({ id: n }).first();
        await knex('orders').select('pizza').limit(n);
        await knex.raw('values (1)');
        if (n % 4 === 0) {
          await knex('orders').where({ id: n }).update({ pizza: 'none' });
        }
        if (n % 10 === 0) {
          await knex('orders').where({ id: n }).del();
        }
        if (n % 20 === 0) {
          await nestedTransaction(knex, n);
        }
        if (n % 25 === 0) {
          await assert.rejects(knex.select().from('nowhere'), /no such table/);
        }
      }),
    );

    const counted = new Tally();
    for (const sql of statements.filter(line => !CONTROL.test(line))) {
      counted.add({
        plugin: 'orders',
        'db.operation.name': operationOf(sql),
        result: sql.includes('nowhere') ? 'error' : 'ok',
      });
    }
    counted.equals(valuesOf(await backend.metrics.collect(), QUERIES));
  });

  test('tell of pools: in use, idle, waited for, and given up', async t => {
    const knex = memoryKnex(t, { min: 0, max: 2, acquireTimeoutMillis: 300 });
    const database: DatabaseService = {
      getClient: () => Promise.resolve(knex),
    };
    const { feature, service } = pluginWith('orders', coreServices.database);
    const { metrics } = await startBackend(t, {
      features: [feature, ownDatabase(() => database)],
    });
    assert.deepEqual(pools(await metrics.collect()), {});
    assert.equal(await (await service).getClient(), knex);

    const first = await knex.transaction();
    const second = await knex.transaction();
    const third = knex.raw('select 1').catch((error: Error) => error);
    assert.deepEqual(pools(await metrics.collect()), {
      active: 2,
      idle: 0,
      pending: 1,
      limit: 2,
    });
    assert.match(String(await third), /Timeout acquiring a connection/);
    await first.rollback();
    await second.commit();
    await eventually(async () =>
      assert.deepEqual(pools(await metrics.collect()), {
        active: 0,
        idle: 2,
        pending: 0,
        limit: 2,
      }),
    );
    const collection = await metrics.collect();
    const plugin = { plugin: 'orders' };
    assert.deepEqual(failures(collection), { timeout: 1, error: 0 });
    assert.equal(
      collection.point(`${CONNECTIONS}.acquire.duration`, plugin)?.count,
      2,
    );

    await knex.destroy();
    assert.deepEqual(pools(await metrics.collect()), {});
  });

  test('tell of a database that refuses connections, from the first one on', async t => {
    const knex = createKnex({
      client: 'pg',
      connection: { host: '127.0.0.1', port: await freePort() },
      pool: { min: 0, max: 2 },
    });
    t.after(() => knex.destroy());
    // Backstage asks first, for the keys of the plugin.
    const clients = [memoryKnex(t, { min: 0, max: 1 }), knex];
    const { feature, service } = pluginWith('orders', coreServices.database);
    const { metrics } = await startBackend(t, {
      features: [
        feature,
        ownDatabase(() => ({
          getClient: () => Promise.resolve(clients.shift()!),
        })),
      ],
    });
    assert.equal(await (await service).getClient(), knex);
    assert.deepEqual(failures(await metrics.collect()), {
      timeout: 0,
      error: 0,
    });
    for (let n = 0; n < 3; n++) {
      await assert.rejects(knex.raw('select 1'), /ECONNREFUSED/);
    }
    const collection = await metrics.collect();
    assert.deepEqual(failures(collection), { timeout: 0, error: 3 });
  });

  test('forget queries that never answer, and leave alone what is no client of Knex', async t => {
    const knex = memoryKnex(t, { min: 0, max: 1 });
    const client = new EventEmitter();
    // Backstage asks first, for the keys of the plugin.
    const clients: unknown[] = [knex, { client }, undefined, {}];
    const { feature, service } = pluginWith('orders', coreServices.database);
    const { metrics } = await startBackend(t, {
      features: [
        feature,
        ownDatabase(() => ({
          getClient: () => Promise.resolve(clients.shift() as Knex),
        })),
      ],
    });
    const database = await service;
    await database.getClient();
    assert.equal(await database.getClient(), undefined);
    assert.deepEqual(await database.getClient(), {});

    const query = (n: number) => ({ __knexQueryUid: `${n}`, method: 'select' });
    for (let n = 0; n < 20_000; n++) {
      client.emit('query', query(n));
    }
    client.emit('query-response', [], query(0));
    client.emit('query-response', [], query(19_999));
    client.emit('query-response', [], query(19_999));
    const counts = valuesOf(await metrics.collect(), QUERIES);
    assert.deepEqual(Object.values(counts), [1]);
  });

  test('ask for no client that the plugin does not ask for', async t => {
    const asked = [];
    for (const on of [true, false]) {
      let times = 0;
      const { feature, service } = pluginWith('orders', coreServices.database);
      const knex = memoryKnex(t, { min: 0, max: 1 });
      const own = ownDatabase(() => ({
        getClient: () => {
          times++;
          return Promise.resolve(knex);
        },
      }));
      await startBackend(t, {
        features: [feature, own],
        core: { database: on },
      });
      await service;
      asked.push(times);
    }
    assert.equal(asked[0], asked[1]);
  });

  test('leave a database alone that cannot be changed, and say so once', async t => {
    const orders = pluginWith('orders', coreServices.database);
    const other = pluginWith('other', coreServices.database);
    const own = ownDatabase(() => {
      const knex = memoryKnex(t, { min: 0, max: 1 });
      return Object.freeze({ getClient: () => Promise.resolve(knex) });
    });
    const told: string[] = [];
    const tell = (message: string) => told.push(message);
    setLogger({ debug: tell, info: tell, warn: tell, error: tell });
    const { metrics } = await startBackend(t, {
      features: [orders.feature, other.feature, own],
    });
    for (const { service } of [orders, other]) {
      await (await (await service).getClient()).raw('select 1');
    }
    assert.deepEqual(valuesOf(await metrics.collect(), QUERIES), {});
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(
      told[0],
      /backstage\.core\.database is not measured: TypeError/,
    );
  });
});

/** Two updates that stay, one that is rolled back. */
async function nestedTransaction(knex: Knex, n: number): Promise<void> {
  await knex.transaction(async outer => {
    await outer('orders').where({ id: n }).update({ pizza: 'outer' });
    await outer.transaction(async inner => {
      await inner('orders').where({ id: n }).update({ pizza: 'inner' });
    });
  });
  const failed = knex.transaction(async transaction => {
    await transaction('orders').where({ id: n }).update({ pizza: 'no' });
    throw new Error('rolled back');
  });
  await assert.rejects(failed, /rolled back/);
}

/** What the gauges say of the plugin's pool. */
function pools(collection: TestCollection): Record<string, number> {
  return Object.fromEntries(
    ['active', 'idle', 'pending', 'limit'].flatMap(name => {
      const value = collection.value(`${CONNECTIONS}.${name}`, {
        plugin: 'orders',
      });
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
