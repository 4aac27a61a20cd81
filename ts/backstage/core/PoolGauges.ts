import type { MetricsService } from '../../services/services';
import { harmless } from './decorate';
import { type KnexClient, poolOf, type TarnPool } from './knex';

/** What each gauge says of a pool. */
const READINGS: {
  name: `connections.${string}`;
  description: string;
  unit: string;
  read: (pool: TarnPool) => number;
}[] = [
  {
    name: 'connections.active',
    description: 'Connections in use',
    unit: '{connection}',
    read: pool => pool.numUsed(),
  },
  {
    name: 'connections.idle',
    description: 'Connections that wait for use',
    unit: '{connection}',
    read: pool => pool.numFree(),
  },
  {
    name: 'connections.pending',
    description: 'Requests that wait for a connection',
    unit: '{request}',
    read: pool => pool.numPendingAcquires(),
  },
  {
    name: 'connections.limit',
    description: 'Connections that there may be',
    unit: '{connection}',
    read: pool => pool.max,
  },
];

interface WatchedClient {
  client: WeakRef<KnexClient>;
  plugin: string;
}

/** The state of connection pools, while their clients are there. */
export class PoolGauges {
  private readonly watched = new Set<WatchedClient>();

  constructor(metrics: MetricsService) {
    const gauges = READINGS.map(({ name, description, unit, read }) => ({
      observable: metrics.createObservableUpDownCounter(name, {
        description,
        unit,
      }),
      read,
    }));
    metrics.addBatchObservableCallback(
      result => {
        for (const [plugin, pools] of this.pools()) {
          for (const { observable, read } of gauges) {
            harmless('backstage.core.database', () => {
              const total = pools.reduce((sum, pool) => sum + read(pool), 0);
              result.observe(observable, total, { plugin });
            });
          }
        }
      },
      gauges.map(({ observable }) => observable),
    );
  }

  add(client: KnexClient, plugin: string): void {
    this.watched.add({ client: new WeakRef(client), plugin });
  }

  private pools(): Map<string, TarnPool[]> {
    const pools = new Map<string, TarnPool[]>();
    for (const entry of this.watched) {
      const client = entry.client.deref();
      const pool = client && poolOf(client);
      if (!pool) {
        this.watched.delete(entry);
        continue;
      }
      pools.set(entry.plugin, [...(pools.get(entry.plugin) ?? []), pool]);
    }
    return pools;
  }
}
