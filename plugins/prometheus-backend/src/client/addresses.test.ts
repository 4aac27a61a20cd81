import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigReader } from '@backstage/config';
import { clientOf } from '../../../../__test__/support/prometheusClients';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';
import { PrometheusInstance } from './PrometheusInstance';

const RANGE = { start: 0, end: 60, step: 60 };
const EMPTY = { status: 'success', data: { resultType: 'matrix', result: [] } };

describe('queryParameters', () => {
  test('stand in the address of every request, by POST and by GET', async t => {
    const server = await UpstreamServer.start(t, ({ url }, response) =>
      json(response, url.includes('rules') ? { data: { groups: [] } } : EMPTY),
    );
    const queryParameters = {
      namespace: 'team a&b',
      'tenant.id': 7,
      match: ['x', 'y'],
    };
    for (const httpMethod of ['POST', 'GET']) {
      const client = clientOf(
        t,
        server.url,
        {},
        { queryParameters, httpMethod },
      );
      await client.queryRange('up', RANGE);
      await client.rules();
    }
    for (const { url } of server.asked) {
      const parameters = new URL(url, server.url).searchParams;
      assert.deepEqual(
        ['namespace', 'tenant.id', 'match'].map(name =>
          parameters.getAll(name),
        ),
        [['team a&b'], ['7'], ['x', 'y']],
      );
    }
    const [post, , get] = server.asked;
    assert.deepEqual([post.method, get.method], ['POST', 'GET']);
    assert.equal(post.parameters.get('query'), 'up');
    assert.equal(post.parameters.get('namespace'), null, 'not in the form');
    assert.equal(get.parameters.get('query'), 'up');
  });

  for (const [queryParameters, says] of [
    [{ query: 'up' }, /a\.queryParameters\.query is a parameter that every/],
    [{ namespace: { a: 'b' } }, /a\.queryParameters\.namespace has to be a/],
  ] as const) {
    test(`refuse ${JSON.stringify(queryParameters)}`, () => {
      const config = { name: 'a', url: 'http://b', queryParameters };
      assert.throws(
        () => PrometheusInstance.fromConfig(new ConfigReader(config), 'a'),
        says,
      );
    });
  }

  test('that are secret are in no error', async t => {
    const server = await UpstreamServer.start(t, (_, response) =>
      json(
        response,
        {
          status: 'error',
          errorType: 'bad_data',
          error: 'no hunter2-hunter2 for team-a',
        },
        400,
      ),
    );
    const queryParameters = { apikey: 'hunter2-hunter2', namespace: 'team-a' };
    await assert.rejects(
      clientOf(t, server.url, {}, { queryParameters }).queryRange('up', RANGE),
      /refused the query: no \[…\] for team-a$/,
    );
  });
});

describe('a resource that is not there', () => {
  for (const [status, body] of [
    [404, '404 page not found'],
    [404, '<html>nginx</html>'],
    [400, 'unsupported path requested'],
  ] as const) {
    test(`is named, and graphs are drawn all the same: HTTP ${status} ${body}`, async t => {
      const server = await UpstreamServer.start(t, ({ url }, response) =>
        url.includes('/rules')
          ? response.writeHead(status).end(body)
          : json(response, EMPTY),
      );
      const client = clientOf(t, server.url);
      await client.queryRange('up', RANGE);
      await assert.rejects(client.rules(), {
        name: 'UpstreamRefusalError',
        statusCode: 502,
        message: `The Prometheus instance "test" has no /api/v1/rules (HTTP ${status}); where rules are elsewhere, rulesUrl says where`,
      });
    });
  }
});
