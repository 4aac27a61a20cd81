import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import type {
  AlertsResult,
  EntityPanels,
  InstantResult,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BackendPrometheusApi } from '../../plugins/prometheus/src/api/BackendPrometheusApi';
import { DefaultPrometheusApi } from '../../plugins/prometheus/src/api/DefaultPrometheusApi';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { entityRoute, PortalFixture } from './PortalFixture';

/** On an hour, long ago, so that ranges are aligned as they are. */
const T0 = 1_700_006_400;
const MINUTE = 60;

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const LABELS = 'prometheus.io/labels';
const SERVICE = 'prometheus.io/service-name';

/** What every answer has when it is refused. */
interface Refusal {
  error?: { name: string; message: string };
}

const ENTITIES = {
  shop: {
    annotations: {
      [RULE]:
        'shop_queue_length|queue,sum by (queue, team) (rate(shop_orders_total{team=~"a|b"}[2m])), named',
      [ALERT]: 'AlwaysFiring, NeverFiring',
    },
  },
  everything: {
    annotations: { [RULE]: 'shop_queue_length', [ALERT]: 'all' },
  },
  labelled: {
    annotations: { [ALERT]: 'all', [LABELS]: 'severity=page, team=a' },
  },
  broken: {
    annotations: { [RULE]: 'sum(up, shop_queue_length', [ALERT]: '"open' },
  },
  plain: { annotations: {} },
  staging: {
    annotations: { [RULE]: 'shop_queue_length', [SERVICE]: 'staging' },
  },
  nowhere: { annotations: { [RULE]: 'up', [SERVICE]: 'nowhere' } },
  chosen: {
    annotations: { [RULE]: 'shop_queue_length' },
    spec: { system: 'staging' },
  },
  narrowed: {
    annotations: { [RULE]: 'shop_queue_length', [ALERT]: 'all' },
    spec: { system: 'narrow', owner: 'a' },
  },
  intervals: {
    annotations: {
      [RULE]:
        'increase(shop_orders_total[$__rate_interval]), increase(shop_orders_total[2m]), perStep',
    },
    spec: { system: 'narrow', owner: 'a' },
  },
  hidden: {
    annotations: { [RULE]: 'shop_queue_length', [ALERT]: 'all' },
    spec: { lifecycle: 'hidden' },
  },
  secret: {
    annotations: { [RULE]: 'shop_queue_length', [ALERT]: 'all' },
    spec: { lifecycle: 'secret' },
  },
};

