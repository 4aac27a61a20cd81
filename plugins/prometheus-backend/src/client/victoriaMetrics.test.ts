import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { toAlerts } from '@nativestage/backstage-plugin-prometheus-common';
import { eventually } from '../../../../__test__/support/eventually';
import { clientOf } from '../../../../__test__/support/prometheusClients';
import {
  replay,
  START,
  startServers,
} from '../../../../__test__/support/recordings';
import {
  ALERTMANAGER,
  VICTORIA_METRICS,
  VMALERT,
  without,
} from '../../../../__test__/support/tools';
import type { PrometheusClient } from './PrometheusClient';

const RANGE = { start: START, end: START + 300, step: 60 };
const AT = { time: START + 60 };

test('VictoriaMetrics and vmalert, as they were recorded', async t => {
  const [victoria, vmalert] = await Promise.all([
    replay(t, 'victoria-metrics'),
    replay(t, 'vmalert'),
  ]);
  await check(t, victoria.url, vmalert.url);
});

test(
  'VictoriaMetrics and vmalert, as they are',
  { skip: without(VICTORIA_METRICS, VMALERT, ALERTMANAGER.server) },
  async t => {
    const urls = await startServers(t);
    await check(t, urls['victoria-metrics'], urls.vmalert);

    await t.test('say of a long query what is wrong with it', async () => {
      const long = `sum(requests{code=~"${'4..|'.repeat(1000)}5.."} nonsense)`;
      await assert.rejects(
        clientOf(t, urls['victoria-metrics']).queryRange(long, RANGE),
        /refused the query: .*….*unexpected token "nonsense"/,
      );
    });
  },
);

async function check(
  t: TestContext,
  victoria: string,
  vmalert: string,
): Promise<void> {
  const client = clientOf(t, victoria, {}, { rulesUrl: vmalert });

  await t.test('have values, zeros and gaps on the grid', async () => {
    const { series, warnings, infos } = await client.queryRange(
      'requests',
      RANGE,
    );
    assert.deepEqual(
      series.map(({ labels, values }) => [labels.code, labels.method, values]),
      [
        ['200', 'get', [0, 1, 2, 3, 4, 5]],
        ['200', 'post', [0, 0.125, 0.25, 0.375, 0.5, 0.625]],
        ['500', 'get', [0, 0, 0, 0, 0, 0]],
      ],
    );
    assert.deepEqual([warnings, infos], [[], []]);
    const odd = await client.queryRange('odd', RANGE);
    // A NaN that is stored is no sample to it, and the one before goes on.
    assert.deepEqual(odd.series[0].values, [1, 1, null, null, 0.25, 1]);
  });

  await t.test(
    'have more series than asked for, which are left out',
    async () => {
      const narrow = clientOf(t, victoria, { maxSeries: 2 });
      const { series, truncated } = await narrow.queryRange('requests', RANGE);
      assert.equal(series.length, 2);
      assert.deepEqual(truncated, { shown: 2, received: 3 });
    },
  );

  await t.test('have values of a moment; a scalar is a vector', async () => {
    const { samples } = await client.query('requests', AT);
    assert.deepEqual(
      samples.map(({ value, timestamp }) => [value, timestamp]),
      [
        [1, AT.time],
        [0.125, AT.time],
        [0, AT.time],
      ],
    );
    const scalar = await client.query('1', AT);
    assert.deepEqual(scalar.samples, [
      { labels: {}, value: 1, timestamp: AT.time },
    ]);
    assert.deepEqual((await client.query('"text"', AT)).samples, []);
    await assert.rejects(client.query('requests[5m]', AT), {
      name: 'InputError',
      message: /gives a matrix/,
    });
  });

  await t.test('know no metadata and no exemplars', async () => {
    assert.deepEqual(await client.metadata('requests'), []);
    assert.deepEqual(await client.exemplars('requests', RANGE), []);
  });

  await t.test('say what is wrong with a query', async () => {
    await assert.rejects(client.queryRange('sum(requests', RANGE), {
      name: 'InputError',
      message: /^Prometheus refused the query: .*unexpected token/,
    });
    await assert.rejects(
      client.query('requests{code="200"} + on(code) requests{code="200"}', AT),
      { name: 'InputError', message: /duplicate time series on the left side/ },
    );
    await assert.rejects(
      client.queryRange('sum(requests)', { ...RANGE, step: 0.001 }),
      { name: 'InputError', message: /too many points for the given step/ },
    );
  });

  await t.test(
    'have alerts at vmalert, and none at VictoriaMetrics',
    async () => {
      const none = (await clientOf(t, victoria, {}).rules()).groups;
      assert.deepEqual(toAlerts(none, { names: 'all' }), []);
      await eventually(async () => checkAlerts(client));
    },
  );

  await t.test('have no queries at vmalert', async () => {
    await assert.rejects(
      clientOf(t, vmalert).query('requests', AT),
      /has no \/api\/v1\/query \(HTTP 400\);/,
    );
  });
}

async function checkAlerts(client: PrometheusClient): Promise<void> {
  const alerts = toAlerts((await client.rules()).groups, { names: 'all' });
  assert.deepEqual(
    alerts.map(({ name, state, value }) => [name, state, value]),
    [
      ['Burning', 'firing', 1.5],
      ['Broken', 'unknown', undefined],
      ['Waiting', 'pending', 2],
      ['Bare', 'inactive', undefined],
      ['Quiet', 'inactive', undefined],
    ],
  );
  const [burning, broken, waiting, bare, quiet] = alerts;
  const own = { team: 'a', severity: 'page' };
  const group = { alertname: 'Burning', alertgroup: 'alerts' };
  assert.deepEqual(burning.labels, { ...group, ...own });
  assert.equal(burning.annotations.summary, 'It is 1.5');
  assert.equal(burning.runbookUrl, 'https://runbooks.example.com/one');
  assert.ok(
    Date.parse(burning.activeAt!) <= Date.parse(burning.lastEvaluation!),
  );
  assert.equal(waiting.duration, 3600);
  assert.deepEqual(quiet.labels, { alertname: 'Quiet', ...own });
  assert.equal(quiet.annotations.summary, 'It is {{ $value }}');
  assert.deepEqual(
    [bare.labels, bare.annotations],
    [{ alertname: 'Bare' }, {}],
  );
  assert.equal(bare.activeAt, undefined);
  assert.match(broken.lastError!, /cannot compile regex/);
  assert.doesNotMatch(broken.lastError!, /127\.0\.0\.1|http:/);
}
