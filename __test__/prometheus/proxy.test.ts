import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { DefaultPrometheusApi } from '../../plugins/prometheus/src/api/DefaultPrometheusApi';
import { ProxyPrometheusApi } from '../../plugins/prometheus/src/api/ProxyPrometheusApi';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';
import { UpstreamServer } from '../support/UpstreamServer';
import { suiteScope } from '../support/suiteScope';
import { ProxyFixture } from './ProxyFixture';

/** The last minute before midnight, in UTC. */
const T0 = 1_700_092_740;
const MINUTE = 60;
const DAY = 86_400;

const CONFIGURATION = {
  proxyPath: '/prometheus/api/',
  uiUrl: 'https://prom.example',
  scrapeInterval: { minutes: 1 },
  instances: [
    { name: 'staging', proxyPath: '/prometheus-b/api', uiUrl: 'https://b' },
    { name: 'wrong', proxyPath: '/wrong' },
    { name: 'gone', proxyPath: '/gone' },
    { name: 'dead', proxyPath: '/dead' },
    { name: 'page', proxyPath: '/page' },
    { name: 'behind-the-backend' },
  ],
};

describe(
  "Prometheus through Backstage's proxy",
  { skip: without(prometheus(3).server, prometheus(3).promtool) },
  () => {
    let proxy: ProxyFixture;
    const scope = suiteScope();

    before(async () => {
      const [production, staging] = await Promise.all([
        Prometheus.serve(scope, {
          openmetrics: samples(1),
          groups: [{ name: 'shop', rules: alertRules }],
          limit: 180_000,
        }),
        Prometheus.serve(scope, {
          openmetrics: samples(100),
          limit: 180_000,
        }),
      ]);
      const signIn = await UpstreamServer.start(scope, (_, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end('<html>Sign in</html>');
      });
      proxy = await ProxyFixture.start(scope, {
        '/prometheus/api': `${production.url}/api/v1/`,
        '/prometheus-b/api': `${staging.url}/api/v1/`,
        '/prometheus-customary/api': `${staging.url}/api/v1/`,
        '/wrong': production.url,
        '/dead': 'http://127.0.0.1:1/api/v1/',
        '/page': signIn.url,
      });
    });

    const options = (configuration: JsonObject = CONFIGURATION) => ({
      configApi: new ConfigReader({ prometheus: configuration }),
      discoveryApi: proxy.discoveryApi,
      fetchApi: proxy.fetchApi,
    });
    const api = (configuration?: JsonObject) =>
      ProxyPrometheusApi.create(options(configuration));
    const HOUR = { start: T0, end: T0 + 60 * MINUTE, step: MINUTE };
    const draw = (query: string, range: object = {}) =>
      api().customRange(entity({}), query, { ...HOUR, ...range });

    it('sends queries as they are: with "+", and with matchers of regular expressions', async () => {
      const sum = await draw('shop_queue + shop_queue');
      assert.deepEqual(
        sum.series.map(({ values }) => values[10]),
        [20, 40],
      );
      const matched = await draw('shop_queue{team=~".+"}');
      assert.equal(matched.series.length, 2);
    });

    it('reads queries that have commas and bars', async () => {
      const shop = entity({
        rule: 'sum by (queue, team) (shop_queue{queue="web",team=~"a|b"})|team, shop_queue',
      });
      const { panels, problems, instance, uiUrl } = await api().panels(shop);
      assert.deepEqual(problems, []);
      assert.deepEqual([instance, uiUrl], ['default', 'https://prom.example']);
      assert.deepEqual(
        panels.map(({ dimension }) => dimension),
        ['team', undefined],
      );
      const { series } = await api().panelRange(shop, panels[0], HOUR);
      assert.deepEqual(
        series.map(({ labels }) => labels),
        [
          { queue: 'web', team: 'a' },
          { queue: 'web', team: 'b' },
        ],
      );
    });

    it('gives every value its own time, over midnight and over days', async () => {
      const { timestamps, series } = await draw('shop_queue{team="a"}');
      assert.deepEqual(timestamps.slice(0, 3), [T0, T0 + 60, T0 + 120]);
      assert.deepEqual(series[0].values.slice(0, 3), [0, 1, 2]);
      const week = await draw('shop_queue{team="a"}', {
        start: T0 - 3 * DAY,
        end: T0 + 3 * DAY,
        step: 600,
      });
      assert.equal(week.timestamps.length, (6 * DAY) / 600 + 1);
      assert.ok(week.timestamps.every((at, i, all) => !i || at > all[i - 1]));
    });

    it('draws series without labels and of zeros, and leaves gaps for what is no number', async () => {
      const total = await draw('sum(shop_queue)');
      assert.deepEqual(total.series[0].labels, {});
      assert.equal(total.series[0].values[10], 30);
      const zeros = await draw('shop_queue{team="a"} * 0');
      assert.ok(zeros.series[0].values.every(value => value === 0));
      const odd = await draw('1 / (shop_queue{team="a"} - 5) * 0 + 1');
      assert.equal(odd.series[0].values[5], null, 'NaN');
      assert.equal(odd.series[0].values[6], 1);
      const infinite = await draw('1 / shop_queue{team="a"}');
      assert.equal(infinite.series[0].values[0], null);
      const late = await draw('shop_queue{team="a"}', { start: T0 - 600 });
      assert.deepEqual(late.series[0].values.slice(8, 12), [null, null, 0, 1]);
      const scalar = await draw('1 + 1');
      assert.ok(scalar.series[0].values.every(value => value === 2));
    });

    it('has numbers for values', async () => {
      const { series } = await draw('shop_queue * 1000');
      assert.ok(series[1].values.every(value => typeof value === 'number'));
      assert.equal(series[1].values[10], 20_000);
    });

    it('chooses a step that Prometheus takes, and shows what it says of one that it does not', async () => {
      const month = { start: T0 - 30 * DAY, end: T0 + DAY };
      const chosen = await draw('shop_queue', { ...month, step: undefined });
      assert.ok(chosen.timestamps.length <= 11_000);
      const narrow = await draw('shop_queue', {
        ...month,
        step: undefined,
        maxPoints: 300,
      });
      assert.ok(narrow.timestamps.length <= 300);
      await assert.rejects(draw('shop_queue', { ...month, step: 14 }), {
        name: 'InputError',
        message: /^exceeded maximum resolution of 11,000 points per timeseries/,
      });
      await assert.rejects(draw('rate(shop_queue)'), {
        name: 'InputError',
        message: /expected type range vector in call to function "rate"/,
      });
    });

    it('fills in the intervals of a query as Grafana does', async () => {
      const wide = { start: T0, end: T0 + 7200, step: 3600 };
      const { series, intervals, infos } = await draw(
        'max_over_time(shop_queue{team="a"}[$__rate_interval])',
        wide,
      );
      assert.deepEqual(intervals, {
        interval: 3600,
        rateInterval: 3660,
        range: 7200,
      });
      assert.deepEqual(infos, []);
      // At the last whole hour.
      assert.equal(Math.max(...(series[0].values as number[])), 61);
      const narrow = await draw('max_over_time(shop_queue[2m])', wide);
      assert.match(narrow.infos[0], /^Each point looks back 2m, /);
      const chosen = await draw('shop_queue + 0 * $__interval_s', {
        ...wide,
        end: T0 + 600,
        step: undefined,
      });
      assert.equal(chosen.step, MINUTE);
    });

    it('passes on warnings and notes', async () => {
      const { infos } = await draw('rate(shop_queue[5m])');
      assert.match(infos[0], /metric might not be a counter/);
      const { warnings } = await draw('quantile(7, shop_queue)');
      assert.match(warnings[0], /quantile value should be between 0 and 1/);
    });

    it('draws 500 series at the most, and says that there are more', async () => {
      const { series, truncated, warnings } = await draw(
        'label_replace(shop_queue, "n", "x", "", "") or count_values("n", shop_many)',
        { end: T0 + MINUTE },
      );
      assert.equal(series.length, 500);
      assert.deepEqual(truncated, { shown: 500, received: 501 });
      assert.deepEqual(warnings, []);
    });

    it('asks the instance that the entity names, and says which there are for one that is not', async () => {
      const staging = entity({ 'service-name': ' staging ' });
      const { series } = await api().customRange(staging, 'shop_queue', HOUR);
      assert.equal(series[0].values[10], 1000);
      assert.equal((await api().panels(staging)).uiUrl, 'https://b');
      for (const name of ['nowhere', '../prometheus', 'behind-the-backend']) {
        const nowhere = entity({ 'service-name': name, alert: 'all' });
        const failure = ({ name: error, message }: Error) =>
          error === 'InputError' &&
          message.startsWith(
            `There is no Prometheus instance "${name}"; there are default, staging, wrong, gone, dead, page. It needs an item in prometheus.instances`,
          ) &&
          message.includes('prometheus.dynamicProxy: true');
        await assert.rejects(api().panels(nowhere), failure);
        await assert.rejects(api().alerts(nowhere), failure);
        await assert.rejects(
          api().customRange(nowhere, 'shop_queue', HOUR),
          failure,
        );
      }
    });

    it('finds an instance by the customary path of its endpoint', async () => {
      const customary = entity({ 'service-name': 'customary' });
      const { series } = await api().customRange(customary, 'shop_queue', HOUR);
      assert.equal(series[0].values[10], 1000);
    });

    it('lists alerts whatever the space in the annotations, with all that is known of them', async () => {
      const shop = entity({
        alert: ' AlwaysFiring , NeverFiring,Other',
        labels: ' team = a , severity=page ',
      });
      const [alert, ...rest] = await eventually(async () => {
        const { alerts, uiUrl } = await api().alerts(shop);
        assert.equal(alerts[0]?.state, 'firing');
        assert.equal(uiUrl, 'https://prom.example');
        return alerts;
      });
      assert.deepEqual(rest, []);
      assert.equal(alert.name, 'AlwaysFiring');
      assert.equal(alert.value, 1);
      assert.equal(alert.runbookUrl, 'https://runbooks.example/firing');
      assert.ok(Date.parse(alert.activeAt!) > Date.now() - 300_000);
      const all = await api().alerts(entity({}), 'all');
      assert.deepEqual(
        all.alerts.map(({ name, state }) => `${name} ${state}`),
        ['AlwaysFiring firing', 'NeverFiring inactive'],
      );
      assert.deepEqual((await api().alerts(entity({}))).alerts, []);
      const named = await api().alerts(entity({}), ['NeverFiring']);
      assert.equal(named.alerts.length, 1);
    });

    it("draws what an alert's expression compares", async () => {
      const quiet = await eventually(async () => {
        const { alerts } = await api().alerts(entity({}), ['NeverFiring']);
        assert.equal(alerts[0]?.state, 'inactive');
        return alerts[0];
      });
      const drawn = await api().alertRange(entity({}), quiet, undefined, HOUR);
      assert.deepEqual(new Set(drawn.series[0].values), new Set([0]));
      assert.notEqual(quiet.ruleId, undefined, 'there is a graph');
    });

    for (const [name, failure] of [
      [
        'gone',
        /^NotFoundError: The proxy has no endpoint "\/gone"; add it to proxy\.endpoints/,
      ],
      [
        'wrong',
        /^NotFoundError: The target of the proxy's endpoint "\/wrong" has no rules \(HTTP 404\); it has to end with \/api\/v1\//,
      ],
      [
        'dead',
        /^ServiceUnavailableError: The target of the proxy's endpoint "\/dead" does not answer \(HTTP 504\)/,
      ],
      [
        'page',
        /^ServiceUnavailableError: The target .* answered with something that is not Prometheus' API \(HTTP 200\)/,
      ],
    ] as const) {
      it(`says what is wrong with an endpoint that is ${name}`, async () => {
        const of = entity({ 'service-name': name, alert: 'all' });
        await assert.rejects(api().alerts(of), error =>
          failure.test(String(error)),
        );
      });
    }

    it("shows Backstage's own refusals", async () => {
      const stranger = ProxyPrometheusApi.create({
        ...options(),
        fetchApi: { fetch },
      });
      await assert.rejects(stranger.customRange(entity({}), 'up', HOUR), {
        name: 'ResponseError',
        message: 'Missing credentials',
      });
    });

    it('ends a request with its signal', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(
        api().customRange(entity({}), 'up', HOUR, { signal }),
        { name: 'AbortError' },
      );
    });

    it('needs no configuration for the customary endpoint where the backend has no plugin', async () => {
      const unconfigured = DefaultPrometheusApi.create(options({}));
      const shop = entity({ rule: 'shop_queue', alert: 'all' });
      proxy.asked.length = 0;
      const { panels } = await unconfigured.panels(shop);
      await unconfigured.panelRange(shop, panels[0], HOUR);
      const { alerts } = await unconfigured.alerts(shop);
      assert.equal(alerts.length, 2);
      assert.deepEqual(proxy.asked, [
        'GET /api/prometheus/entities/Component/default/shop/panels',
        'GET /api/proxy/prometheus/api/query',
        'POST /api/proxy/prometheus/api/query_range',
        'GET /api/proxy/prometheus/api/rules',
      ]);
    });

    it('says what to install where there is neither a plugin nor an endpoint', async () => {
      const unconfigured = DefaultPrometheusApi.create(options({}));
      const staging = entity({ 'service-name': 'nowhere', rule: 'up' });
      proxy.asked.length = 0;
      for (const request of [
        () => unconfigured.panels(staging),
        () => unconfigured.alerts(staging, 'all'),
      ]) {
        await assert.rejects(request(), {
          code: 'ERR_PROMETHEUS_PLUGIN_MISSING',
          message: /packages\/backend\/src\/index\.ts/,
        });
      }
      // Whoever tries again wants both to be looked for.
      assert.equal(proxy.asked.length, 4);
    });

    it('asks the proxy at once where the configuration has a path', async () => {
      const configured = DefaultPrometheusApi.create(options());
      proxy.asked.length = 0;
      await configured.customRange(entity({}), 'up', HOUR);
      await configured.customRange(
        entity({ 'service-name': 'staging' }),
        'up',
        HOUR,
      );
      assert.deepEqual(proxy.asked, [
        'POST /api/proxy/prometheus/api/query_range',
        'POST /api/proxy/prometheus-b/api/query_range',
      ]);
    });
  },
);

const alertRules = [
  {
    alert: 'AlwaysFiring',
    expr: 'vector(1)',
    labels: { severity: 'page', team: 'a' },
    annotations: { runbook_url: 'https://runbooks.example/firing' },
  },
  { alert: 'NeverFiring', expr: 'vector(0) > 1', labels: { team: 'b' } },
];

function entity(annotations: Record<string, string>): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: 'shop',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [
          `prometheus.io/${name}`,
          value,
        ]),
      ),
    },
  };
}

/** Two hours of two teams' queue, and 600 values of one moment. */
function samples(factor: number): string {
  const lines = ['# TYPE shop_queue gauge'];
  for (let minute = 0; minute <= 120; minute += 1) {
    const time = T0 + minute * MINUTE;
    lines.push(
      `shop_queue{queue="web",team="a"} ${minute * factor} ${time}`,
      `shop_queue{queue="web",team="b"} ${2 * minute * factor} ${time}`,
    );
  }
  lines.push('# TYPE shop_many gauge');
  for (let n = 0; n < 600; n += 1) {
    lines.push(`shop_many{n="${n}"} ${n} ${T0}`);
  }
  return `${lines.join('\n')}\n# EOF\n`;
}
