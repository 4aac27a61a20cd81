import assert from 'node:assert/strict';
import { it } from 'node:test';
import type {
  AlertsResult,
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Prometheus } from '../support/Prometheus';
import { prometheusRouter } from '../support/prometheusRouter';
import { prometheus, without } from '../support/tools';
import { json, UpstreamServer } from '../support/UpstreamServer';

const T0 = 1_767_225_600;
const RANGE = { start: T0, end: T0 + 600, step: 60 };
const ANNOTATIONS = {
  'prometheus.io/rule': 'server',
  'prometheus.io/alert': 'all',
};

const samples = (value: number) =>
  `# TYPE server gauge\n${[0, 300, 600].map(at => `server ${value} ${T0 + at}`).join('\n')}\n# EOF\n`;

async function ask<T>(url: string, body?: object): Promise<T> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return (await response.json()) as T;
}

it(
  'a module computes where the servers of an entity are, whatever the configuration has',
  { skip: without(prometheus(3).server, prometheus(3).promtool) },
  async t => {
    const servers = await Promise.all(
      [1, 2].map(value =>
        Prometheus.serve(t, {
          openmetrics: samples(value),
          groups: [
            {
              name: 'a',
              rules: [{ alert: `Of${value}`, expr: 'vector(1)' }],
            },
          ],
        }),
      ),
    );
    const asked: unknown[] = [];
    const shop = await prometheusRouter(t, {
      prometheus: {},
      annotations: {
        ...ANNOTATIONS,
        'prometheus.io/service-name': 'team-1, team-2',
      },
      chooseInstance: ({ entity, preferred, names }) => {
        asked.push([entity.metadata.name, preferred, names]);
        const { url } = servers[Number(preferred.slice(-1)) - 1];
        return { name: preferred, url, uiUrl: `https://${preferred}.example` };
      },
    });
    const { panels } = await ask<EntityPanels>(`${shop}/panels`);
    assert.deepEqual(
      panels.map(({ instance, uiUrl }) => [instance, uiUrl]),
      [
        ['team-1', 'https://team-1.example/'],
        ['team-2', 'https://team-2.example/'],
      ],
    );
    assert.deepEqual(asked, [
      ['shop', 'team-1', []],
      ['shop', 'team-2', []],
    ]);
    const drawn = await Promise.all(
      panels.map(({ id }) =>
        ask<RangeResult>(`${shop}/panels/${id}/range`, RANGE),
      ),
    );
    assert.deepEqual(
      drawn.map(({ series }) => series[0].values[0]),
      [1, 2],
    );
    const { alerts } = await ask<AlertsResult>(`${shop}/alerts`);
    assert.deepEqual(
      // In the order in which they began, and each server evaluates in its own time.
      alerts.map(({ name, instance }) => [name, instance]).sort(),
      [
        ['Of1', 'team-1'],
        ['Of2', 'team-2'],
      ],
    );
  },
);

it('what a module computes wrongly is said without what is secret', async t => {
  const shop = await prometheusRouter(t, {
    prometheus: {},
    annotations: ANNOTATIONS,
    chooseInstance: () => ({ name: 'a', url: 'http://user:hunter2@b' }),
  });
  const { error } = await ask<{ error: { message: string } }>(`${shop}/panels`);
  assert.equal(
    error.message,
    'the chosen instance.url has credentials in it; they belong under auth',
  );
});

it('answers of one address are not those of another of the same name', async t => {
  const servers = await Promise.all(
    ['1', '2'].map(value =>
      UpstreamServer.start(t, (_, response) =>
        json(response, {
          data: {
            resultType: 'matrix',
            result: [{ metric: {}, values: [[T0, value]] }],
          },
        }),
      ),
    ),
  );
  let turn = 0;
  const shop = await prometheusRouter(t, {
    prometheus: {},
    annotations: ANNOTATIONS,
    chooseInstance: () => ({ name: 'a', url: servers[turn].url }),
  });
  const [{ id }] = (await ask<EntityPanels>(`${shop}/panels`)).panels;
  for (turn of [0, 1, 0]) {
    const { series } = await ask<RangeResult>(
      `${shop}/panels/${id}/range`,
      RANGE,
    );
    assert.equal(series[0].values[0], turn + 1);
  }
});

it('a module signs every request', async t => {
  const server = await UpstreamServer.start(t, ({ url }, response) =>
    json(
      response,
      url.includes('/rules')
        ? { data: { groups: [] } }
        : { data: { resultType: 'matrix', result: [] } },
    ),
  );
  const shop = await prometheusRouter(t, {
    prometheus: { instances: [{ name: 'default', url: server.url }] },
    annotations: { ...ANNOTATIONS, 'prometheus.io/rule': 'up_seconds' },
    signRequest: ({ method, url }) => ({
      'x-signed': `${method} ${url.pathname}`,
    }),
  });
  const [{ id }] = (await ask<EntityPanels>(`${shop}/panels`)).panels;
  await ask(`${shop}/panels/${id}/range`, RANGE);
  await ask(`${shop}/alerts`);
  assert.deepEqual(
    server.asked.map(({ headers }) => headers['x-signed']),
    ['POST /api/v1/query_range', 'GET /api/v1/rules'],
  );
});
