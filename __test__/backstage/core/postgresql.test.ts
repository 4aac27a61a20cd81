import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, beforeEach, describe, test } from 'node:test';
import { coreServices } from '@backstage/backend-plugin-api';
import type { TestCollection } from '@nativestage/metrics/testing';
import type { Knex } from 'knex';
import { eventually } from '../../support/eventually';
import { PostgreSql } from '../../support/PostgreSql';
import { suiteScope } from '../../support/suiteScope';
import { POSTGRESQL } from '../../support/tools';
import { pluginWith, type RunningBackend, startBackend } from './support';

const CONNECTIONS = 'backstage.core.database.connections';
const LIMIT = 3;
const WAITING = 2;
const GIVEN_UP_MS = 2000;

const missing =
  !existsSync(POSTGRESQL) && !process.env.CI
    ? 'install the package postgresql, which has initdb and postgres'
    : undefined;

for (const mode of ['database', 'schema']) {
  describe(
    `database metrics on PostgreSQL, a ${mode} for each plugin`,
    { skip: missing },
    () => {
      const suite = suiteScope();
      let server: PostgreSql;
      let backend: RunningBackend;
      let knex: Knex;

      before(async () => {
        server = await PostgreSql.serve(suite);
        await server.query('create role backstage login createdb');
        await server.query('create database backstage owner backstage');
        const { feature, service } = pluginWith(
          'orders',
          coreServices.database,
        );
        backend = await startBackend(suite, {
          features: [feature],
          backend: {
            database: {
              client: 'pg',
              pluginDivisionMode: mode,
              connection: {
                ...server.connection,
                user: 'backstage',
                database: 'backstage',
              },
              knexConfig: {
                pool: { min: 0, max: LIMIT },
                acquireConnectionTimeout: GIVEN_UP_MS,
              },
            },
          },
        });
        knex = await (await service).getClient();
        await knex.raw('select 1');
      });

      /** What the plugin's connections do, as the server sees them. */
      const activity = async () => {
        const pids = await server.query(
          `select state, query from pg_stat_activity where usename = 'backstage'`,
        );
        return {
          active: pids.filter(({ state }) => state !== 'idle').length,
          all: pids.length,
        };
      };
      const collected = () => backend.metrics.collect();
      let past: Record<string, number>;
      const since = async () => {
        const now = counts(await collected());
        return Object.fromEntries(
          Object.entries(now).map(([name, value]) => [
            name,
            value - past[name],
          ]),
        );
      };
      beforeEach(async () => {
        past = counts(await collected());
      });

      test('agree with pg_stat_activity while the pool is exhausted', async () => {
        // A query of Knex begins when it is waited for.
        const slow = Promise.all(
          Array.from({ length: LIMIT }, async () => {
            await knex.raw('select pg_sleep(6)');
          }),
        );
        await eventually(async () =>
          assert.equal((await activity()).active, LIMIT),
        );
        const refused = Promise.all(
          Array.from({ length: WAITING }, () =>
            assert.rejects(async () => {
              await knex.raw('select 1');
            }, /Timeout acquiring a connection/),
          ),
        );
        assert.deepEqual(pool(await collected()), {
          active: LIMIT,
          idle: 0,
          pending: WAITING,
          limit: LIMIT,
        });
        await refused;
        await slow;
        assert.deepEqual(await since(), {
          acquired: LIMIT,
          timeout: WAITING,
          error: 0,
        });
        const { active, idle } = pool(await collected());
        assert.deepEqual({ active, idle }, { active: 0, idle: LIMIT });
        assert.equal((await activity()).active, 0);
      });

      test('count what the limit of the role refuses', async () => {
        await server.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'backstage'`,
        );
        await server.query('alter role backstage connection limit 1');
        const results = await Promise.allSettled(
          Array.from({ length: LIMIT }, () => knex.raw('select pg_sleep(1)')),
        );
        await server.query('alter role backstage connection limit -1');
        const failed = results.filter(({ status }) => status === 'rejected');
        assert.ok(failed.length > 0);
        for (const { reason } of failed as PromiseRejectedResult[]) {
          assert.match(String(reason), /too many connections for role/);
        }
        assert.deepEqual(await since(), {
          acquired: LIMIT - failed.length,
          timeout: 0,
          error: failed.length,
        });
      });

      test('tell of a server that has stopped, and of its return', async () => {
        await knex.raw('select 1');
        await server.stop();
        for (let n = 0; n < 3; n++) {
          await assert.rejects(knex.raw('select 1'));
        }
        const { error, timeout, acquired } = await since();
        assert.deepEqual(
          { error, timeout, acquired },
          {
            error: 3,
            timeout: 0,
            acquired: 1,
          },
        );
        const { active, idle, pending } = pool(await collected());
        assert.deepEqual(
          { active, idle, pending },
          {
            active: 0,
            idle: 0,
            pending: 0,
          },
        );
        await server.start();
        await knex.raw('select 1');
        assert.deepEqual(await since(), { error: 3, timeout: 0, acquired: 2 });
        assert.equal((await activity()).all, pool(await collected()).idle);
      });
    },
  );
}

/** What the gauges say of the plugin's pool. */
function pool(collection: TestCollection): Record<string, number> {
  return Object.fromEntries(
    ['active', 'idle', 'pending', 'limit'].map(name => [
      name,
      collection.value(`${CONNECTIONS}.${name}`, { plugin: 'orders' })!,
    ]),
  );
}

/** Requests for a connection of the plugin, by what came of them. */
function counts(collection: TestCollection): Record<string, number> {
  const plugin = { plugin: 'orders' };
  const failures = (result: string) =>
    collection.value(`${CONNECTIONS}.failures.total`, { ...plugin, result })!;
  return {
    acquired: collection.point(`${CONNECTIONS}.acquire.duration`, plugin)!
      .count!,
    timeout: failures('timeout'),
    error: failures('error'),
  };
}
