import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../../../__test__/support/eventually';
import { Alertmanager } from '../../../../__test__/support/Alertmanager';
import { freePort } from '../../../../__test__/support/ports';
import { querierOf } from '../../../../__test__/support/prometheusClients';
import { replay } from '../../../../__test__/support/recordings';
import { ALERTMANAGER, without } from '../../../../__test__/support/tools';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';
import { Silences } from './Silences';

const ASK = { instance: 'a', user: 'user:default/guest' };
const URL = 'http://localhost:9090';

function sent(
  ...alerts: [labels: Record<string, string>, isSilenced: boolean][]
): Silences {
  return Silences.fromAnswer(
    alerts.map(([labels, isSilenced]) => ({
      labels,
      status: { silencedBy: isSilenced ? ['an-id'] : [] },
    })),
  );
}

const BASE = { alertname: 'A', job: 'x' };

describe('an alert is silenced', () => {
  test('if Alertmanager has one with the same labels that is', () => {
    const silences = sent([BASE, true], [{ alertname: 'A', job: 'y' }, false]);
    assert.equal(silences.has(BASE), true);
    assert.equal(silences.has({ alertname: 'A', job: 'y' }), false);
  });

  test('if those with external labels besides are, all of them', () => {
    const [one, other] = [
      { ...BASE, cluster: 'one' },
      { ...BASE, cluster: 'two' },
    ];
    assert.equal(sent([one, true]).has(BASE), true);
    assert.equal(sent([one, true], [other, true]).has(BASE), true);
    assert.equal(sent([one, true], [other, false]).has(BASE), false);
  });

  test('as its own labels say, whatever others have besides', () => {
    const other = { ...BASE, path: '/' };
    assert.equal(sent([other, false], [BASE, true]).has(BASE), true);
    assert.equal(sent([other, true], [BASE, false]).has(BASE), false);
  });

  test('not if Alertmanager does not have it, or has it with fewer labels', () => {
    assert.equal(sent().has(BASE), false);
    assert.equal(sent([{ alertname: 'A' }, true]).has(BASE), false);
    assert.equal(sent([{ ...BASE, job: 'y' }, true]).has(BASE), false);
    assert.equal(sent([BASE, true]).has({ ...BASE, toString: 'x' }), false);
  });
});

test('silences are read as they were recorded', async t => {
  const { url } = await replay(t, 'alertmanager');
  const silences = await querierOf(t, {
    instances: [{ name: 'a', url: URL, alertmanager: { url } }],
  }).silences(ASK);
  const labels = { team: 'a', severity: 'page' };
  assert.equal(silences!.has({ alertname: 'Burning', ...labels }), true);
  assert.equal(silences!.has({ alertname: 'Smoking', ...labels }), false);
});

test('without an Alertmanager nothing is known', async t => {
  const querier = querierOf(t, { instances: [{ name: 'a', url: URL }] });
  assert.equal(await querier.silences(ASK), undefined);
});

test('an Alertmanager is asked once for many, with credentials of its own', async t => {
  const server = await UpstreamServer.start(t, (_, response) =>
    json(response, []),
  );
  const querier = querierOf(t, {
    instances: [
      {
        name: 'a',
        url: URL,
        auth: { type: 'bearer', token: 'of-prometheus' },
        alertmanager: {
          url: `${server.url}/alertmanager/api/v2/`,
          auth: { type: 'basic', username: 'a', password: 'b' },
          tenant: 'team-a',
        },
      },
    ],
  });
  await Promise.all(
    Array.from({ length: 50 }, (_, user) =>
      querier.silences({ ...ASK, user: `u${user}` }),
    ),
  );
  await querier.silences(ASK);
  assert.equal(server.asked.length, 1);
  const [{ method, url, headers }] = server.asked;
  assert.equal(
    `${method} ${url}`,
    'GET /alertmanager/api/v2/alerts?active=true&silenced=true&inhibited=true',
  );
  assert.equal(headers.authorization, `Basic ${btoa('a:b')}`);
  assert.equal(headers['x-scope-orgid'], 'team-a');
});

test('an Alertmanager that fails does not say where it is', async t => {
  const server = await UpstreamServer.start(t, ({ url }, response) => {
    if (url.startsWith('/large')) {
      response.end(' '.repeat(2_000_000));
    } else if (url.startsWith('/other')) {
      json(response, { status: 'success', data: [] });
    } else {
      json(response, { code: 404, message: server.url }, 404);
    }
  });
  const failures: [url: string, says: RegExp][] = [
    [
      `http://127.0.0.1:${await freePort()}`,
      /cannot be reached \(ECONNREFUSED\)$/,
    ],
    [`${server.url}/nowhere`, /has no \/api\/v2\/alerts \(HTTP 404\); its url/],
    [`${server.url}/other`, /not of the API of Alertmanager$/],
    [`${server.url}/large`, /larger than 1000000 bytes/],
  ];
  for (const [url, says] of failures) {
    const querier = querierOf(t, {
      instances: [{ name: 'a', url: URL, alertmanager: { url } }],
      limits: { maxBytes: 1_000_000 },
    });
    await assert.rejects(querier.silences(ASK), ({ message }: Error) => {
      assert.match(message, says);
      assert.match(message, /The Alertmanager of the Prometheus instance "a"/i);
      assert.doesNotMatch(message, /127\.0\.0\.1/);
      return true;
    });
  }
});

test(
  'a real Alertmanager tells what it has silenced',
  { skip: without(ALERTMANAGER.server) },
  async t => {
    const server = await Alertmanager.serve(t);
    const { url } = server;
    await server.fire(BASE, { alertname: 'B', job: 'x' });
    await server.silence({ alertname: 'A' });
    await eventually(async () => {
      const querier = querierOf(t, {
        instances: [{ name: 'a', url: URL, alertmanager: { url } }],
      });
      const silences = await querier.silences(ASK);
      assert.equal(silences!.has(BASE), true);
      assert.equal(silences!.has({ alertname: 'B', job: 'x' }), false);
      const [{ endsAt, ...who }, ...others] = silences!.of(BASE);
      assert.deepEqual(who, { createdBy: 'a test', comment: 'is known' });
      assert.ok(Date.parse(endsAt) > Date.now() + 3_000_000);
      assert.deepEqual(others, []);
      assert.deepEqual(silences!.of({ alertname: 'B', job: 'x' }), []);
    });
  },
);
