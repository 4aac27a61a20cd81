import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { COMPOSE, pipe, prometheus, without } from '../support/tools';
import { type AppConfig, endingSeconds } from './appConfig';
import {
  BACKENDS,
  compose,
  FILE,
  mounted,
  mounts,
  prometheusFile,
  secretsFolder,
} from './compose';
import { dashboards } from './dashboards';
import { portOf, readCollectorConfig } from './otelCollector';

const PAGE_PORT = 9464;
const OTLP_PORT = 4318;

const services = Object.entries(compose.services);
const appConfig = read<AppConfig>(
  mounted('backstage-1', '/app/app-config.production.yaml'),
);

test(
  'Docker Compose finds the file in order',
  { skip: without(COMPOSE) },
  async () => {
    const { code, stderr } = await pipe(
      COMPOSE,
      ['--file', FILE, 'config', '--quiet'],
      '',
    );
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '', 'it warns');
  },
);

test('all that is mounted from the repository is there', () => {
  const all = services.flatMap(([, service]) => mounts(service));
  assert.ok(all.length > 0);
  for (const { source } of all) {
    assert.ok(existsSync(source), source);
  }
});

test('secrets are files that git ignores and that the documentation makes', () => {
  const ignored = readFileSync('deploy/compose/.gitignore', 'utf8');
  const page = readFileSync('docs/deploying.md', 'utf8');
  for (const [name, { file }] of Object.entries(compose.secrets)) {
    assert.equal(file, `./secrets/${name}`);
    assert.match(ignored, /^\/secrets\/$/m);
    assert.ok(page.includes(`secrets/${name}`), name);
  }
});

describe('the page of metrics', () => {
  test('is published on no port', () => {
    for (const [name, { ports = [] }] of services) {
      const inside = ports.map(portOf);
      assert.ok(!inside.includes(PAGE_PORT), name);
    }
  });

  test('is on every interface of the container, behind a token', () => {
    const { exporters } = appConfig.backend.metrics;
    assert.deepEqual(exporters.prometheus, {
      host: '0.0.0.0',
      token: { $file: '/run/secrets/metrics-token' },
    });
  });

  test('shares an internal network with Prometheus', () => {
    assert.equal(compose.networks.metrics?.internal, true);
    for (const name of [...BACKENDS, 'prometheus', 'otel-collector']) {
      assert.ok(compose.services[name].networks.includes('metrics'), name);
    }
  });
});

describe('every backend', () => {
  for (const name of BACKENDS) {
    const service = compose.services[name];
    test(`has an id of its own: ${name}`, () => {
      const { OTEL_RESOURCE_ATTRIBUTES } = service.environment!;
      assert.equal(OTEL_RESOURCE_ATTRIBUTES, `service.instance.id=${name}`);
    });

    test(`has the time for its last export: ${name}`, () => {
      const [, seconds] = /^(\d+)s$/.exec(service.stop_grace_period!)!;
      assert.ok(Number(seconds) > endingSeconds(appConfig));
    });

    test(`ends before the collector: ${name}`, () => {
      assert.ok('otel-collector' in service.depends_on!);
    });
  }
});

test('the collector takes what the backends push', () => {
  const config = readCollectorConfig(
    mounted('otel-collector', '/etc/otelcol/config.yaml'),
  );
  const { endpoint } = config.receivers.otlp.protocols.http;
  assert.equal(endpoint, `0.0.0.0:${OTLP_PORT}`);
  assert.deepEqual(appConfig.backend.metrics.exporters.otlp, {
    endpoint: `http://otel-collector:${OTLP_PORT}`,
    interval: { seconds: 30 },
  });
});

for (const major of [2, 3] as const) {
  const { promtool } = prometheus(major);
  test(
    `promtool of Prometheus ${major} finds configuration and rules in order`,
    { skip: without(promtool) },
    async t => {
      const file = prometheusFile(t, secretsFolder(t));
      const { code, stdout, stderr } = await pipe(
        promtool,
        ['check', 'config', file],
        '',
      );
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /2 rule files found/);
    },
  );
}

test('Prometheus scrapes every backend', () => {
  const { scrape_configs } = read<{
    scrape_configs: { static_configs: { targets: string[] }[] }[];
  }>(mounted('prometheus', '/etc/prometheus/prometheus.yml'));
  assert.deepEqual(
    scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap(({ targets }) => targets),
    ),
    BACKENDS.map(name => `${name}:${PAGE_PORT}`),
  );
});

describe('Grafana', () => {
  test('asks the Prometheus beside it', () => {
    const provisioned = '/etc/grafana/provisioning/datasources/backstage.yaml';
    const { apiVersion, datasources } = read<{
      apiVersion: number;
      datasources: { type: string; url: string; isDefault: boolean }[];
    }>(mounted('grafana', provisioned));
    assert.equal(apiVersion, 1);
    const [{ type, url, isDefault }, ...others] = datasources;
    assert.deepEqual(others, []);
    assert.deepEqual(
      { type, url, isDefault },
      { type: 'prometheus', url: 'http://prometheus:9090', isDefault: true },
    );
  });

  test('finds every dashboard in the folder that it reads', () => {
    const provisioned = '/etc/grafana/provisioning/dashboards/backstage.yaml';
    const { apiVersion, providers } = read<{
      apiVersion: number;
      providers: { type: string; options: { path: string } }[];
    }>(mounted('grafana', provisioned));
    assert.equal(apiVersion, 1);
    assert.deepEqual(
      providers.map(({ type }) => type),
      ['file'],
    );
    assert.equal(
      mounted('grafana', providers[0].options.path),
      path.resolve('deploy/grafana'),
    );
  });

  test('needs no data source but the default one', () => {
    assert.ok(dashboards.length > 0);
    for (const { title, templating } of dashboards) {
      assert.ok(
        templating.list.some(({ type }) => type === 'datasource'),
        title,
      );
    }
  });
});

function read<T>(file: string): T {
  return parse(readFileSync(file, 'utf8')) as T;
}