describe(
  'the Prometheus plugin in a backend with permissions',
  { skip: without(prometheus(3).server, prometheus(3).promtool) },
  () => {
    let portal: PortalFixture;
    let strict: PortalFixture;
    const scope = suiteScope();

    before(async () => {
      const production = await Prometheus.serve(scope, {
        openmetrics: samples(1),
        groups: [{ name: 'shop', rules: alertRules }],
        limit: 180_000,
      });
      const staging = await Prometheus.serve(scope, {
        openmetrics: samples(100),
        limit: 180_000,
      });
      const instances = [
        { name: 'default', url: production.url, uiUrl: 'https://prom.example' },
        { name: 'staging', url: staging.url },
        {
          name: 'narrow',
          url: production.url,
          enforceLabels: { team: '${{ entity.spec.owner }}' },
          scrapeInterval: '1m',
        },
      ];
      const queries = {
        named: {
          title: 'Orders of the shop',
          query: 'sum(shop_orders_total{shop="${{ entity.metadata.name }}"})',
          unit: 'bytes',
        },
        perStep: {
          query:
            'sum(increase(shop_orders_total[$__interval])) / $__range_s / 1000 * $__interval_ms',
        },
      };
      const configuration = { instances, queries, customQueries: true };
      [portal, strict] = await Promise.all([
        PortalFixture.start(scope, {
          prometheus: configuration,
          entities: ENTITIES,
          env: { CUSTOM_QUERIES: 'allow' },
        }),
        PortalFixture.start(scope, {
          prometheus: configuration,
          entities: ENTITIES,
        }),
      ]);
    });

    const panels = async (name: string) => {
      const { status, body } = await portal.ask<EntityPanels>(
        entityRoute(name, 'panels'),
      );
      assert.equal(status, 200, JSON.stringify(body));
      return body;
    };
    const draw = async (name: string, index: number, range: object) => {
      const { id } = (await panels(name)).panels[index];
      return portal.ask<RangeResult>(
        entityRoute(name, `panels/${id}/range`),
        range,
      );
    };
    const HOUR = { start: T0, end: T0 + 60 * MINUTE, step: MINUTE };

    it('lists the panels of an entity: by annotation, and by the name of a configured query', async () => {
      const { instance, uiUrl, panels: found, problems } = await panels('shop');
      assert.equal(instance, 'default');
      assert.equal(uiUrl, 'https://prom.example/');
      assert.deepEqual(problems, []);
      assert.deepEqual(
        found.map(({ id: _, ...panel }) => panel),
        [
          {
            title: 'shop_queue_length',
            query: 'shop_queue_length',
            dimension: 'queue',
          },
          {
            title:
              'sum by (queue, team) (rate(shop_orders_total{team=~"a|b"}[2m]))',
            query:
              'sum by (queue, team) (rate(shop_orders_total{team=~"a|b"}[2m]))',
            unit: 'count/s',
          },
          {
            title: 'Orders of the shop',
            query: 'sum(shop_orders_total{shop="shop"})',
            unit: 'bytes',
          },
        ],
      );
    });

    it('draws a panel with every series and the time of every value', async () => {
      const { status, body } = await draw('shop', 0, HOUR);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.timestamps.length, 61);
      assert.equal(body.timestamps[0], T0);
      const byTeam = new Map(
        body.series.map(({ labels, values }) => [
          `${labels.queue} ${labels.team}`,
          values,
        ]),
      );
      // Both teams' series share the dimension, and both are there.
      assert.deepEqual([...byTeam.keys()].sort(), ['web a', 'web b']);
      assert.equal(byTeam.get('web a')?.[10], 10);
      assert.equal(byTeam.get('web b')?.[10], 20);
    });

    it('draws a named query with the variables of its entity', async () => {
      const { body } = await draw('shop', 2, HOUR);
      assert.equal(body.series.length, 1);
      assert.deepEqual(body.series[0].labels, {});
      assert.equal(body.series[0].values[10], 30);
    });

    it('fills in the intervals of a query as Grafana does, within enforced labels', async () => {
      const hour = 60 * MINUTE;
      const wide = { start: T0, end: T0 + 2 * hour, step: hour };
      const intervals = { interval: hour, rateInterval: 61 * MINUTE };
      const { body } = await draw('intervals', 0, wide);
      assert.deepEqual(body.intervals, { ...intervals, range: 2 * hour });
      assert.deepEqual(
        body.series.map(({ labels }) => labels.team),
        ['a'],
      );
      // All sixty orders of the hour.
      assert.ok(Math.abs(body.series[0].values[2]! - 61) < 2);
      assert.deepEqual(body.infos, []);

      const named = await draw('intervals', 2, wide);
      assert.ok(Math.abs(named.body.series[0].values[2]! - 30) < 2);

      // A step that is chosen is no finer than the scrapes, and four of them make a rate.
      const short = { start: T0, end: T0 + 10 * MINUTE, maxPoints: 600 };
      const fine = await draw('intervals', 0, short);
      assert.equal(fine.body.step, MINUTE);
      assert.equal(fine.body.intervals!.rateInterval, 4 * MINUTE);

      const [{ id }] = (await panels('intervals')).panels;
      for (const [route, sent] of [
        [`panels/${id}/instant`, {}],
        [`panels/${id}/exemplars`, { start: T0, end: T0 + hour }],
        ['query/instant', { query: 'vector($__range_s)' }],
      ] as const) {
        const answer = await portal.ask<Refusal>(
          entityRoute('intervals', route),
          sent,
        );
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      }
      const free = await portal.ask<RangeResult>('/query/range', {
        query: 'sum(increase(shop_orders_total[$__range]))',
        ...wide,
      });
      assert.equal(free.body.intervals?.range, 2 * hour);
      assert.ok(free.body.series[0].values[2]! > 300);
    });

    it('says that a window is shorter than the step', async () => {
      const range = { start: T0, end: T0 + 7200, step: 3600 };
      const { body } = await draw('intervals', 1, range);
      assert.deepEqual(body.infos, [
        'Each point looks back 2m, and points are 1 h apart: what lies between is not looked at. [$__rate_interval] in place of [2m] looks at all of it.',
      ]);
      const fine = await draw('intervals', 1, { ...range, step: 120 });
      assert.deepEqual(fine.body.infos, []);
      assert.equal(fine.body.intervals, undefined);
    });

    it('answers a panel of this moment', async () => {
      const [{ id }] = (await panels('everything')).panels;
      const { status, body } = await portal.ask<InstantResult>(
        entityRoute('everything', `panels/${id}/instant`),
        {},
      );
      assert.equal(status, 200);
      assert.deepEqual(body.samples, [], 'the data is of long ago');
    });

    it('answers the exemplars of a panel, of which this server keeps none', async () => {
      const [{ id }] = (await panels('everything')).panels;
      const route = entityRoute('everything', `panels/${id}/exemplars`);
      const range = { start: T0, end: T0 + 60 * MINUTE };
      const { status, body } = await portal.ask<object>(route, range);
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body, []);
      const tooLong = { start: 0, end: T0 };
      const refused = await portal.ask<Refusal>(route, tooLong);
      assert.equal(refused.status, 400);
      assert.match(refused.body.error!.message, /s are the most$/);
    });

    it('shows an author where an annotation is wrong', async () => {
      const { panels: found, problems } = await panels('broken');
      assert.deepEqual(found, []);
      assert.match(
        problems[0].message,
        /^prometheus\.io\/rule, line 1, column 4: .*\n {2}sum\(up, shop_queue_length\n {5}\^/,
      );
      const { status, body } = await portal.ask<AlertsResult>(
        entityRoute('broken', 'alerts'),
      );
      assert.equal(status, 400);
      assert.match(body.error!.message, /^prometheus\.io\/alert, line 1/);
    });

    it('has nothing for an entity without annotations', async () => {
      assert.deepEqual((await panels('plain')).panels, []);
      const { body } = await portal.ask<AlertsResult>(
        entityRoute('plain', 'alerts'),
      );
      assert.deepEqual(body, {
        uiUrl: 'https://prom.example/',
        alerts: [],
        warnings: [],
      });
    });

    it('asks the instance that the entity names, and the one that is chosen for it', async () => {
      for (const name of ['staging', 'chosen']) {
        assert.equal((await panels(name)).instance, 'staging');
        const { body } = await draw(name, 0, HOUR);
        assert.equal(
          Math.max(...body.series.map(({ values }) => values[10]!)),
          2000,
          name,
        );
      }
      const { status, body } = await portal.ask<Refusal>(
        entityRoute('nowhere', 'panels'),
      );
      assert.equal(status, 400);
      assert.equal(
        body.error!.message,
        'There is no Prometheus instance "nowhere"; there are default, staging, narrow',
      );
    });

    it('narrows every query and alert to the labels of the entity', async () => {
      const { body } = await draw('narrowed', 0, HOUR);
      assert.deepEqual(
        body.series.map(({ labels }) => labels.team),
        ['a'],
      );
      const custom = await portal.ask<RangeResult>(
        entityRoute('narrowed', 'query/range'),
        { query: 'shop_queue_length{team="b"} or shop_queue_length', ...HOUR },
      );
      assert.deepEqual(
        custom.body.series.map(({ labels }) => labels.team),
        ['a'],
      );
      const alerts = await portal.ask<AlertsResult>(
        entityRoute('narrowed', 'alerts'),
      );
      assert.ok(alerts.body.alerts.length > 0);
      assert.ok(alerts.body.alerts.every(({ labels }) => labels.team === 'a'));
      const free = await portal.ask<Refusal>('/query/range', {
        instance: 'narrow',
        query: 'up',
        ...HOUR,
      });
      assert.equal(free.status, 400);
      assert.match(free.body.error!.message, /enforces labels by entity/);
    });

    it('lists the alerts that are asked for, with all that is known of them', async () => {
      const firing = await eventually(async () => {
        const { body } = await portal.ask<AlertsResult>(
          entityRoute('shop', 'alerts'),
        );
        const [first, ...rest] = body.alerts;
        assert.equal(first.state, 'firing');
        assert.deepEqual(
          rest.map(({ name, state }) => [name, state]),
          [['NeverFiring', 'inactive']],
        );
        return first;
      });
      assert.equal(firing.name, 'AlwaysFiring');
      assert.equal(firing.value, 1);
      assert.equal(firing.labels.severity, 'page');
      assert.equal(firing.annotations.summary, 'It fires');
      assert.equal(firing.runbookUrl, 'https://runbooks.example/firing');
      assert.ok(Date.parse(firing.activeAt!) > Date.now() - 300_000);
      assert.ok(Date.parse(firing.lastEvaluation!) > Date.now() - 60_000);
      assert.equal(firing.query, 'vector(1)');

      const all = await portal.ask<AlertsResult>(
        entityRoute('everything', 'alerts'),
      );
      assert.deepEqual(
        all.body.alerts.map(({ name, state }) => `${name} ${state}`),
        ['AlwaysFiring firing', 'LongPending pending', 'NeverFiring inactive'],
      );
      const labelled = await portal.ask<AlertsResult>(
        entityRoute('labelled', 'alerts'),
      );
      assert.deepEqual(
        labelled.body.alerts.map(({ name }) => name),
        ['AlwaysFiring'],
      );
    });

    it('lists alerts by name: of the annotation to all readers, others to whom custom queries are allowed', async () => {
      const named = (fixture: PortalFixture, name: string, names: unknown) =>
        fixture.ask<AlertsResult>(entityRoute(name, 'alerts'), { names });
      const quiet = await named(strict, 'shop', ['NeverFiring']);
      assert.deepEqual(
        quiet.body.alerts.map(({ name }) => name),
        ['NeverFiring'],
      );
      const wide = await named(strict, 'everything', ['LongPending']);
      assert.deepEqual(
        wide.body.alerts.map(({ name }) => name),
        ['LongPending'],
      );
      for (const names of ['all', ['AlwaysFiring', 'LongPending']]) {
        const { status, body } = await named(strict, 'shop', names);
        assert.equal(status, 403);
        assert.match(body.error!.message, /prometheus\.query\.custom/);
        const allowed = await named(portal, 'shop', names);
        assert.equal(allowed.status, 200, JSON.stringify(allowed.body));
        assert.equal(allowed.body.alerts.length, names === 'all' ? 3 : 2);
      }
      const labelled = await named(portal, 'labelled', ['LongPending']);
      assert.deepEqual(labelled.body.alerts, [], 'it has another team');
      const narrowed = await named(portal, 'narrowed', ['NeverFiring']);
      assert.deepEqual(narrowed.body.alerts, [], 'it has another team');
      const hidden = await named(portal, 'hidden', ['AlwaysFiring']);
      assert.equal(hidden.status, 403);
      const wrong = await named(portal, 'shop', 'some');
      assert.equal(wrong.status, 400);
      assert.match(wrong.body.error!.message, /^names: /);
    });

    it('says nothing of an entity that the caller may not read', async () => {
      const absent = await portal.ask<Refusal>(entityRoute('absent', 'panels'));
      assert.equal(absent.status, 404);
      for (const rest of ['panels', 'alerts']) {
        const secret = await portal.ask<Refusal>(entityRoute('secret', rest));
        assert.equal(secret.status, 404);
        assert.equal(
          secret.body.error!.message,
          absent.body.error!.message.replace('absent', 'secret'),
        );
      }
    });

    it('refuses panels and alerts to who may read the entity alone', async () => {
      for (const [rest, permission] of [
        ['panels', 'prometheus.panel.read'],
        ['alerts', 'prometheus.alert.read'],
      ]) {
        const { status, body } = await portal.ask<Refusal>(
          entityRoute('hidden', rest),
        );
        assert.equal(status, 403);
        assert.equal(
          body.error!.message,
          `The permission ${permission} is missing`,
        );
        assert.deepEqual(Object.keys(body).sort(), [
          'error',
          'request',
          'response',
        ]);
      }
    });

    it('refuses queries of their own to everyone whom no policy allows them', async () => {
      const query = { query: 'shop_queue_length', ...HOUR };
      for (const [route, body] of [
        ['/query/range', query],
        ['/query/instant', { query: 'up' }],
        [entityRoute('shop', 'query/range'), query],
        [entityRoute('shop', 'query/instant'), { query: 'up' }],
        ['/instances', undefined],
      ] as const) {
        const { status, body: answer } = await strict.ask<Refusal>(route, body);
        assert.equal(status, 403, route);
        assert.match(answer.error!.message, /prometheus\.query\.custom/);
      }
      const allowed = await portal.ask<RangeResult>('/query/range', query);
      assert.equal(allowed.status, 200);
      assert.equal(allowed.body.series.length, 2);
      const { body } = await portal.ask<object>('/instances');
      assert.deepEqual(body, { instances: ['default', 'staging', 'narrow'] });
    });

    it('answers other services, and nobody without credentials', async () => {
      const service = await portal.askAsService<EntityPanels>(
        entityRoute('shop', 'panels'),
      );
      assert.equal(service.status, 200);
      assert.equal(service.body.panels.length, 3);
      const nobody = await portal.askAsNobody<Refusal>(
        entityRoute('shop', 'panels'),
      );
      assert.equal(nobody.status, 401);
    });

    it('takes no query, address or header of a client where a panel is asked for', async () => {
      const [{ id }] = (await panels('shop')).panels;
      for (const extra of [
        { query: 'up' },
        { url: 'http://127.0.0.1:1' },
        { instance: 'staging' },
        { timeout: '1y' },
      ]) {
        const { status, body } = await portal.ask<Refusal>(
          entityRoute('shop', `panels/${id}/range`),
          { ...HOUR, ...extra },
        );
        assert.equal(status, 400, JSON.stringify(extra));
        assert.match(body.error!.message, /Unrecognized key/);
      }
      const { status } = await portal.ask<Refusal>(
        `${entityRoute('shop', `panels/${id}/range`)}?query=up&instance=staging`,
        HOUR,
      );
      assert.equal(status, 200, 'parameters of the URL mean nothing');
    });

    it('says what is wrong with a range, and what the server says of a query', async () => {
      for (const [range, message] of [
        [{ start: T0 }, /^end: /],
        [{ start: T0, end: T0 - 1 }, /start before it ends/],
        [{ ...HOUR, step: 0.5 }, /^step: /],
        [{ start: 0, end: T0 }, /range/i],
        [{ ...HOUR, end: T0 + 30 * 86_400, step: 1 }, /points/],
      ] as const) {
        const { status, body } = await draw('shop', 0, range);
        assert.equal(status, 400, JSON.stringify(range));
        assert.match(body.error!.message, message);
      }
      const [{ id }] = (await panels('shop')).panels;
      const exemplars = await portal.ask<Refusal>(
        entityRoute('shop', `panels/${id}/exemplars`),
        { start: 0, end: T0 },
      );
      assert.equal(exemplars.status, 400);
      assert.match(exemplars.body.error!.message, /range/i);
      const { status, body } = await portal.ask<Refusal>('/query/instant', {
        query: 'rate(up)',
      });
      assert.equal(status, 400);
      assert.match(body.error!.message, /expected type range vector/);
      assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1/);
    });

    it('serves the frontend plugin, which shows what is refused as it was said', async () => {
      const api = (fixture: PortalFixture) => new BackendPrometheusApi(fixture);
      const { panels: found } = await api(portal).panels(entityOf('shop'));
      assert.equal(found.length, 3);
      const extra = { ...HOUR, maxPoints: 100, label: 'an hour' };
      const range = await api(portal).panelRange(
        entityOf('shop'),
        found[2],
        extra,
      );
      assert.equal(range.series[0].values[10], 30);
      const custom = await api(portal).customRange(
        entityOf('shop'),
        'vector(5)',
        HOUR,
      );
      assert.equal(custom.series[0].values[10], 5);
      const { alerts, uiUrl } = await api(portal).alerts(entityOf('shop'));
      assert.deepEqual([alerts.length, uiUrl], [2, 'https://prom.example/']);
      const all = await api(portal).alerts(entityOf('shop'), 'all');
      assert.equal(all.alerts.length, 3);
      for (const [request, message] of [
        [
          () => api(portal).panels(entityOf('nowhere')),
          /there are default, staging/,
        ],
        [
          () =>
            api(portal).panelRange(
              entityOf('shop'),
              { ...found[0], id: 'x' },
              HOUR,
            ),
          /annotations may have changed/,
        ],
        [
          () => api(portal).customRange(entityOf('shop'), 'rate(up)', HOUR),
          /expected type range vector/,
        ],
        [
          () => api(strict).alerts(entityOf('shop'), 'all'),
          /prometheus\.query\.custom/,
        ],
        [() => api(portal).panels(entityOf('secret')), /There is no entity/],
      ] as const) {
        await assert.rejects(request(), { name: 'ResponseError', message });
      }
    });

    it('is what the frontend plugin asks where no path of a proxy is configured', async () => {
      const { discoveryApi, fetchApi } = portal;
      const prometheusConfig = {
        instances: [{ name: 'default' }, { name: 'old', proxyPath: '/old' }],
      };
      const api = DefaultPrometheusApi.create({
        configApi: new ConfigReader({ prometheus: prometheusConfig }),
        discoveryApi,
        fetchApi,
      });
      const shop = entityOf('shop');
      const { panels: found, uiUrl } = await api.panels(shop);
      assert.deepEqual([found.length, uiUrl], [3, 'https://prom.example/']);
      await assert.rejects(api.customRange(shop, 'rate(up)', HOUR), {
        name: 'ResponseError',
        message: /expected type range vector/,
      });
      const old = entityOf('plain');
      old.metadata.annotations = { [SERVICE]: 'old' };
      await assert.rejects(api.customRange(old, 'up', HOUR), {
        name: 'NotFoundError',
        message: /The proxy has no endpoint "\/old"/,
      });
    });

    it('knows a panel by what it asks for', async () => {
      const { status, body } = await portal.ask<Refusal>(
        entityRoute('shop', 'panels/0123456789ab/range'),
        HOUR,
      );
      assert.equal(status, 404);
      assert.match(body.error!.message, /annotations may have changed/);
    });
  },
);

