// The graph of an alert's expression: what is asked is what the server's own rules say, and nothing
// that a browser sends.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import type {
  Alert,
  AlertsResult,
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BackendPrometheusApi } from '../../plugins/prometheus/src/api/BackendPrometheusApi';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import { suiteScope } from '../support/suiteScope';
import { prometheus, without } from '../support/tools';
import { entityRoute, PortalFixture } from './PortalFixture';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const SERVICE = 'prometheus.io/service-name';

const STEP = 15;
const END = Math.floor(Date.now() / 1000 / STEP) * STEP;
const RANGE = { start: END - 1800, end: END, step: 60 };

const SLOW = 'shop_latency_seconds > 0.5';

const RULES = [
  { alert: 'Slow', expr: SLOW, labels: { severity: 'page' } },
  { alert: 'Untouched', expr: 'vector(0) > 1', labels: { team: 'b' } },
  { alert: 'OfNobody', expr: 'sum(shop_latency_seconds) > 0' },
];

/** Team a is slow from ten minutes ago on, and team b always. */
function samples(): string {
  const lines = ['# TYPE shop_latency_seconds gauge'];
  for (let time = END - 3600; time <= END; time += STEP) {
    const value = time < END - 600 ? 0.25 : 0.75;
    lines.push(
      `shop_latency_seconds{team="a"} ${value} ${time}`,
      `shop_latency_seconds{team="b"} 2 ${time}`,
    );
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

const alerts = (names: string, more: Record<string, string> = {}) => ({
  annotations: { [RULE]: 'up', [ALERT]: names, ...more },
});

const ENTITIES = {
  shop: alerts('Slow'),
  older: alerts('Slow', { [SERVICE]: 'older' }),
  both: alerts('all', { [SERVICE]: 'default, older' }),
  narrowed: {
    ...alerts('all'),
    spec: { system: 'narrow', owner: 'a' },
  },
  unseen: { ...alerts('Slow'), spec: { lifecycle: 'unseen' } },
  hidden: { ...alerts('Slow'), spec: { lifecycle: 'hidden' } },
  secret: { ...alerts('Slow'), spec: { lifecycle: 'secret' } },
};

type Name = keyof typeof ENTITIES;

describe(
  "the graph of an alert's expression",
  {
    skip: without(
      prometheus(2).server,
      prometheus(3).server,
      prometheus(3).promtool,
    ),
  },
  () => {
    let portal: PortalFixture;
    const scope = suiteScope();

    before(async () => {
      const [newer, older] = await Promise.all(
        ([3, 2] as const).map(major =>
          Prometheus.serve(scope, {
            major,
            openmetrics: samples(),
            groups: [{ name: 'shop', rules: RULES }],
            limit: 180_000,
          }),
        ),
      );
      portal = await PortalFixture.start(scope, {
        prometheus: {
          instances: [
            { name: 'default', url: newer.url },
            { name: 'older', url: older.url },
            {
              name: 'narrow',
              url: newer.url,
              enforceLabels: { team: '${{ entity.spec.owner }}' },
            },
          ],
        },
        entities: ENTITIES,
      });
    });

    /** As soon as the rules were evaluated. */
    const list = (entity: Name, names?: string[]) =>
      eventually(async () => {
        const { status, body } = await portal.ask<AlertsResult>(
          entityRoute(entity, 'alerts'),
          names && { names },
        );
        assert.equal(status, 200, JSON.stringify(body));
        assert.ok(body.alerts.every(({ state }) => state !== 'unknown'));
        return body.alerts;
      });
    const alertOf = async (entity: Name, name: string, instance?: string) => {
      const found = (await list(entity)).find(
        one => one.name === name && one.instance === instance,
      );
      assert.ok(found, name);
      return found;
    };
    const draw = (entity: Name, { ruleId }: Alert, more: object = {}) =>
      portal.ask<RangeResult>(
        entityRoute(entity, `alerts/${encodeURIComponent(ruleId!)}/range`),
        { ...RANGE, ...more },
      );
    const valuesOf = ({ series }: RangeResult) =>
      Object.fromEntries(
        series.map(({ labels, values }) => [
          labels.team,
          [values[0], values.at(-1)],
        ]),
      );

    for (const name of ['shop', 'older'] as const) {
      it(`has the values on both sides of the threshold: ${name}`, async () => {
        const { status, body } = await draw(name, await alertOf(name, 'Slow'));
        assert.equal(status, 200, JSON.stringify(body));
        assert.deepEqual(valuesOf(body), { a: [0.25, 0.75], b: [2, 2] });
      });
    }

    it('tells the instances of an entity apart', async () => {
      const [first, second] = await Promise.all(
        ['default', 'older'].map(name => alertOf('both', 'Slow', name)),
      );
      assert.notEqual(first.ruleId, second.ruleId);
      for (const alert of [first, second]) {
        const { body } = await draw('both', alert);
        assert.deepEqual(valuesOf(body), { a: [0.25, 0.75], b: [2, 2] });
      }
      const elsewhere = `${first.ruleId!.split('.')[0]}.narrow`;
      const { status } = await draw('both', { ...first, ruleId: elsewhere });
      assert.equal(status, 404);
    });

    it('has no more than the labels that the instance enforces, of no rule of others', async () => {
      const found = await list('narrowed');
      assert.deepEqual(
        found.map(({ name, labels }) => [name, labels.team]),
        [['Slow', 'a']],
      );
      const { body } = await draw('narrowed', found[0]);
      assert.deepEqual(valuesOf(body), { a: [0.25, 0.75] });
      for (const name of ['Untouched', 'OfNobody']) {
        const other = await alertOf('both', name, 'default');
        const ruleId = other.ruleId!.split('.')[0];
        const { status } = await draw('narrowed', { ...other, ruleId });
        assert.equal(status, 404, name);
      }
    });

    it('is there for whoever may read the alerts, and for nobody else', async () => {
      const alert = await alertOf('unseen', 'Slow');
      assert.equal((await draw('unseen', alert)).status, 200);
      const panels = await portal.ask<EntityPanels>(
        entityRoute('unseen', 'panels'),
      );
      assert.equal(panels.status, 403);
      const hidden = await draw('hidden', alert);
      assert.equal(hidden.status, 403);
      assert.match(hidden.body.error!.message, /prometheus\.alert\.read/);
      assert.equal((await draw('secret', alert)).status, 404);
      const nobody = await portal.askAsNobody(
        entityRoute('shop', `alerts/${alert.ruleId}/range`),
        RANGE,
      );
      assert.equal(nobody.status, 401);
    });

    it('is of the rules that the annotation asks for; others are custom queries', async () => {
      const { ruleId } = await alertOf('both', 'Untouched', 'default');
      const other = {
        ...(await alertOf('shop', 'Slow')),
        ruleId: ruleId!.split('.')[0],
      };
      assert.equal((await draw('shop', other)).status, 404);
      for (const names of ['all', ['Untouched'], ['Slow', 'Untouched']]) {
        const { status, body } = await draw('shop', other, { names });
        assert.equal(status, 403, JSON.stringify(body));
      }
      const alert = await alertOf('shop', 'Slow');
      const asked = await draw('shop', alert, { names: ['Slow'] });
      assert.equal(asked.status, 200);
    });

    it('takes no query, and no rule that the server does not have', async () => {
      const alert = await alertOf('shop', 'Slow');
      const query = await draw('shop', alert, { query: 'up' });
      assert.equal(query.status, 400);
      assert.match(query.body.error!.message, /Unrecognized key: "query"/);
      for (const ruleId of ['up', 'ffffffffffffffff', '../alerts', SLOW]) {
        const { status, body } = await draw('shop', { ...alert, ruleId });
        assert.equal(status, 404, ruleId);
        assert.match(body.error!.message, /no such alert/);
      }
    });

    it('reaches the page through its API', async () => {
      const api = new BackendPrometheusApi(portal);
      const entity: Entity = {
        apiVersion: 'backstage.io/v1alpha1',
        kind: 'Component',
        metadata: { name: 'shop', namespace: 'default' },
      };
      const alert = await alertOf('shop', 'Slow');
      const result = await api.alertRange(entity, alert, undefined, RANGE);
      assert.deepEqual(valuesOf(result), { a: [0.25, 0.75], b: [2, 2] });
    });
  },
);
