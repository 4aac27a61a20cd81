import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import { ProxyPrometheusApi } from '../../plugins/prometheus/src/api/ProxyPrometheusApi';
import { forwardTo } from '../support/forwardTo';
import { Prometheus } from '../support/Prometheus';
import { clientOf } from '../support/prometheusClients';
import { prometheus, without } from '../support/tools';
import { type Asked, UpstreamServer } from '../support/UpstreamServer';
import { suiteScope } from '../support/suiteScope';
import { ProxyFixture } from './ProxyFixture';

const RANGE = { start: 1_700_000_000, end: 1_700_000_060, step: 60 };
const SHOP: Entity = {
  apiVersion: 'backstage.io/v1alpha1',
  kind: 'Component',
  metadata: { name: 'shop' },
};
const LIMIT = 180_000;

/** What gateways answer to the method that they do not let through. */
const REFUSALS: [status: number, body: string][] = [
  [403, '<html>403 Forbidden</html>'],
  [405, 'Method Not Allowed'],
  [501, ''],
  [404, ''],
];

const methodsOf = (asked: Asked[]) => asked.map(({ method }) => method);

describe(
  'a Prometheus whose gateway takes one method',
  { skip: without(prometheus(3).server) },
  () => {
    let server: Prometheus;
    const scope = suiteScope();

    before(async () => {
      server = await Prometheus.serve(scope, { limit: LIMIT });
    });

    /** Refuses all other methods. */
    const gateway = (
      t: Pick<TestContext, 'after'>,
      allowed: string,
      [status, body]: [number, string],
    ) =>
      UpstreamServer.start(t, (asked, response) => {
        if (asked.method === allowed) {
          return forwardTo(server.url, asked, response);
        }
        return response.writeHead(status).end(body);
      });

    for (const [status, body] of REFUSALS) {
      it(`is asked by GET after HTTP ${status} for POST, and from then on at once`, async t => {
        const before = await gateway(t, 'GET', [status, body]);
        const client = clientOf(t, before.url);
        const { series } = await client.queryRange('vector(7)', RANGE);
        assert.deepEqual(series[0].values, [7, 7]);
        const { samples } = await client.query('vector(8)');
        assert.equal(samples[0].value, 8);
        assert.deepEqual(await client.exemplars('up', RANGE), []);
        assert.deepEqual(methodsOf(before.asked), [
          'POST',
          'GET',
          'GET',
          'GET',
        ]);
      });
    }

    it('says what it says of a query that it refuses by GET', async t => {
      const before = await gateway(t, 'GET', [405, '']);
      const client = clientOf(t, before.url);
      for (let times = 0; times < 2; times++) {
        await assert.rejects(client.queryRange('rate(up)', RANGE), {
          name: 'InputError',
          message: /expected type range vector/,
        });
      }
      assert.deepEqual(methodsOf(before.asked), ['POST', 'GET', 'GET']);
    });

    it('is asked by POST again when its gateway is another one', async t => {
      let allowed = 'GET';
      const before = await UpstreamServer.start(t, (asked, response) =>
        asked.method === allowed
          ? forwardTo(server.url, asked, response)
          : response.writeHead(405).end(),
      );
      const client = clientOf(t, before.url);
      await client.query('vector(1)');
      allowed = 'POST';
      await client.query('vector(1)');
      await client.query('vector(1)');
      assert.deepEqual(methodsOf(before.asked), [
        'POST',
        'GET',
        'GET',
        'POST',
        'POST',
      ]);
    });

    it('is asked by the configured method alone', async t => {
      const before = await gateway(t, 'GET', [405, '']);
      const get = clientOf(t, before.url, {}, { httpMethod: 'GET' });
      await get.query('vector(1)');
      const post = clientOf(t, before.url, {}, { httpMethod: 'POST' });
      await assert.rejects(post.query('vector(1)'), {
        name: 'UpstreamRefusalError',
        message:
          'The Prometheus instance "test" does not allow the request\'s method at /api/v1/query (HTTP 405); its url has to be what stands before /api/v1',
      });
      assert.deepEqual(methodsOf(before.asked), ['GET', 'POST']);
    });

    it('refuses credentials by either method, and that is what is said', async t => {
      const before = await UpstreamServer.start(t, (_, response) =>
        response.writeHead(403).end('no'),
      );
      await assert.rejects(clientOf(t, before.url).query('vector(1)'), {
        name: 'UpstreamRefusalError',
        message: /refused the backend's credentials \(HTTP 403\)$/,
      });
      assert.deepEqual(methodsOf(before.asked), ['POST', 'GET']);
    });

    it('says that an address is too long where POST would have been needed', async t => {
      const before = await UpstreamServer.start(t, ({ method }, response) =>
        response.writeHead(method === 'GET' ? 414 : 405).end(),
      );
      await assert.rejects(clientOf(t, before.url).query('vector(1)'), {
        name: 'UpstreamRefusalError',
        message: /address that is as long as this query's \(HTTP 414\)/,
      });
    });

    it("is asked by GET through Backstage's proxy with allowedMethods: [GET], and through one whose target refuses POST", async t => {
      const targets = await Promise.all(
        REFUSALS.map(refusal => gateway(t, 'GET', refusal)),
      );
      const paths = targets.map((_, at) => `/refusing-${at}`);
      const proxy = await ProxyFixture.start(t, {
        '/prometheus/api': {
          target: `${server.url}/api/v1/`,
          allowedMethods: ['GET'],
        },
        ...Object.fromEntries(
          targets.map(({ url }, at) => [paths[at], `${url}/api/v1/`]),
        ),
      });
      for (const proxyPath of ['/prometheus/api', ...paths]) {
        const api = ProxyPrometheusApi.create({
          configApi: new ConfigReader({ prometheus: { proxyPath } }),
          discoveryApi: proxy.discoveryApi,
          fetchApi: proxy.fetchApi,
        });
        proxy.asked.length = 0;
        for (let times = 0; times < 2; times++) {
          const { series } = await api.customRange(SHOP, 'vector(7)', RANGE);
          assert.deepEqual(series[0].values, [7, 7]);
        }
        const route = `/api/proxy${proxyPath}/query_range`;
        assert.deepEqual(proxy.asked, [
          `POST ${route}`,
          `GET ${route}`,
          `GET ${route}`,
        ]);
        await assert.rejects(api.customRange(SHOP, 'rate(up)', RANGE), {
          name: 'InputError',
          message: /expected type range vector/,
        });
        const configured = ProxyPrometheusApi.create({
          configApi: new ConfigReader({
            prometheus: { proxyPath, httpMethod: 'GET' },
          }),
          discoveryApi: proxy.discoveryApi,
          fetchApi: proxy.fetchApi,
        });
        proxy.asked.length = 0;
        await configured.customRange(SHOP, 'vector(7)', RANGE);
        assert.deepEqual(proxy.asked, [`GET ${route}`]);
      }
    });
  },
);
