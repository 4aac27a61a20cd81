import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alignRange,
  chooseStep,
  parseRules,
  toAlerts,
} from '@nativestage/backstage-plugin-prometheus-common';
import { eventually } from '../../../../__test__/support/eventually';
import { Prometheus } from '../../../../__test__/support/Prometheus';
import {
  clientOf,
  querierOf,
} from '../../../../__test__/support/prometheusClients';
import { prometheus, without } from '../../../../__test__/support/tools';

const skip = without(prometheus(3).server, prometheus(3).promtool);

/** Two days with a midnight each, a sample a minute. */
const START = Date.UTC(2026, 0, 1) / 1000;
const MINUTES = 2 * 24 * 60;
const RANGE = { start: START, end: START + 600, step: 60 };

/** By minute. The odd series has a sample for each kind of value that is none. */
const SERIES: Record<string, (minute: number) => number | string> = {
  'requests{code="200",method="get"}': minute => minute,
  'requests{code="200",method="post"}': minute => minute / 8,
  'requests{code="500",method="get"}': () => 0,
  'odd{kind="mixed"}': minute => [1, 'NaN', '+Inf', '-Inf', 0.25][minute % 5],
};

function samples(): string {
  return [
    ...Object.entries(SERIES).flatMap(([series, value]) =>
      Array.from(
        { length: MINUTES },
        (_, minute) => `${series} ${value(minute)} ${START + minute * 60}`,
      ),
    ),
    '# EOF\n',
  ].join('\n');
}

const annotations = {
  summary: 'It is one',
  runbook_url: 'https://runbooks.example.com/one',
};
const rule = (alert: string, expr: string, more = {}) => ({
  alert,
  expr,
  labels: { team: 'a' },
  annotations,
  ...more,
});
const GROUPS = [
  {
    name: 'alerts',
    rules: [
      rule('Quiet', 'vector(0) > 1'),
      rule('Waiting', 'vector(2)', { for: '1h' }),
      rule('Burning', 'vector(1.5)'),
      rule('Odd', 'vector(NaN)', {
        annotations: { runbook_url: 'javascript:alert(1)' },
      }),
      { record: 'recorded', expr: 'vector(1)' },
    ],
  },
];

