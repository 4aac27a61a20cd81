import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type {
  AlertsResult,
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Alertmanager } from '../support/Alertmanager';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import {
  ALERTMANAGER,
  prometheus,
  VICTORIA_METRICS,
  VMALERT,
  without,
} from '../support/tools';
import { UpstreamServer } from '../support/UpstreamServer';
import { VictoriaMetrics, Vmalert } from '../support/VictoriaMetrics';
import { entityRoute, PortalFixture } from './PortalFixture';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const SERVICE = 'prometheus.io/service-name';
const START = 1_767_225_600;
const RANGE = { start: START, end: START + 300, step: 60 };

const alert = (name: string, expr: string, more = {}) => ({
  alert: name,
  expr,
  labels: { team: 'a' },
  ...more,
});
const GROUPS = [
  {
    name: 'shop',
    rules: [
      alert('Known', 'vector(1)'),
      alert('New', 'vector(1)'),
      alert('Waiting', 'vector(1)', { for: '1h' }),
      alert('Quiet', 'vector(0) > 1'),
    ],
  },
];

const LIMIT = 120_000;

async function alertsOf(
  portal: PortalFixture,
  name: string,
): Promise<AlertsResult> {
  const { status, body } = await portal.ask<AlertsResult>(
    entityRoute(name, 'alerts'),
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function draw(portal: PortalFixture, name: string, range = RANGE) {
  const { body } = await portal.ask<EntityPanels>(entityRoute(name, 'panels'));
  const [{ id }] = body.panels;
  return portal.ask<RangeResult>(
    entityRoute(name, `panels/${id}/range`),
    range,
  );
}

function silencedOf({ alerts }: AlertsResult) {
  return alerts.map(({ name, silenced }) => [name, silenced]);
}

test(
  'a backend beside real servers',
  {
    skip: without(
      prometheus(3).server,
      VICTORIA_METRICS,
      VMALERT,
      ALERTMANAGER.server,
    ),
  },
  async (t: TestContext) => {
    const alertmanager = await Alertmanager.serve(t, { limit: LIMIT });
    const production = await Prometheus.serve(t, {
      groups: GROUPS,
      alertmanager: alertmanager.url,
      limit: LIMIT,
    });
    const victoria = await VictoriaMetrics.serve(
      t,
      [1, 2, 3]
        .map(
          minute =>
            `shop_queue_length{queue="web"} ${minute} ${(START + minute * 60) * 1000}`,
        )
        .join('\n'),
    );
    const vmalert = await Vmalert.serve(t, victoria, GROUPS, alertmanager.url);
    const sends = { alertmanager: { url: alertmanager.url } };
    const all = (service: string) => ({
      annotations: {
        [RULE]: 'default_rollup(shop_queue_length[1m])',
        [ALERT]: 'all',
        [SERVICE]: service,
      },
    });
    const portal = await PortalFixture.start(t, {
      prometheus: {
        instances: [
          { name: 'default', url: production.url, ...sends },
          {
            name: 'victoria',
            url: victoria.url,
            rulesUrl: `${vmalert.url}/vmalert`,
            ...sends,
          },
        ],
      },
      entities: { shop: all('default'), victoria: all('victoria') },
    });
    await alertmanager.silence({ alertname: 'Known' });

    for (const name of ['shop', 'victoria']) {
      await t.test(`says which alerts are silenced: ${name}`, async () => {
        await eventually(async () => {
          const found = await alertsOf(portal, name);
          assert.deepEqual(silencedOf(found), [
            ['Known', true],
            ['New', false],
            ['Waiting', undefined],
            ['Quiet', undefined],
          ]);
          assert.deepEqual(found.warnings, []);
        });
      });
    }

    await t.test('draws MetricsQL from VictoriaMetrics', async () => {
      const { status, body } = await draw(portal, 'victoria');
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body.series, [
        {
          labels: { __name__: 'shop_queue_length', queue: 'web' },
          values: [null, 1, 2, 3, 3, null],
        },
      ]);
    });

    await t.test(
      'shows alerts without an Alertmanager all the same',
      async () => {
        await alertmanager.program.stop();
        await eventually(async () => {
          const { alerts, warnings } = await alertsOf(portal, 'shop');
          assert.deepEqual(
            alerts.map(({ state, silenced }) => [state, silenced]),
            [
              ['firing', undefined],
              ['firing', undefined],
              ['pending', undefined],
              ['inactive', undefined],
            ],
          );
          assert.equal(warnings.length, 1);
          assert.match(
            warnings[0],
            /^It is not known which alerts are silenced: The Alertmanager of the Prometheus instance "default" cannot be reached \(\w+\)$/,
          );
        });
      },
    );
  },
);

test('a backend that is told to stop ends its queries and stops', async t => {
  const server = await UpstreamServer.start(t, ({ url }, response) => {
    if (url.includes('/metadata')) {
      response.end('{"status":"success","data":{}}');
    }
  });
  const portal = await PortalFixture.start(t, {
    prometheus: {
      instances: [{ name: 'default', url: server.url }],
      limits: { timeout: { seconds: 30 } },
    },
    entities: { shop: { annotations: { [RULE]: 'up' } } },
    // In development the server drops every connection first.
    env: { NODE_ENV: 'production' },
  });
  const asked = draw(portal, 'shop');
  await eventually(() =>
    assert.ok(server.asked.some(({ url }) => url.includes('query_range'))),
  );
  const begun = performance.now();
  await portal.program.stop('SIGTERM');
  const took = performance.now() - begun;
  assert.equal((await asked).status, 503);
  assert.equal(server.abandoned, 1);
  assert.ok(took < 5_000, `took ${took} ms`);
});
