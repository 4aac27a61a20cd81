import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsServiceRef as upstreamRef } from '@backstage/backend-plugin-api/alpha';
import { createSpecializedBackend } from '@backstage/backend-app-api';
import { lifecycleServiceFactory } from '@backstage/backend-defaults/lifecycle';
import { loggerServiceFactory } from '@backstage/backend-defaults/logger';
import { rootLifecycleServiceFactory } from '@backstage/backend-defaults/rootLifecycle';
import {
  type BackendFeature,
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  type RootLoggerService,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import metricsFeature from '@nativestage/metrics';
import { setLogger } from '@nativestage/metrics/sdk';
import { createTestMetrics } from '@nativestage/metrics/testing';
import { diag } from '@opentelemetry/api';

const PLUGIN_IDS = [
  'orders',
  'Orders2',
  'a.b',
  'a b',
  'a_b',
  'ü',
  '2nd',
  'a/b',
  'x'.repeat(300),
];

/** A plugin that counts in the two ways that a plugin can; `createBackendPlugin` refuses its id. */
function pluginOf(pluginId: string): BackendFeature {
  const feature = createBackendPlugin({
    pluginId: 'any',
    register(env) {
      env.registerInit({
        deps: { metrics: upstreamRef },
        init({ metrics }) {
          metrics.createCounter('things.made').add(1);
          metrics.createCounter('made things').add(1);
          metrics.createCounter('made_things').add(1);
          return Promise.resolve();
        },
      });
    },
  }) as BackendFeature & { getRegistrations(): object[] };
  return {
    ...feature,
    getRegistrations: () =>
      feature.getRegistrations().map(one => ({ ...one, pluginId })),
  } as BackendFeature;
}

test('a plugin starts whatever its id, and what is mended in it is said once', async t => {
  const metrics = createTestMetrics();
  t.after(() => metrics.shutdown());
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  const logger: RootLoggerService = {
    debug: () => {},
    info: () => {},
    warn: note,
    error: note,
    child: () => logger,
  };
  setLogger(logger);
  t.after(() => setLogger(diag));
  const core = Object.fromEntries(
    ['http', 'database', 'cache', 'scheduler', 'events', 'runtime'].map(
      domain => [domain, false],
    ),
  );
  // Without services that refuse such ids themselves, as the database's configuration does.
  const backend = createSpecializedBackend({
    defaultServiceFactories: [
      lifecycleServiceFactory,
      loggerServiceFactory,
      rootLifecycleServiceFactory,
      createServiceFactory({
        service: coreServices.rootLogger,
        deps: {},
        factory: () => logger,
      }),
      createServiceFactory({
        service: coreServices.rootConfig,
        deps: {},
        factory: () => new ConfigReader({ backend: { metrics: { core } } }),
      }),
    ],
  });
  backend.add(metricsFeature);
  // The root service alone: of a plugin's service the feature's own factory is tried.
  backend.add(metrics.factories[0]);
  PLUGIN_IDS.map(pluginOf).forEach(feature => backend.add(feature));
  t.after(() => backend.stop());
  await backend.start();
  const collection = await metrics.collect();
  const values = collection.metrics
    .filter(({ name }) => name.includes('.plugin.'))
    .map(({ name, scope, points }) => [scope.name, name, points[0].value]);
  const expected = [
    ['orders', 'orders'],
    ['Orders2', 'Orders2'],
    ['a.b', 'a_b'],
    ['a b', 'a_b'],
    ['a_b', 'a_b'],
    ['ü', '_'],
    ['2nd', '2nd'],
    ['a/b', 'a_b'],
  ].flatMap(([id, segment]) => [
    [`backstage-plugin-${id}`, `backstage.plugin.${segment}.things.made`, 1],
    [`backstage-plugin-${id}`, `backstage.plugin.${segment}.made.things`, 2],
  ]);
  assert.deepEqual(values.sort(), expected.sort());

  const said = (pattern: RegExp) =>
    messages.filter(message => pattern.test(message)).length;
  for (const [id, segment] of [
    ['a\\.b', 'a_b'],
    ['a b', 'a_b'],
    ['a\\/b', 'a_b'],
    ['ü', '_'],
  ]) {
    const pattern = `invalid plugin id "${id}": .* exported as those of "${segment}"`;
    assert.equal(said(new RegExp(pattern)), 1, messages.join('\n'));
  }
  assert.equal(said(/the plugins "\S+" and ".+" have the same names/), 3);
  assert.equal(said(/the plugins .*orders/i), 0);
  assert.ok(said(/"made.things" and "made.things" are one metric/) >= 8);
  const long = messages.filter(message =>
    /at most 255 are allowed/.test(message),
  );
  assert.equal(long.length, 3);
  assert.ok(long.every(message => message.length < 1000));
});