test('Prometheus 3', { skip }, async t => {
  const server = await Prometheus.serve(t, {
    openmetrics: samples(),
    groups: GROUPS,
    limit: 300_000,
  });
  const client = clientOf(t, server.url);

  await t.test(
    'takes queries with signs that mean something in a URL',
    async () => {
      const { series } = await client.queryRange(
        'requests{code="200",method=~".+"} + requests{code="200"} * 0',
        RANGE,
      );
      assert.equal(series.length, 2);
    },
  );

  await t.test(
    'draws every query of an annotation with commas and bars',
    async () => {
      const panels = parseRules(
        'sum by (code,method) (requests)|code, requests{code="200",method=~"get|post"}|method',
      );
      const found = await Promise.all(
        panels.map(({ query }) => client.queryRange(query, RANGE)),
      );
      assert.deepEqual(
        found.map(({ series }) => series.length),
        [3, 2],
      );
    },
  );

  await t.test(
    'has real timestamps over midnight and beyond a day',
    async () => {
      const range = { start: START, end: START + (MINUTES - 1) * 60, step: 60 };
      const { timestamps, series } = await client.queryRange(
        'requests{code="200",method="get"}',
        range,
      );
      assert.equal(timestamps.length, MINUTES);
      assert.deepEqual(
        timestamps
          .slice(1439, 1442)
          .map(at => new Date(at * 1000).toISOString()),
        [
          '2026-01-01T23:59:00.000Z',
          '2026-01-02T00:00:00.000Z',
          '2026-01-02T00:01:00.000Z',
        ],
      );
      assert.deepEqual(
        series[0].values,
        Array.from({ length: MINUTES }, (_, minute) => minute),
      );
    },
  );

  await t.test('keeps series apart that share a label', async () => {
    const { series } = await client.queryRange('requests{code="200"}', RANGE);
    assert.deepEqual(
      series.map(({ labels, values }) => [
        labels.code,
        labels.method,
        values[8],
      ]),
      [
        ['200', 'get', 8],
        ['200', 'post', 1],
      ],
    );
  });

  await t.test('has results without labels, and zeros', async () => {
    const sum = await client.queryRange('sum(requests)', RANGE);
    assert.deepEqual(sum.series[0].labels, {});
    assert.equal(sum.series[0].values[8], 9);
    const zeros = await client.queryRange('requests{code="500"}', RANGE);
    assert.deepEqual(zeros.series[0].values, Array(11).fill(0));
  });

  await t.test(
    'has gaps for NaN, infinities and what is not there',
    async () => {
      const { series } = await client.queryRange('odd', RANGE);
      const round = [1, null, null, null, 0.25];
      assert.deepEqual(series[0].values, [...round, ...round, 1]);
      const late = { start: START - 120, end: START + 60, step: 60 };
      const { series: early } = await client.queryRange('odd', late);
      assert.deepEqual(early[0].values, [null, null, 1, null]);
    },
  );

  await t.test(
    'says in the server’s words what a fixed step costs, and a chosen one works',
    async () => {
      const range = { start: START, end: START + 43 * 3600 };
      await assert.rejects(
        client.queryRange('odd', alignRange({ ...range, step: 14 })),
        {
          name: 'InputError',
          message:
            /Prometheus refused the query: exceeded maximum resolution of 11,000 points/,
        },
      );
      const step = chooseStep({ ...range, maxPoints: 800 });
      const { timestamps } = await client.queryRange(
        'requests',
        alignRange({ ...range, step }),
      );
      assert.ok(timestamps.length > 200 && timestamps.length <= 800);
    },
  );

  await t.test('passes on what is wrong with a query, and where', async () => {
    await assert.rejects(client.queryRange('sum(requests', RANGE), {
      name: 'InputError',
      message: /1:13: parse error: unclosed left parenthesis/,
    });
    await assert.rejects(
      client.queryRange('requests + on(code) requests', RANGE),
      {
        name: 'InputError',
        message: /could not execute the query: .*many-to-many|duplicate series/,
      },
    );
  });

  await t.test('passes on warnings and infos', async () => {
    const rated = await client.queryRange('rate(requests[5m])', RANGE);
    assert.match(rated.infos.join(), /might not be a counter/);
    const { warnings } = await client.query('histogram_quantile(2, vector(1))');
    assert.match(warnings.join(), /quantile value should be between 0 and 1/);
  });

  await t.test('leaves surplus series out, and says so', async () => {
    const narrow = clientOf(t, server.url, { maxSeries: 1 });
    const { series, truncated, warnings } = await narrow.queryRange(
      'requests',
      RANGE,
    );
    assert.equal(series.length, 1);
    assert.deepEqual(truncated, { shown: 1, received: 2 });
    assert.deepEqual(warnings, []);
    const instant = await narrow.query('requests', { time: START });
    assert.equal(instant.samples.length, 1);
    assert.ok(instant.truncated);
  });

  await t.test('answers instant queries, scalars too', async () => {
    assert.deepEqual(
      await client.query('requests{code="200",method="get"}', {
        time: START + 60,
      }),
      {
        samples: [
          {
            labels: { __name__: 'requests', code: '200', method: 'get' },
            value: 1,
            timestamp: START + 60,
          },
        ],
        warnings: [],
        infos: [],
      },
    );
    const { samples: scalars } = await client.query('1 / 0', { time: 5 });
    assert.deepEqual(scalars, [{ labels: {}, value: null, timestamp: 5 }]);
    await assert.rejects(client.query('requests[5m]'), /gives a matrix/);
    await assert.rejects(client.query('"text"'), /gives a string/);
  });

  await t.test('has firing, pending and inactive alerts at once', async () => {
    const alerts = await eventually(async () => {
      const found = toAlerts((await client.rules()).groups, { names: 'all' });
      assert.deepEqual(
        found.map(({ name, state }) => [name, state]),
        [
          ['Burning', 'firing'],
          ['Odd', 'firing'],
          ['Waiting', 'pending'],
          ['Quiet', 'inactive'],
        ],
      );
      return found;
    });
    const [burning, odd, waiting, quiet] = alerts;
    assert.equal(burning.value, 1.5);
    assert.deepEqual(burning.labels, { alertname: 'Burning', team: 'a' });
    assert.equal(burning.annotations.summary, 'It is one');
    assert.equal(burning.runbookUrl, 'https://runbooks.example.com/one');
    assert.ok(Date.parse(burning.activeAt!) > Date.now() - 60_000);
    assert.ok(Date.parse(burning.lastEvaluation!) > Date.now() - 60_000);
    assert.equal(odd.value, undefined);
    assert.equal(odd.runbookUrl, undefined);
    assert.equal(waiting.duration, 3600);
    assert.deepEqual([quiet.value, quiet.activeAt], [undefined, undefined]);
  });

  await t.test('filters alerts by name and label', async () => {
    const { groups } = await client.rules();
    const names = (filter: Parameters<typeof toAlerts>[1]) =>
      toAlerts(groups, filter).map(({ name }) => name);
    assert.deepEqual(names({ names: ['Quiet', 'Nope'] }), ['Quiet']);
    assert.equal(
      names({ names: 'all', labels: [{ label: 'team', value: 'a' }] }).length,
      4,
    );
    assert.deepEqual(
      names({ names: 'all', labels: [{ label: 'team', value: 'b' }] }),
      [],
    );
  });

  await t.test(
    'has neither metadata nor exemplars of what it was not told',
    async () => {
      assert.deepEqual(await client.metadata('nothing'), []);
      assert.deepEqual(await client.exemplars('requests', RANGE), []);
    },
  );

  await t.test(
    'serves the entity that an enforced label stands for, and no other',
    async () => {
      const querier = querierOf(t, {
        instances: [
          {
            name: 'prod',
            url: `${server.url}/api/v1/`,
            enforceLabels: { method: '${{ entity.metadata.name }}' },
          },
        ],
      });
      const instance = querier.instances.get('prod');
      const entity = {
        apiVersion: 'v1',
        kind: 'Component',
        metadata: { name: 'post' },
      };
      const ask = async (query: string) => {
        const { series } = await querier.queryRange({
          ...RANGE,
          instance: 'prod',
          user: 'user:default/a',
          query: instance.enforce(query, entity),
        });
        return series.map(({ labels }) => labels.method);
      };
      assert.deepEqual(await ask('requests'), ['post']);
      assert.deepEqual(await ask('requests{method="get"}'), []);
      assert.deepEqual(await ask('requests or {__name__=~".+"}'), ['post']);
      assert.throws(() => instance.enforce('info(requests)', entity), /info/);
    },
  );
});
