import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { loadConfigSchema } from '@backstage/config-loader';

const MANIFEST = path.join(__dirname, '../../package.json');

const loading = loadConfigSchema({
  dependencies: [],
  packagePaths: [MANIFEST],
});

async function processed(metrics: JsonObject, visibility?: 'secret') {
  const schema = await loading;
  // What the schemas of the packages that ours depends on require.
  const data = {
    app: { baseUrl: 'http://localhost:3000' },
    backend: {
      baseUrl: 'http://localhost:7007',
      listen: ':7007',
      database: { client: 'better-sqlite3', connection: ':memory:' },
      metrics,
    },
  };
  const [config] = schema.process(
    [{ context: 'test', data }],
    visibility && { visibility: [visibility] },
  );
  return (config.data.backend as JsonObject).metrics;
}

const SECRETS = {
  exporters: {
    prometheus: { token: 't0ken' },
    otlp: { headers: { authorization: 'Bearer x', 'x-api-key': 'y' } },
  },
};

test('the config schema marks as secret exactly what must not be shown', async () => {
  const found = await processed(
    {
      serviceName: 'acme',
      exporters: {
        prometheus: { ...SECRETS.exporters.prometheus, port: 9464 },
        otlp: { ...SECRETS.exporters.otlp, endpoint: 'http://c:4318' },
      },
    },
    'secret',
  );
  assert.deepEqual(found, SECRETS);
});

test('the headers of every one of several exporters are secret', async () => {
  const headers = { authorization: 'Bearer x' };
  const found = await processed(
    {
      exporters: {
        otlp: [
          { endpoint: 'http://c:4318', headers },
          { endpoint: 'http://d:4318', headers },
        ],
      },
    },
    'secret',
  );
  assert.deepEqual(found, { exporters: { otlp: [{ headers }, { headers }] } });
});

test('the config schema takes every setting in every form that is documented', async () => {
  const metrics = {
    serviceName: 'backstage',
    serviceVersion: '1.55.0',
    resource: {
      'deployment.environment.name': 'production',
      tags: ['a'],
      schema_url: 'https://opentelemetry.io/schemas/1.37.0',
      attributes_list: 'a=b',
      attributes: [{ name: 'n', value: 1, type: 'int' }],
      'detection/development': {
        attributes: { included: ['host.*'], excluded: ['host.id'] },
        detectors: [{ host: null }, { k8s: {} }],
      },
    },
    naming: { mode: 'enforce', legacyNames: true },
    exporters: {
      prometheus: {
        host: '127.0.0.1',
        port: 9464,
        path: '/metrics',
        server: true,
        onBackend: false,
        translationStrategy: 'UnderscoreEscapingWithSuffixes',
        scopeInfoEnabled: false,
        targetInfoEnabled: true,
        resourceConstantLabels: { included: ['k8s.*'], excluded: ['*uid'] },
        collectTimeout: { seconds: 2 },
        defaultAggregation: {
          histogram: { base2_exponential_bucket_histogram: { max_size: 80 } },
        },
        cardinalityLimits: { default: 1000, observable_gauge: 10 },
      },
      otlp: {
        endpoint: 'http://collector:4318',
        protocol: 'http/protobuf',
        interval: { seconds: 60 },
        timeout: 10_000,
        compression: 'gzip',
        maxExportBatchSize: 8192,
        maxConcurrentExports: 4,
        maxRequestSize: 1_048_576,
        maxResponseSize: 65_536,
        temporality: 'delta',
        histogram: 'exponential',
        tls: { caFile: '/ca.pem' },
      },
      console: {
        interval: { minutes: 1 },
        temporality: { default: 'lowmemory', up_down_counter: 'delta' },
        defaultAggregation: { gauge: { drop: {} } },
        cardinalityLimits: { counter: 5 },
      },
    },
    views: [
      {
        selector: { instrument_name: 'a.*', instrument_type: 'histogram' },
        stream: {
          aggregation: { base2_exponential_bucket_histogram: { max_size: 80 } },
          attribute_keys: { excluded: ['x'] },
        },
      },
    ],
    viewMatchingMode: 'composable',
    meterConfigurator: {
      default_config: { enabled: true },
      meters: [{ name: 'noisy-*', config: { enabled: false } }],
    },
    cardinalityLimit: 2000,
    attributeValueLengthLimit: 2048,
    histogram: 'explicit',
    exitTimeout: { seconds: 5 },
    plugin: {
      catalog: {
        meter: { name: 'm', attributes: { team: 'core', tiers: [1, 2] } },
        disabled: false,
      },
    },
    producers: { prometheus: { included: ['catalog_*'], excluded: ['*_x'] } },
    core: { http: true, database: false },
  };
  assert.deepEqual(await processed(metrics), metrics);
  for (const exporters of [
    { prometheus: false, otlp: false, console: true },
    // Forms of a duration that Backstage reads from strings.
    { otlp: { interval: '60s', timeout: 'PT10S' } },
    { otlp: [{ endpoint: 'http://c:4318' }, { interval: '60s' }] },
  ]) {
    assert.deepEqual(await processed({ exporters }), { exporters });
  }
});

test('the config schema refuses what the package refuses', async () => {
  for (const metrics of [
    { naming: { mode: 'strict' } },
    { exporters: { otlp: { protocol: 'http' } } },
    { resource: { attributes: [{ value: 1 }] } },
    { resource: { 'detection/development': { detectors: 'host' } } },
    { cardinalityLimit: 'many' },
    { exporters: { otlp: [true] } },
    { exporters: { otlp: { temporality: 'low' } } },
    { exporters: { otlp: { temporality: { counter: 'lowmemory' } } } },
    { exporters: { console: { cardinalityLimits: { counter: 'many' } } } },
    { viewMatchingMode: 'merged' },
    { meterConfigurator: { meters: [{ config: { enabled: false } }] } },
    { attributeValueLengthLimit: 'long' },
  ]) {
    await assert.rejects(processed(metrics), /backend\/metrics/);
  }
});
