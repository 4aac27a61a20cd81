import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import type {
  AlertsResult,
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { transform } from 'esbuild';
import { createRouter } from '../../plugins/prometheus-backend/src/router';
import { DefaultPrometheusApi } from '../../plugins/prometheus/src/api/DefaultPrometheusApi';
import {
  block,
  moduleOf,
  temporaryFolder,
  TITLES,
  yamlOf,
} from '../support/documented';
import { Prometheus } from '../support/Prometheus';
import { runNode } from '../support/Program';
import { prometheus, without } from '../support/tools';
import { UpstreamServer } from '../support/UpstreamServer';
import { forwardTo } from '../support/forwardTo';
import { entityRoute, PortalFixture } from './PortalFixture';

const ROOT = path.join(__dirname, '../..');
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');
const T0 = 1_767_225_600;
const RANGE = { start: T0, end: T0 + 600, step: 60 };
const LIMIT = 240_000;
const TOOLS = without(prometheus(3).server, prometheus(3).promtool);

/** The blocks that the tests of this file and of `__test__/browser/documented.test.ts` use. */
const USED = [
  'install the page',
  'the proxy',
  'the settings',
  'the page',
  'the cards',
  'graphs',
  'alerts',
  'labels',
  'several instances',
  'an instance of an entity',
  'install the backend',
  'the backend',
  'a graph',
  'the properties of a graph',
  "alerts of one's own",
  'the properties of alerts',
];

/** As the old backend system's template has it. */
const TYPES = `import type { LoggerService } from '@backstage/backend-plugin-api';
import type { Config } from '@backstage/config';

export interface PluginEnvironment {
  logger: LoggerService;
  config: Config;
}
`;

test('every block of the document is used', () => {
  assert.deepEqual(TITLES, USED);
});

test('the packages that it installs are there', () => {
  for (const title of ['install the page', 'install the backend']) {
    const [, name] = /yarn add (\S+)/.exec(block(title).code)!;
    const folder = name.replace(/^.*plugin-/, '');
    const file = path.join(ROOT, 'plugins', folder, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as { name: string };
    assert.equal(manifest.name, name);
  }
});

test('its TypeScript compiles', async t => {
  const properties = (title: string, component: string) =>
    `import type { Alert, ${component}Props } from '@nativestage/backstage-plugin-prometheus';
export type Documented = ${block(title).code};
export const properties = (documented: Documented): ${component}Props => documented;
export type Known = Alert;
`;
  const folder = temporaryFolder(t, {
    'page.tsx': moduleOf('the page'),
    'cards.tsx': moduleOf('the cards'),
    'graph.tsx': moduleOf('a graph'),
    'alerts.tsx': moduleOf("alerts of one's own"),
    'graphProperties.ts': properties(
      'the properties of a graph',
      'PrometheusGraph',
    ),
    'alertProperties.ts': properties(
      'the properties of alerts',
      'PrometheusAlertStatus',
    ),
    'backend.ts': moduleOf('the backend').replace('../types', './types'),
    'types.ts': TYPES,
    'tsconfig.json': JSON.stringify({
      extends: '../tsconfig.json',
      // As Backstage's apps are compiled.
      compilerOptions: {
        module: 'preserve',
        moduleResolution: 'bundler',
        jsx: 'react-jsx',
        lib: ['ES2022', 'DOM'],
        noEmit: true,
        rootDir: '../..',
      },
      include: ['*'],
    }),
  });
  const { code, stdout } = await runNode(t, TSC, { args: ['-p', folder] });
  assert.equal(code, 0, stdout);
});

test('createRouter says what it lacks', async () => {
  const logger = { debug: () => {}, warn: () => {} };
  const instances = [{ name: 'default', url: 'http://prometheus:9090' }];
  const config = new ConfigReader({ prometheus: { instances } });
  await assert.rejects(
    createRouter({ logger, config }),
    /^Error: createRouter needs catalog, httpAuth, permissions, or backend\.baseUrl in its config/,
  );
  await assert.rejects(
    createRouter({ logger, config, catalog: {} as never }),
    /^Error: createRouter was given catalog without httpAuth and permissions; it needs all of/,
  );
});

for (const permissions of [true, false]) {
  test(
    `createRouter({ logger, config }) serves an entity to whoever may read it, ${permissions ? 'with' : 'without'} the permission framework`,
    { skip: TOOLS },
    async t => {
      const server = await Prometheus.serve(t, {
        openmetrics: `${samples('up_to', 7)}# EOF\n`,
        groups: [{ name: 'a', rules: [{ alert: 'Known', expr: 'vector(1)' }] }],
        limit: LIMIT,
      });
      const { code } = await transform(block('the backend').code, {
        loader: 'ts',
        format: 'cjs',
      });
      const folder = temporaryFolder(t, { 'prometheus.cjs': code });
      const annotations = {
        'prometheus.io/rule': 'up_to',
        'prometheus.io/alert': 'all',
      };
      const portal = await PortalFixture.start(t, {
        prometheus: {
          instances: [{ name: 'default', url: server.url }],
          customQueries: true,
        },
        permissions,
        plugin: false,
        entities: {
          shop: { annotations },
          hidden: { annotations, spec: { lifecycle: 'hidden' } },
          secret: { annotations, spec: { lifecycle: 'secret' } },
        },
        env: {
          CREATE_PLUGIN: path.join(folder, 'prometheus.cjs'),
          CUSTOM_QUERIES: 'allow',
        },
      });
      const panels = await portal.ask<EntityPanels>(
        entityRoute('shop', 'panels'),
      );
      assert.equal(panels.status, 200, JSON.stringify(panels.body));
      const [{ id }] = panels.body.panels;
      const range = await portal.ask<RangeResult>(
        entityRoute('shop', `panels/${id}/range`),
        RANGE,
      );
      assert.equal(range.body.series[0].values[0], 7);
      const alerts = await portal.ask<AlertsResult>(
        entityRoute('shop', 'alerts'),
      );
      assert.equal(alerts.body.alerts[0].expr, 'vector(1)');
      const custom = await portal.ask<RangeResult>(
        entityRoute('shop', 'query/range'),
        { query: 'up_to * 2', ...RANGE },
      );
      assert.equal(custom.body.series[0].values[0], 14);
      const free = await portal.ask('/query/range', { query: 'up', ...RANGE });
      assert.equal(free.status, permissions ? 200 : 403);
      const refused = await Promise.all(
        ['hidden', 'secret'].map(name =>
          portal.ask(entityRoute(name, 'panels')),
        ),
      );
      assert.deepEqual(
        refused.map(({ status }) => status),
        permissions ? [403, 404] : [200, 200],
      );
      const nobody = await portal.askAsNobody(entityRoute('shop', 'panels'));
      assert.equal(nobody.status, 401, 'the backend asks first');
    },
  );
}

test(
  'its configurations and annotations show what they are about',
  { skip: TOOLS },
  async t => {
    const serve = (metrics: string, alerts: object[]) =>
      Prometheus.serve(t, {
        openmetrics: `${metrics}# EOF\n`,
        groups: [{ name: 'a', rules: alerts }],
        limit: LIMIT,
      });
    const production = await serve(
      [
        samples('memUsage{component="web"}', 1),
        samples('node_memory_active_bytes{instance="a"}', 2),
        samples('node_cpu_seconds{instance="a",cpu="0"}', 3),
      ].join(''),
      [
        alert('High CPU Usage', { environment: 'production', service: 'api' }),
        alert('Memory Exhaustion', { environment: 'staging', service: 'api' }),
        alert('Other', { service: 'web' }),
      ],
    );
    const staging = await serve(
      samples('api_requests_per_second{endpoint="/"}', 4),
      [alert('API High Latency', {})],
    );
    const servers: Record<string, Prometheus> = {
      'localhost:9090': production,
      'prod-prometheus:9090': production,
      'staging-prometheus:9090': staging,
      'dev-prometheus:9090': staging,
    };
    const tokens: unknown[] = [];
    const gateway = await UpstreamServer.start(t, (asked, response) => {
      tokens.push(asked.headers.authorization);
      const [, host, rest] = /^\/([^/]+)(.*)$/.exec(asked.url)!;
      return forwardTo(servers[host].url, { ...asked, url: rest }, response);
    });
    /** The document's addresses are nobody's here. */
    const reachable = (proxy: JsonObject) =>
      JSON.parse(
        JSON.stringify(proxy).replace(
          /"target":"http:\/\/([^/]+)/g,
          `"target":"${gateway.url}/$1`,
        ),
      ) as JsonObject;
    const [specific, all] = block('alerts').code.trim().split('\n\n');
    const rule = yamlOf('graphs');
    const valueOf = (yaml: string) =>
      /'(.*)'|: (\w+)$/.exec(yaml.trim())!.slice(1).find(Boolean)!;
    const entities = {
      graphs: { annotations: rule as Record<string, string> },
      specific: {
        annotations: { 'prometheus.io/alert': valueOf(specific) },
      },
      all: { annotations: { 'prometheus.io/alert': valueOf(all) } },
      labelled: {
        annotations: {
          'prometheus.io/alert': 'all',
          ...(yamlOf('labels') as Record<string, string>),
        },
      },
      staging: yamlOf('an instance of an entity').metadata as {
        annotations: Record<string, string>;
      },
    };
    const entityOf = (name: keyof typeof entities): Entity => ({
      apiVersion: 'backstage.io/v1alpha1',
      kind: 'Component',
      metadata: { name, ...entities[name] },
    });
    for (const [title, config] of [
      ['one instance', { ...yamlOf('the proxy'), ...yamlOf('the settings') }],
      ['several', yamlOf('several instances')],
    ] as const) {
      const settings = config.prometheus as JsonObject;
      const portal = await PortalFixture.start(t, {
        prometheus: settings,
        proxy: reachable(config.proxy as JsonObject),
        entities,
        env: { YOUR_AUTH_TOKEN_IF_PROMETHEUS_IS_SECURED: 'Bearer documented' },
      });
      const api = DefaultPrometheusApi.create({
        configApi: new ConfigReader({ prometheus: settings }),
        discoveryApi: portal.discoveryApi,
        fetchApi: portal.fetchApi,
      });
      const draw = async (name: keyof typeof entities) => {
        const { panels, problems } = await api.panels(entityOf(name));
        assert.deepEqual(problems, []);
        return Promise.all(
          panels.map(async panel => {
            const of = entityOf(name);
            const { series } = await api.panelRange(of, panel, RANGE);
            return [panel.dimension, series.map(({ values }) => values[0])];
          }),
        );
      };
      const alertsOf = async (name: keyof typeof entities) =>
        (await api.alerts(entityOf(name))).alerts.map(one => one.name);
      assert.deepEqual(await draw('graphs'), [
        ['component', [1]],
        ['instance', [2]],
        [undefined, [3]],
      ]);
      assert.deepEqual(await alertsOf('specific'), [
        'High CPU Usage',
        'Memory Exhaustion',
      ]);
      assert.equal((await alertsOf('all')).length, 3);
      assert.deepEqual(await alertsOf('labelled'), ['High CPU Usage']);
      if (title === 'several') {
        assert.deepEqual(await draw('staging'), [['endpoint', [4]]]);
        assert.deepEqual(await alertsOf('staging'), ['API High Latency']);
      } else {
        assert.ok(tokens.includes('Bearer documented'), String(tokens));
      }
    }
  },
);

function alert(name: string, labels: Record<string, string>): object {
  return { alert: name, expr: 'vector(1)', labels };
}

/** Ten minutes of one series; a name with `_seconds` and a label "cpu" is a counter's. */
function samples(series: string, value: number): string {
  const [name] = series.split('{');
  const isCounter = series.includes('cpu=');
  const written = isCounter ? series.replace('{', '_total{') : series;
  return [
    `# TYPE ${name} ${isCounter ? 'counter' : 'gauge'}`,
    ...[0, 300, 600].map(at => `${written} ${value} ${T0 + at}`),
    '',
  ].join('\n');
}
