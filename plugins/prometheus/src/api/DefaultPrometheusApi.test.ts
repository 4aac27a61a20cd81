import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigReader } from '@backstage/config';
import { DefaultPrometheusApi } from './DefaultPrometheusApi';

const ENTITY = {
  apiVersion: 'v1',
  kind: 'Component',
  metadata: { name: 'shop' },
};

const missing = () => new Response('', { status: 404 });
const balancer = () => new Response('<html>', { status: 404 });
const panels = () =>
  Response.json({ instance: 'default', panels: [], problems: [] });
const answer = () =>
  Response.json({ status: 'success', data: { resultType: 'scalar' } });

/** @param routes - what stands below a path now */
function apiOf(routes: Record<'prometheus' | 'proxy', () => Response>) {
  const asked: string[] = [];
  const api = DefaultPrometheusApi.create({
    configApi: new ConfigReader({}),
    discoveryApi: {
      getBaseUrl: plugin => Promise.resolve(`http://x/api/${plugin}`),
    },
    fetchApi: {
      fetch: input => {
        const plugin = new URL(new Request(input).url).pathname.split('/')[2];
        asked.push(plugin);
        return Promise.resolve(routes[plugin as keyof typeof routes]());
      },
    },
  });
  return { api, asked, routes };
}

test('a plugin that comes with a rollout is found by trying again', async () => {
  const { api, routes } = apiOf({ prometheus: missing, proxy: missing });
  await assert.rejects(api.panels(ENTITY), {
    code: 'ERR_PROMETHEUS_PLUGIN_MISSING',
  });
  routes.prometheus = panels;
  assert.equal((await api.panels(ENTITY)).instance, 'default');
});

test('so is an endpoint of the proxy', async () => {
  const { api, routes } = apiOf({ prometheus: missing, proxy: missing });
  await assert.rejects(api.panels(ENTITY));
  routes.proxy = answer;
  assert.equal((await api.panels(ENTITY)).instance, 'default');
});

test('the 404 of a load balancer does not make the plugin missing', async () => {
  const { api, asked, routes } = apiOf({
    prometheus: balancer,
    proxy: answer,
  });
  await assert.rejects(api.panels(ENTITY), { name: 'ResponseError' });
  assert.deepEqual(asked, ['prometheus'], 'the proxy is not tried');
  routes.prometheus = panels;
  assert.equal((await api.panels(ENTITY)).instance, 'default');
});

test('where the proxy answers, a missing plugin is looked for once a minute', async t => {
  t.mock.timers.enable({ apis: ['Date'] });
  const { api, asked, routes } = apiOf({ prometheus: missing, proxy: answer });
  await api.panels(ENTITY);
  await api.panels(ENTITY);
  assert.deepEqual(asked, ['prometheus', 'proxy']);
  t.mock.timers.tick(60_000);
  routes.prometheus = panels;
  await api.panels(ENTITY);
  assert.deepEqual(asked, ['prometheus', 'proxy', 'prometheus']);
});
