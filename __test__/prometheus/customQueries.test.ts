import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamServer } from '../support/UpstreamServer';
import { entityRoute, PortalFixture } from './PortalFixture';

const RANGE = { start: 1_700_006_400, end: 1_700_010_000, step: 60 };

test('under a policy that allows everything, queries of their own are off until the configuration has them', async t => {
  const server = await UpstreamServer.start(t, (_, response) =>
    response.end('{}'),
  );
  const portal = await PortalFixture.start(t, {
    prometheus: { instances: [{ name: 'default', url: server.url }] },
    permissions: true,
    entities: { shop: { annotations: { 'prometheus.io/alert': 'Known' } } },
    env: { CUSTOM_QUERIES: 'allow' },
  });
  for (const [route, body] of [
    ['/query/range', { query: 'up', ...RANGE }],
    ['/query/instant', { query: 'up' }],
    [entityRoute('shop', 'query/range'), { query: 'up', ...RANGE }],
    [entityRoute('shop', 'query/instant'), { query: 'up' }],
    [entityRoute('shop', 'alerts'), { names: 'all' }],
    ['/instances', undefined],
  ] as const) {
    const answer = await portal.ask<{ error?: { message: string } }>(
      route,
      body,
    );
    assert.equal(answer.status, 403, route);
    assert.match(
      answer.body.error!.message,
      /switched off; prometheus\.customQueries: true switches them on/,
    );
  }
  assert.deepEqual(server.asked, []);
});
