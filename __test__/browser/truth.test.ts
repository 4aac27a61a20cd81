// What is not known to be good is never shown as good: a real Prometheus with difficult data, a real
// backend and a real browser.
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { Prometheus } from '../support/Prometheus';
import { AppFixture, type View } from './AppFixture';

const ALERT = 'prometheus.io/alert';
const LABELS = 'prometheus.io/labels';

const PAIR = '(vector(1) or label_replace(vector(1), "side", "b", "", ""))';

const RULES = [
  { alert: 'ManyToMany', expr: `${PAIR} + on () ${PAIR}` },
  { alert: 'Quiet', expr: 'up{job="nobody"} == 0' },
];

const ENTITIES = {
  unhealthy: { annotations: { [ALERT]: 'ManyToMany' } },
  quiet: {
    annotations: { [ALERT]: 'Quiet, Queit', [LABELS]: 'instance=a' },
  },
};

describe(
  'the page of an entity, with difficult data',
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  () => {
    let app: AppFixture;
    const cleanUps: (() => unknown)[] = [];

    before(async () => {
      const scope = {
        after: (cleanUp: () => unknown) => cleanUps.push(cleanUp),
      } as unknown as TestContext;
      const server = await Prometheus.serve(scope, {
        groups: [{ name: 'difficult', rules: RULES }],
        limit: 600_000,
      });
      app = await AppFixture.start(scope, {
        prometheus: { instances: [{ name: 'default', url: server.url }] },
        entities: ENTITIES,
      });
    });

    after(async () => {
      for (const cleanUp of cleanUps.reverse()) {
        await cleanUp();
      }
    });

    const open = (t: TestContext, entity: string, view?: View) =>
      app.open(t, entity, view);

    it('shows a rule that fails as unknown, with the reason, and never as quiet', async t => {
      const page = await open(t, 'unhealthy');
      const row = page.getByRole('row', { name: /ManyToMany/ });
      await row.waitFor();
      assert.match(await row.innerText(), /Unknown/);
      assert.match(await row.innerText(), /cannot be evaluated: .*duplicate/);
      await page.getByText('1 unknown', { exact: true }).waitFor();
      assert.equal(await page.getByText(/quiet|inactive/i).count(), 0);
    });

    it('finds a quiet rule by labels that its series have, and says which name is misspelt', async t => {
      const page = await open(t, 'quiet');
      await page.getByText('The one alert is quiet').waitFor();
      await page
        .getByText('No alerting rule has the name “Queit”.', { exact: true })
        .waitFor();
    });
  },
);
