import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { DefaultPrometheusApi } from '../../plugins/prometheus/src/api/DefaultPrometheusApi';
import { forwardTo } from '../support/forwardTo';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';
import { UpstreamServer } from '../support/UpstreamServer';
import { suiteScope } from '../support/suiteScope';
import { PortalFixture } from './PortalFixture';

const T0 = 1_767_225_600;
const RANGE = { start: T0, end: T0 + 600, step: 60 };
const LIMIT = 240_000;

/** A gauge whose value says which server it is of. */
const samples = (value: number) =>
  `# TYPE server gauge\n${[0, 300, 600].map(at => `server ${value} ${T0 + at}`).join('\n')}\n# EOF\n`;

const groupsOf = (alert: string) => [
  {
    name: 'shop',
    rules: [{ alert, expr: 'vector(1)', annotations: { summary: alert } }],
  },
];

/** The documented configuration of several instances behind the proxy, and one of the backend's. */
const INSTANCES = (url: string): JsonObject => ({
  proxyPath: '/prometheus/api',
  uiUrl: 'http://prod-prometheus:9090',
  instances: [
    { name: 'own', url, uiUrl: 'https://own.example' },
    { name: 'listed', proxyPath: '/prometheus-dev/api' },
  ],
});

const entityOf = (service?: string) => ({
  annotations: {
    'prometheus.io/rule': 'server',
    'prometheus.io/alert': 'all',
    ...(service !== undefined && { 'prometheus.io/service-name': service }),
  },
});

const ENTITIES = {
  unnamed: entityOf(),
  staging: entityOf('staging'),
  own: entityOf('own'),
  listed: entityOf('listed'),
  both: entityOf('own, listed'),
  three: entityOf(' default,own , listed'),
  nowhere: entityOf('nowhere'),
};

function entity(name: keyof typeof ENTITIES): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: { name, annotations: { ...ENTITIES[name].annotations } },
  };
}

describe(
  'the documented configuration of a proxy beside the backend plugin',
  { skip: without(prometheus(3).server, prometheus(3).promtool) },
  () => {
    let portal: PortalFixture;
    let configuration: JsonObject;
    let dynamic: UpstreamServer;
    const servers: Record<string, Prometheus> = {};
    const scope = suiteScope();

    before(async () => {
      for (const [index, name] of ['prod', 'staging', 'dev', 'own'].entries()) {
        servers[name] = await Prometheus.serve(scope, {
          openmetrics: samples(index + 1),
          groups: groupsOf(`Of${name}`),
          limit: LIMIT,
        });
      }
      // A middleware of somebody's own, which chooses by the header.
      dynamic = await UpstreamServer.start(scope, (asked, response) => {
        const name = String(asked.headers['x-prometheus-service-name']);
        const server = servers[name] ?? servers.prod;
        return forwardTo(server.url, asked, response);
      });
      configuration = INSTANCES(servers.own.url);
      portal = await PortalFixture.start(scope, {
        prometheus: configuration,
        entities: ENTITIES,
        proxy: {
          // As the document has it: without `endpoints`.
          '/prometheus/api': { target: `${servers.prod.url}/api/v1/` },
          '/prometheus-staging/api': {
            target: `${servers.staging.url}/api/v1/`,
          },
          '/prometheus-dev/api': { target: `${servers.dev.url}/api/v1/` },
          '/dynamic-prometheus': {
            target: `${dynamic.url}/api/v1/`,
            allowedHeaders: ['x-prometheus-service-name'],
          },
        },
      });
    });

    const apiOf = (prometheusConfig = configuration) =>
      DefaultPrometheusApi.create({
        configApi: new ConfigReader({ prometheus: prometheusConfig }),
        discoveryApi: portal.discoveryApi,
        fetchApi: portal.fetchApi,
      });

    /** The instance and the value of every graph. */
    async function drawn(api: DefaultPrometheusApi, of: Entity) {
      const { panels, problems } = await api.panels(of);
      assert.deepEqual(problems, []);
      return Promise.all(
        panels.map(async panel => {
          const { series } = await api.panelRange(of, panel, RANGE);
          return [panel.instance, series[0].values[0]];
        }),
      );
    }

    for (const [name, server, value] of [
      ['unnamed', 'prod', 1],
      ['staging', 'staging', 2],
      ['listed', 'dev', 3],
      ['own', 'own', 4],
    ] as const) {
      it(`shows an entity what its instance has: ${name}`, async () => {
        const api = apiOf();
        assert.deepEqual(await drawn(api, entity(name)), [[undefined, value]]);
        const { alerts, warnings } = await api.alerts(entity(name));
        assert.deepEqual(
          alerts.map(alert => [alert.name, alert.instance]),
          [[`Of${server}`, undefined]],
        );
        assert.deepEqual(warnings, []);
      });
    }

    it('shows what several instances have, of either kind, and which has it', async () => {
      const api = apiOf();
      assert.deepEqual(await drawn(api, entity('both')), [
        ['own', 4],
        ['listed', 3],
      ]);
      assert.deepEqual(await drawn(api, entity('three')), [
        ['default', 1],
        ['listed', 3],
        ['own', 4],
      ]);
      const { series } = await api.customRange(
        entity('three'),
        'server * 10',
        RANGE,
      );
      assert.equal(series[0].values[0], 10, 'the first is asked');
      const { alerts } = await api.alerts(entity('three'));
      assert.deepEqual(
        alerts.map(({ name, instance, uiUrl }) => [name, instance, uiUrl]),
        [
          ['Ofdev', 'listed', undefined],
          ['Ofown', 'own', 'https://own.example/'],
          ['Ofprod', 'default', 'http://prod-prometheus:9090'],
        ],
      );
    });

    it('refuses more instances than anyone would wait for', async () => {
      const many = entity('both');
      const names = Array.from({ length: 11 }, (_, n) => `i${n}`).join();
      many.metadata.annotations!['prometheus.io/service-name'] = names;
      const says =
        /^AnnotationError: prometheus\.io\/service-name, .*: there are 11 instances, and 10 are the most/;
      const api = apiOf();
      for (const ask of [
        () => api.panels(many),
        () => api.alerts(many),
        () => api.customRange(many, 'up', RANGE),
      ]) {
        await assert.rejects(ask(), says);
      }
    });

    it('says of an instance that is nowhere what would make it be there', async () => {
      await assert.rejects(apiOf().panels(entity('nowhere')), {
        name: 'InputError',
        message:
          'There is no Prometheus instance "nowhere"; there are own. It needs an item in prometheus.instances, or the proxy an endpoint "/prometheus-nowhere/api". If the endpoint of prometheus.proxyPath is a middleware that chooses by the header x-prometheus-service-name, prometheus.dynamicProxy: true sends that; the backend plugin\'s prometheusInstanceExtensionPoint can choose too',
      });
    });

    it('lets a middleware choose by the header where the configuration says so', async () => {
      const api = apiOf({
        proxyPath: '/dynamic-prometheus',
        dynamicProxy: true,
      });
      assert.deepEqual(await drawn(api, entity('staging')), [[undefined, 2]]);
      assert.deepEqual(await drawn(api, entity('unnamed')), [[undefined, 1]]);
      const { alerts } = await api.alerts(entity('staging'));
      assert.deepEqual(
        alerts.map(({ name }) => name),
        ['Ofstaging'],
      );
    });
  },
);
