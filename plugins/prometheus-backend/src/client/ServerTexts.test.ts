import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toAlerts } from '@nativestage/backstage-plugin-prometheus-common';
import {
  clientOf,
  type LoggedLines,
} from '../../../../__test__/support/prometheusClients';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';

const RANGE = { start: 0, end: 60, step: 60 };
const EMPTY = { status: 'success', data: { resultType: 'matrix', result: [] } };

const USER = 'portal';
const PASSWORD = 'hunter2 of=the:portal/';
const TENANT = 'team-rocket';
const BASIC = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
const CONFIG = {
  auth: { type: 'basic', username: USER, password: PASSWORD },
  tenant: TENANT,
};
const SECRETS = [
  PASSWORD,
  encodeURIComponent(PASSWORD),
  BASIC,
  BASIC.replace(/=+$/, ''),
  Buffer.from(PASSWORD).toString('base64'),
  `${USER}:${PASSWORD}`,
  TENANT,
];

type Answer = (url: string) => { status?: number; body: unknown };

/** A client of a server that answers one thing, and what the log has. */
async function saying(
  t: Parameters<typeof clientOf>[0],
  answer: Answer,
  config: Parameters<typeof clientOf>[3] = CONFIG,
) {
  const server: UpstreamServer = await UpstreamServer.start(
    t,
    (_, response) => {
      const { status, body } = answer(server.url);
      if (typeof body === 'string') {
        response.writeHead(status ?? 200).end(body);
      } else {
        json(response, body, status);
      }
    },
  );
  const logged: LoggedLines = [];
  const logger = { warn: (line: string) => void logged.push(line) };
  return {
    client: clientOf(t, server.url, { logger }, config),
    logged,
    server,
  };
}

function refusal(error: string, errorType = 'bad_data') {
  return {
    status: errorType === 'execution' ? 422 : 400,
    body: { status: 'error', errorType, error },
  };
}

/** Texts that are not of a query, by what they would tell. */
const FOREIGN: [what: string, text: string][] = [
  ['a place in braces', 'upstream {host: 10.0.0.1} failed'],
  ['a header', `bad request: Authorization: Basic ${BASIC}`],
  ['a token', 'upstream sent Bearer eyJhbGciOi.x.y'],
  ['a cookie', 'Set-Cookie: session=1'],
  ['a tenant', `X-Scope-OrgID: ${TENANT}`],
  ['an address', 'Post "http://store.example.com/api": refused'],
  ['credentials', 'Get "https://u:p@store.example.com/x": EOF'],
  ['an IP', 'could not read from 10.1.2.3'],
  ['a port', 'receive from store-1.monitoring:10901'],
  ['an IPv6', 'read tcp [fd00::1]:53: i/o timeout'],
  ['a name in a cluster', 'store.monitoring.svc.cluster.local is down'],
  ['a look-up', 'lookup thanos-store: no such host'],
  ['a path', 'open /var/lib/prometheus/wal/00001: no such file'],
  ['a home', 'open ~/prometheus/config.yml'],
  ['a Windows path', 'open C:\\prometheus\\data\\wal'],
  ['a connection', 'dial tcp: connection refused'],
  ['a certificate', 'x509: certificate signed by unknown authority'],
  ['a call', 'rpc error: code = Unavailable desc = closing'],
  ['a remote address', 'remoteAddr: "client"; requestURI: /api'],
];

/** Texts of queries, which stay as they are. */
const OWN: [text: string, query: string][] = [
  ['invalid parameter "query": 1:5: parse error: unexpected "}"', 'up}'],
  [
    'found duplicate series for the match group {instance="10.0.0.1:9100"} on the left hand-side of the operation: [{__name__="up", instance="10.0.0.1:9100", path="/var/log/x"}, {}];many-to-many matching not allowed: matching labels must be unique on one side',
    'up + on(instance) up',
  ],
  [
    'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    'up',
  ],
  [
    '1:29: parse error: unexpected "http://10.0.0.1:9100/metrics"',
    'up{a="b"} "http://10.0.0.1:9100/metrics"',
  ],
  ['error parsing regexp: missing closing ): `^(?:()$`', 'up{a=~"("}'],
  ['1:9: parse error: unexpected /api/v1/', 'sum(up) /api/v1/'],
  [
    'the query exceeded the maximum number of chunks (see https://grafana.com/docs/mimir/#limits)',
    'up',
  ],
];

