import { performance } from 'node:perf_hooks';
import {
  coreServices,
  type DatabaseService,
} from '@backstage/backend-plugin-api';
import type {
  MetricsCounter,
  MetricsHistogram,
  MetricsService,
} from '../../services/services';
import { decorate, harmless } from './decorate';
import { type KnexClient, type KnexQuery, poolOf, type TarnPool } from './knex';
import { pluginObserver, type ServiceObserver } from './pluginObserver';
import { PoolGauges } from './PoolGauges';
import { QueryTimer } from './QueryTimer';
import { timed } from './timed';

const WHAT = 'backstage.core.database';

/** Of the semantic conventions for `db.client.operation.duration` and the wait for a connection. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** What Knex calls what it does; the queries of its schema builder have no method. */
const OPERATIONS: Record<string, string> = {
  select: 'select',
  first: 'select',
  pluck: 'select',
  columnInfo: 'select',
  insert: 'insert',
  update: 'update',
  del: 'delete',
  truncate: 'truncate',
  raw: 'raw',
};

/** What a plugin gets; an app's own database may give it anything. */
type MaybeKnex = { client?: KnexClient } | undefined;

class DatabaseObserver implements ServiceObserver<DatabaseService> {
  private readonly clients = new WeakSet<KnexClient>();
  private readonly pools: PoolGauges;
  private readonly acquires: MetricsHistogram;
  private readonly failures: MetricsCounter;
  private readonly queries: MetricsHistogram;

  constructor(metrics: MetricsService) {
    this.pools = new PoolGauges(metrics);
    this.acquires = metrics.createHistogram('connections.acquire.duration', {
      description: 'How long it took to get a connection from the pool',
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
    this.failures = metrics.createCounter('connections.failures.total', {
      description:
        'Requests for a connection that got none: given up, or refused by the database',
      unit: '{request}',
    });
    this.queries = metrics.createHistogram('queries.duration', {
      description: 'How long queries took',
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
  }

  /** Opens no connection: nothing happens before the plugin asks for its client. */
  observe(database: DatabaseService, plugin: string): void {
    decorate(WHAT, database, 'getClient', (call, args) =>
      timed(
        WHAT,
        () => call(...args),
        ({ failed, value }) => {
          if (!failed) {
            this.watch((value as MaybeKnex)?.client, plugin);
          }
        },
      ),
    );
  }

  private watch(client: KnexClient | undefined, plugin: string): void {
    if (!client || this.clients.has(client)) {
      return;
    }
    this.clients.add(client);
    this.watchQueries(client, plugin);
    const pool = poolOf(client);
    if (pool) {
      this.pools.add(client, plugin);
      this.watchAcquires(pool, plugin);
    }
  }

  private watchQueries(client: KnexClient, plugin: string): void {
    const timer = new QueryTimer();
    const ended = (query: KnexQuery, result: 'ok' | 'error') =>
      harmless(WHAT, () => {
        const seconds = timer.ended(query);
        if (seconds !== undefined) {
          this.queries.record(seconds, {
            plugin,
            'db.operation.name': OPERATIONS[query.method ?? ''] ?? 'other',
            result,
          });
        }
      });
    // A transaction tells its client as well, so each query is heard of once.
    client.on('query', (query: KnexQuery) =>
      harmless(WHAT, () => timer.started(query)),
    );
    client.on('query-response', (_: unknown, query: KnexQuery) =>
      ended(query, 'ok'),
    );
    client.on('query-error', (_: unknown, query: KnexQuery) =>
      ended(query, 'error'),
    );
  }

  private watchAcquires(pool: TarnPool, plugin: string): void {
    // There from the start, so that the first failure is an increase.
    for (const result of ['timeout', 'error']) {
      this.failures.add(0, { plugin, result });
    }
    // Not bounded: every request ends, after `acquireTimeoutMillis` at the latest.
    const starts = new Map<number, number>();
    const on = (event: string, observe: (id: number, error?: Error) => void) =>
      pool.on(event, (id: number, error?: Error) =>
        harmless(WHAT, () => observe(id, error)),
      );
    on('acquireRequest', id => {
      starts.set(id, performance.now());
    });
    on('acquireSuccess', id => {
      const start = starts.get(id);
      starts.delete(id);
      if (start !== undefined) {
        this.acquires.record((performance.now() - start) / 1000, { plugin });
      }
    });
    on('acquireFail', (id, error) => {
      starts.delete(id);
      // Tarn's errors have no name of their own.
      const isTimeout = error?.constructor?.name === 'TimeoutError';
      const result = isTimeout ? 'timeout' : 'error';
      this.failures.add(1, { plugin, result });
    });
  }
}

/** Metrics of the connections and queries of the clients that plugins get from `coreServices.database`. */
export const databaseMetrics = pluginObserver(
  'database',
  coreServices.database,
  metrics => new DatabaseObserver(metrics),
);
