import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { loadConfigSchema } from '@backstage/config-loader';

const INSTANCE = {
  name: 'a',
  uiUrl: 'https://prometheus.example.com',
  proxyPath: '/prometheus-a/api',
  httpMethod: 'GET',
};

const CONFIG = {
  // What the schemas of the packages that ours depend on require.
  app: { baseUrl: 'http://localhost:3000' },
  backend: {
    baseUrl: 'http://localhost:7007',
    listen: ':7007',
    database: { client: 'better-sqlite3', connection: ':memory:' },
  },
  prometheus: {
    proxyPath: '/prometheus/api',
    uiUrl: 'https://example.com',
    httpMethod: 'POST',
    dynamicProxy: true,
    instances: [
      {
        ...INSTANCE,
        queryParameters: { apikey: 'hunter2' },
        url: 'https://hunter2.example.com',
        rulesUrl: 'https://hunter2.example.com',
        auth: { type: 'bearer', token: 'hunter2' },
        tenant: 'hunter2',
        tls: { caFile: 'hunter2.pem' },
        enforceLabels: { namespace: 'hunter2' },
      },
      { name: 'b' },
    ],
    queries: { named: { query: 'hunter2' } },
    customQueries: true,
    limits: { maxSeries: 5 },
  },
};

test('the browser gets the paths of the proxy, the names and the links, and nothing else', async () => {
  const schema = await loadConfigSchema({
    dependencies: [],
    packagePaths: ['..', '../../prometheus-backend'].map(directory =>
      path.join(__dirname, directory, 'package.json'),
    ),
  });
  const [{ data }] = schema.process(
    [{ context: 'app-config.yaml', data: CONFIG }],
    { visibility: ['frontend'] },
  );
  assert.deepEqual(data.prometheus, {
    proxyPath: '/prometheus/api',
    uiUrl: 'https://example.com',
    httpMethod: 'POST',
    dynamicProxy: true,
    instances: [INSTANCE, { name: 'b' }],
  });
});