describe('an error of a server', () => {
  for (const [what, text] of FOREIGN) {
    for (const errorType of ['bad_data', 'execution']) {
      test(`that tells ${what} as ${errorType} is only logged`, async t => {
        const { client, logged } = await saying(t, () =>
          refusal(text, errorType),
        );
        await assert.rejects(client.queryRange('up', RANGE), {
          name: 'InputError',
          message: new RegExp(
            `^Prometheus ${errorType === 'execution' ? 'could not execute' : 'refused'} the query for a reason that is not in the query; the backend’s log says which$`,
          ),
        });
        assert.equal(logged.length, 1);
        assertNoSecrets(logged.join());
      });
    }
  }

  for (const [text, query] of OWN) {
    test(`that is of the query is passed on: ${text.slice(0, 40)}`, async t => {
      const { client, logged } = await saying(t, () => refusal(text));
      await assert.rejects(client.queryRange(query, RANGE), {
        name: 'InputError',
        message: `Prometheus refused the query: ${text}`,
      });
      assert.deepEqual(logged, []);
    });
  }

  for (const [status, body] of [
    [500, { status: 'error', errorType: 'internal', error: 'the text' }],
    [503, { status: 'error', errorType: 'unavailable', error: 'the text' }],
    [503, { status: 'error', errorType: 'timeout', error: 'the text' }],
    [500, { status: 'error', errorType: 'bad_data', error: 'the text' }],
    [400, { status: 'error', errorType: 'not_found', error: 'the text' }],
    [400, { status: 'error', errorType: 'bad_data', error: { a: 'the text' } }],
    [400, { status: 'success', errorType: 'bad_data', error: 'the text' }],
    [400, { message: 'the text', error: 'the text' }],
    [422, '"the text"'],
    [400, '<html>the text</html>'],
    [502, 'the text'],
    [302, 'the text'],
  ] as [number, unknown][]) {
    test(`of HTTP ${status} with ${JSON.stringify(body).slice(0, 70)} is only logged`, async t => {
      const { client, logged } = await saying(t, () => ({ status, body }));
      await assert.rejects(
        client.queryRange('up', RANGE),
        ({ message }: Error) => {
          assert.doesNotMatch(message, /the text/);
          return true;
        },
      );
      assert.match(logged.join(), /the text/);
    });
  }

  test('has no secret in any form that programs print, and no name of the server', async t => {
    const { client } = await saying(t, url => {
      const { host } = new URL(url);
      return refusal(`parse error near ${[...SECRETS, host].join(' , ')} end`);
    });
    await assert.rejects(client.queryRange('up', RANGE), (error: Error) => {
      assertNoSecrets(error.message);
      assert.match(error.message, /^Prometheus refused the query/);
      return true;
    });
  });

  test('keeps its places where the tenant is a number', async t => {
    const { client } = await saying(
      t,
      () => refusal('1:5: parse error: for 1, and 15 or x1'),
      { tenant: '1' },
    );
    await assert.rejects(client.queryRange('up', RANGE), {
      message:
        'Prometheus refused the query: 1:5: parse error: for […], and 15 or x1',
    });
  });

  test('is logged once a minute, on one line, and not without end', async t => {
    const { client, logged } = await saying(t, () => ({
      status: 500,
      body: `a\r\nb ${'long '.repeat(100_000)}`,
    }));
    for (let round = 0; round < 3; round++) {
      await assert.rejects(client.queryRange('up', RANGE));
    }
    assert.equal(logged.length, 1);
    assert.match(logged[0], /"test" answered HTTP 500: "a\\r\\nb long /);
    assert.ok(logged[0].length < 1500);
  });
});

describe('notes of a server', () => {
  const LINK =
    'PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name ""';

  test('of the query keep their links and brackets', async t => {
    const own = [
      LINK,
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "job:up" (1:6)',
    ];
    const { client, logged } = await saying(t, () => ({
      body: { ...EMPTY, infos: own, warnings: own },
    }));
    const result = await client.queryRange('rate(job:up[5m])', RANGE);
    assert.deepEqual([result.infos, result.warnings], [own, own]);
    assert.deepEqual(logged, []);
  });

  test('of anything else are one sentence, and in the log', async t => {
    const foreign = FOREIGN.map(([, text]) => text);
    const { client, logged } = await saying(t, () => ({
      body: {
        ...EMPTY,
        warnings: [
          ...foreign,
          ...foreign.map(text => `PromQL warning: ${text}`),
        ],
        infos: ['a note', LINK],
      },
    }));
    const { warnings, infos } = await client.queryRange('up', RANGE);
    assert.deepEqual(warnings, [
      'The server gave a warning that is not about the query itself, and the answer may be incomplete; the backend’s log has it',
    ]);
    assert.deepEqual(infos, [
      LINK,
      'The server gave a note that is not about the query itself; the backend’s log has it',
    ]);
    assert.equal(logged.length, 2 * foreign.length + 1);
    assertNoSecrets(logged.join());
  });

  test('have no secrets', async t => {
    const { client } = await saying(t, () => ({
      body: { ...EMPTY, warnings: [`PromQL warning: ${SECRETS.join(' , ')}`] },
    }));
    const { warnings } = await client.queryRange('up', RANGE);
    assertNoSecrets(warnings.join());
  });
});

describe('a rule', () => {
  async function alertsOf(
    t: Parameters<typeof clientOf>[0],
    rule: object,
    config: Parameters<typeof clientOf>[3] = CONFIG,
  ) {
    const { client, logged } = await saying(
      t,
      url => ({
        body: JSON.parse(
          JSON.stringify({
            data: { groups: [{ name: 'g', rules: [{ name: 'a', ...rule }] }] },
          }).replaceAll('SERVER', url),
        ) as unknown,
      }),
      config,
    );
    const alerts = toAlerts((await client.rules()).groups, { names: 'all' });
    return { alerts, logged };
  }

  for (const [what, text] of FOREIGN) {
    test(`whose error tells ${what} says only that there was one`, async t => {
      for (const lastError of [text, `many-to-many: ${text}`]) {
        const { alerts, logged } = await alertsOf(t, { lastError });
        assert.equal(
          alerts[0].lastError,
          'The rule could not be evaluated; the backend’s log says why',
        );
        assert.equal(logged.length, 1);
        assertNoSecrets(logged.join());
      }
    });
  }

  test('says what is wrong with its expression', async t => {
    const lastError =
      'vector contains metrics with the same labelset after applying alert labels';
    const { alerts, logged } = await alertsOf(t, { lastError });
    assert.equal(alerts[0].lastError, lastError);
    assert.deepEqual(logged, []);
  });

  test('says what vmalert was told, and not by whom', async t => {
    const answer = JSON.stringify({
      status: 'error',
      errorType: '422',
      error: 'cannot compile regex "("',
    });
    const { alerts } = await alertsOf(t, {
      lastError: `unexpected response code 422 for SERVER/api/v1/query?query=x. Response body ${answer}`,
    });
    assert.equal(alerts[0].lastError, 'cannot compile regex "("');
  });

  test('without an error has none', async t => {
    const { alerts } = await alertsOf(t, { lastError: '' });
    assert.ok(!('lastError' in alerts[0]));
  });

  test('has annotations without secrets and without the address of its server', async t => {
    const annotations = {
      summary: `${SECRETS.join(' , ')} at SERVER/graph?g0=x, see https://runbooks.example.com/a(b)`,
      runbook_url: 'https://runbooks.example.com/one',
      dashboard: 'https://u:pw@grafana.example.com/d/1',
    };
    const { alerts } = await alertsOf(t, {
      annotations,
      alerts: [{ state: 'firing', labels: {}, annotations }],
    });
    const { summary, dashboard } = alerts[0].annotations;
    assertNoSecrets(JSON.stringify(alerts));
    assert.match(
      summary,
      / at \[…\], see https:\/\/runbooks\.example\.com\/a\(b\)$/,
    );
    assert.doesNotMatch(summary, /127\.0\.0\.1/);
    assert.equal(dashboard, 'https://[…]@grafana.example.com/d/1');
    assert.equal(alerts[0].runbookUrl, annotations.runbook_url);
  });

  test('keeps the words that its tenant and its server are called by', async t => {
    const annotations = {
      summary:
        'Prometheus: checkout is slow, tenant checkout, X-Scope-OrgID: checkout, checkouts',
    };
    const { alerts } = await alertsOf(
      t,
      { annotations },
      {
        tenant: 'checkout',
        rulesUrl: undefined,
        uiUrl: 'http://ui.example.com',
      },
    );
    assert.equal(
      alerts[0].annotations.summary,
      'Prometheus: checkout is slow, tenant […], X-Scope-OrgID: […], checkouts',
    );
  });
});

function assertNoSecrets(text: string): void {
  for (const secret of SECRETS) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`);
  }
}
