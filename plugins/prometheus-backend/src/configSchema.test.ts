import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { loadConfigSchema } from '@backstage/config-loader';

const CONFIG = {
  // What the schemas of the packages that ours depends on require.
  app: { baseUrl: 'http://localhost:3000' },
  backend: {
    baseUrl: 'http://localhost:7007',
    listen: ':7007',
    database: { client: 'better-sqlite3', connection: ':memory:' },
  },
  prometheus: {
    instances: [
      {
        name: 'a',
        url: 'https://prometheus.example.com',
        auth: { type: 'bearer', token: 'hunter2' },
        tenant: 'hunter2',
        alertmanager: {
          url: 'https://alertmanager.example.com',
          auth: { type: 'basic', username: 'hunter2', password: 'hunter2' },
          tenant: 'hunter2',
        },
        enforceLabels: { namespace: '${{ entity.metadata.namespace }}' },
      },
      {
        name: 'b',
        url: 'https://thanos.example.com',
        httpMethod: 'GET',
        queryParameters: { apikey: 'hunter2', shard: [1, 2] },
        auth: {
          type: 'oauth2',
          tokenUrl: 'https://sso.example.com/token',
          clientId: 'backstage',
          clientSecret: 'hunter2',
          scopes: ['read'],
        },
      },
      {
        name: 'c',
        url: 'https://aps.example.com',
        auth: {
          type: 'sigv4',
          region: 'eu-west-1',
          accessKeyId: 'a',
          secretAccessKey: 'hunter2',
        },
      },
    ],
    limits: { maxRange: { days: 7 }, timeout: '30s' },
  },
};

test('the schema takes the configuration, and marks its secrets', async () => {
  const schema = await loadConfigSchema({
    dependencies: [],
    packagePaths: [path.join(__dirname, '../package.json')],
  });
  const shown = (visibility: 'frontend' | 'backend' | 'secret') =>
    JSON.stringify(
      schema.process([{ context: 'app-config.yaml', data: CONFIG }], {
        visibility: [visibility],
      }),
    );
  assert.equal(shown('secret').split('hunter2').length - 1, 8);
  assert.ok(!shown('backend').includes('hunter2'), shown('backend'));
  assert.ok(!shown('frontend').includes('example.com'));
});
