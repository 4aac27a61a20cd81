import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createBackend } from '@backstage/backend-defaults';
import {
  type BackendFeature,
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  type RootLoggerService,
  type ServiceRef,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import type { Attributes } from '@opentelemetry/api';
import metricsFeature from '@nativestage/metrics';
import {
  createTestMetrics,
  type TestCollection,
  type TestMetrics,
} from '@nativestage/metrics/testing';
import { Pool } from 'tarn';
import { freePort } from '../../support/ports';

/** Backstage then leaves out its timers. */
process.env.NODE_ENV = 'test';

/** Backends leave SQLite's pools open, and a pool's timer would keep the test alive. */
const pool = Pool.prototype as unknown as {
  interval: NodeJS.Timeout | null;
  _startReaping: (this: typeof pool) => void;
};
const startReaping = pool._startReaping;
pool._startReaping = function () {
  startReaping.call(this);
  this.interval?.unref();
};

export interface RunningBackend {
  url: string;
  metrics: TestMetrics;
  stop: () => Promise<void>;
}

export interface BackendOptions {
  /** `backend.metrics.core`. */
  core?: JsonObject;
  /** Further keys of `backend`. */
  backend?: JsonObject;
  features: BackendFeature[];
  /** Instead of metrics of its own. */
  metrics?: TestMetrics;
  /** Gets what the backend logs. */
  onLog?: (message: string) => void;
}

/** Runs a backend in this process, with metrics in memory. */
export async function startBackend(
  t: Pick<TestContext, 'after'>,
  options: BackendOptions,
): Promise<RunningBackend> {
  const metrics = options.metrics ?? createTestMetrics();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const backend = createBackend();
  backend.add(
    createServiceFactory({
      service: coreServices.rootConfig,
      deps: {},
      factory: () =>
        new ConfigReader({
          app: { baseUrl: url },
          backend: {
            baseUrl: url,
            listen: { host: '127.0.0.1', port },
            auth: { dangerouslyDisableDefaultAuthPolicy: true },
            metrics: { core: options.core ?? {} },
            ...options.backend,
          },
        }),
    }),
  );
  backend.add(
    createServiceFactory({
      service: coreServices.rootLogger,
      deps: {},
      factory: () => loggerTo(options.onLog ?? (() => {})),
    }),
  );
  backend.add(metricsFeature);
  for (const feature of [...metrics.factories, ...options.features]) {
    backend.add(feature);
  }
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= backend.stop());
  t.after(async () => {
    await stop();
    if (!options.metrics) {
      await metrics.shutdown();
    }
  });
  await backend.start();
  return { url, metrics, stop };
}

/** A plugin that gives its service to the test. */
export function pluginWith<S>(
  pluginId: string,
  service: ServiceRef<S, 'plugin'>,
): { feature: BackendFeature; service: Promise<S> } {
  let give: (instance: S) => void;
  const promise = new Promise<S>(resolve => {
    give = resolve;
  });
  const feature = createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { instance: service },
        init: ({ instance }) => {
          give(instance as S);
          return Promise.resolve();
        },
      });
    },
  });
  return { feature, service: promise };
}

/** Serves until the test ends. */
export async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The values of a sum, or the counts of a histogram, by attributes written as JSON in one order. */
export function valuesOf(
  collection: TestCollection,
  name: string,
): Record<string, number> {
  return Object.fromEntries(
    (collection.metric(name)?.points ?? [])
      .map(({ attributes, value, count }): [string, number] => [
        keyOf(attributes),
        value ?? count ?? NaN,
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Counts by attributes: the test's own account of what happened. */
export class Tally {
  private readonly counts: Record<string, number> = {};

  add(attributes: Attributes, count = 1): void {
    const key = keyOf(attributes);
    this.counts[key] = (this.counts[key] ?? 0) + count;
  }

  equals(found: Record<string, number>): void {
    assert.deepEqual(found, this.counts);
  }
}

export function keyOf(attributes: Attributes): string {
  return JSON.stringify(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function loggerTo(write: (message: string) => void): RootLoggerService {
  const logger: RootLoggerService = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    child: () => logger,
  };
  return logger;
}
