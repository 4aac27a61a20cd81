import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { eventsServiceRef } from '@backstage/plugin-events-node';
import { backend, ready } from '../../support/backend';
import { freePort } from '../../support/ports';
import { runNode } from '../../support/Program';
import { startBackend } from './support';

const DOMAINS = [
  'http',
  'database',
  'cache',
  'scheduler',
  'events',
  'runtime',
] as const;

/** Uses all of it once. */
const everything = createBackendPlugin({
  pluginId: 'everything',
  register(env) {
    env.registerInit({
      deps: {
        database: coreServices.database,
        cache: coreServices.cache,
        scheduler: coreServices.scheduler,
        events: eventsServiceRef,
      },
      async init({ database, cache, scheduler, events }) {
        await (await database.getClient()).raw('select 1');
        await cache.get('nothing');
        await events.publish({ topic: 'started', eventPayload: {} });
        await scheduler.scheduleTask({
          id: 'task',
          scope: 'local',
          frequency: { hours: 1 },
          timeout: { hours: 1 },
          fn: () => {},
        });
      },
    });
  },
});

/** The domains that a backend has metrics of. */
async function domainsOf(
  ...[t, options]: Parameters<typeof startBackend>
): Promise<string[]> {
  const { url, metrics } = await startBackend(t, options);
  await fetch(url);
  const { metrics: found } = await metrics.collect();
  const domains = found
    .map(({ name }) => /^backstage\.core\.(\w+)/.exec(name)?.[1])
    .filter(domain => domain !== undefined);
  return [...new Set(domains)].sort();
}

describe('core metrics', () => {
  test('are all there by default', async t => {
    const domains = await domainsOf(t, { features: [everything] });
    assert.deepEqual(domains, [...DOMAINS].sort());
  });

  for (const domain of DOMAINS) {
    test(`are without ${domain} when it is switched off`, async t => {
      const rest = DOMAINS.filter(other => other !== domain).sort();
      const features = [everything];
      assert.deepEqual(
        await domainsOf(t, { features, core: { [domain]: false } }),
        rest,
      );
      // As a variable in app-config gives it.
      const core = {
        [domain]: 'false',
        http: domain === 'http' ? 'false' : 'true',
      };
      assert.deepEqual(await domainsOf(t, { features, core }), rest);
    });
  }

  test('are on the page of a backend', async t => {
    const port = await freePort();
    const started = await backend(t, { exporters: { prometheus: { port } } }, [
      'orders',
    ]);
    await ready(started);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    const page = await response.text();
    assert.match(
      page,
      /^backstage_core_http_requests_total\{.*http_route="\/\.backstage\/health\/v1\/readiness".*\} \d+$/m,
    );
    assert.match(
      page,
      /^backstage_core_http_requests_duration_seconds_bucket/m,
    );
    assert.match(
      page,
      /^backstage_core_runtime_process_cpu_time_seconds_total/m,
    );
    await started.program.stop('SIGTERM');
    assert.equal((await started.program.ending).code, 0);
  });

  for (const [how, env] of [
    ['with', {}],
    ['without', { NAPI_RS_NATIVE_LIBRARY_PATH: '/not/there.node' }],
  ] as [string, Record<string, string>][]) {
    test(`let a backend start that has no such services, and end by itself, ${how} the addon`, async t => {
      const ending = await runNode(t, 'backstage/bare.cjs', { env });
      assert.equal(ending.code, 0, ending.stdout + ending.stderr);
      assert.match(ending.stdout, /^started$/m);
      assert.doesNotMatch(ending.stdout, /not measured/);
      const loaded = !ending.stderr.includes('cannot be loaded');
      assert.equal(loaded, how === 'with', ending.stderr);
    });
  }
});