function entityOf(name: keyof typeof ENTITIES): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: { name, ...ENTITIES[name] },
  };
}

const alertRules = [
  {
    alert: 'AlwaysFiring',
    expr: 'vector(1)',
    labels: { severity: 'page', team: 'a' },
    annotations: {
      summary: 'It fires',
      runbook_url: 'https://runbooks.example/firing',
    },
  },
  {
    alert: 'LongPending',
    expr: 'vector(2)',
    for: '1h',
    labels: { severity: 'page', team: 'b' },
  },
  { alert: 'NeverFiring', expr: 'vector(0) > 1', labels: { team: 'b' } },
];

/** Two hours of two teams' queue and orders, a value a minute. */
function samples(factor: number): string {
  const lines = ['# TYPE shop_queue_length gauge'];
  for (let minute = 0; minute <= 120; minute += 1) {
    const time = T0 + minute * MINUTE;
    lines.push(
      `shop_queue_length{queue="web",team="a"} ${minute * factor} ${time}`,
      `shop_queue_length{queue="web",team="b"} ${2 * minute * factor} ${time}`,
    );
  }
  lines.push('# TYPE shop_orders counter');
  for (let minute = 0; minute <= 120; minute += 1) {
    const time = T0 + minute * MINUTE;
    lines.push(
      `shop_orders_total{queue="web",shop="shop",team="a"} ${minute * factor} ${time}`,
      `shop_orders_total{queue="web",shop="shop",team="b"} ${2 * minute * factor} ${time}`,
    );
  }
  return `${lines.join('\n')}\n# EOF\n`;
}
