// The alerts on an entity's page, with what a real backend and a real Prometheus say of them.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { AppFixture, type View } from './AppFixture';
import { plotOf, violations } from './appPage';

const ALERT = 'prometheus.io/alert';
const LABELS = 'prometheus.io/labels';

const STEP = 15;
const PODS = 6;

/** Pods that have been slow for ten minutes, and a queue that is nearly empty. */
function samples(now: number): string {
  const end = Math.floor(now / STEP) * STEP;
  const lines = ['# TYPE kitchen_latency_seconds gauge'];
  const times = Array.from(
    { length: (2 * 3600) / STEP + 1 },
    (_, index) => end - 2 * 3600 + index * STEP,
  );
  for (let pod = 0; pod < PODS; pod += 1) {
    for (const time of times) {
      const wave = 0.05 * Math.sin(time / 300 + pod);
      const value = (time < end - 600 ? 0.2 : 0.7) + pod / 20 + wave;
      lines.push(
        `kitchen_latency_seconds{pod="kitchen-${pod}"} ${value} ${time}`,
      );
    }
  }
  lines.push('# TYPE kitchen_queue gauge');
  lines.push(...times.map(time => `kitchen_queue 3 ${time}`));
  return [...lines, '# EOF\n'].join('\n');
}

const RULES = [
  {
    alert: 'Slow',
    expr: 'kitchen_latency_seconds > 0.5',
    labels: { severity: 'page' },
    annotations: { summary: '{{ $labels.pod }} is slow' },
  },
  {
    alert: 'Backlog',
    expr: 'kitchen_queue >= 500',
    labels: { severity: 'warning' },
  },
  {
    alert: 'Many',
    expr: 'count(kitchen_latency_seconds) > 2 and on () vector(1)',
    labels: { severity: 'info' },
  },
];

const ENTITIES = {
  kitchen: { annotations: { [ALERT]: 'all' } },
  one: { annotations: { [ALERT]: 'Slow', [LABELS]: 'pod=kitchen-2' } },
};

const REFUSED =
  /Failed to load resource: the server responded with a status of [45]/;

describe(
  "the alerts on an entity's page",
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  () => {
    let app: AppFixture;
    const scope = suiteScope();

    before(async () => {
      const server = await Prometheus.serve(scope, {
        openmetrics: samples(Date.now() / 1000),
        groups: [{ name: 'kitchen', rules: RULES }],
        limit: 600_000,
      });
      app = await AppFixture.start(scope, {
        prometheus: { instances: [{ name: 'default', url: server.url }] },
        entities: ENTITIES,
      });
    });

    const open = (t: TestContext, entity: string, view?: View) =>
      app.open(t, entity, view);
    const openDetails = async (page: Page, name: string) => {
      const row = page.getByRole('row', { name }).first();
      await row.getByRole('button', { name: 'Details' }).click();
    };
    const legend = (page: Page, name: string) =>
      page.getByRole('table', { name: `Series of ${name}` });

    it('draws what an alert is about, before it as well, with its threshold', async t => {
      const page = await open(t, 'one');
      const bodies: unknown[] = [];
      page.on('request', request => {
        if (request.url().endsWith('/range')) {
          bodies.push(request.postDataJSON());
        }
      });
      await openDetails(page, 'Slow');
      const plot = plotOf(page, 'Slow');
      await plot.waitFor();
      await legend(page, 'Slow')
        .getByRole('button', { name: 'Show all (5 hidden)' })
        .waitFor();
      const reading = page.getByRole('status').getByText(/kitchen-/);
      await plot.focus();
      for (const [key, expected] of [
        ['Home', /: kitchen-2 [23]\d\d ms$/],
        ['End', /: kitchen-2 [78]\d\d ms$/],
      ] as const) {
        await plot.press(key);
        assert.match(await reading.innerText(), expected);
      }
      assert.deepEqual(await thresholds(page), ['> 500 ms']);
      const [{ start, end, ...rest }] = bodies as {
        start: number;
        end: number;
        maxPoints: number;
      }[];
      assert.equal(Math.round(end - start), 3600);
      assert.deepEqual(Object.keys(rest), ['maxPoints']);
    });

    it('draws a quiet rule below its threshold, and what is no comparison as it is', async t => {
      const page = await open(t, 'kitchen');
      await page.getByRole('checkbox', { name: 'Show inactive' }).click();
      await openDetails(page, 'Backlog');
      await plotOf(page, 'Backlog').waitFor();
      assert.match(
        await legend(page, 'Backlog').innerText(),
        /kitchen_queue\s+3\s+3\s+3\s+3/,
      );
      await openDetails(page, 'Many');
      await plotOf(page, 'Many').waitFor();
      assert.match(await legend(page, 'Many').innerText(), /6\s+6\s+6\s+6/);
      assert.deepEqual(await thresholds(page), ['>= 500']);
      assert.deepEqual(await violations(page), []);
    });

    it('keeps what alerts are searched for in the address', async t => {
      const page = await open(t, 'kitchen', { search: '?range=3h' });
      const box = page.getByRole('textbox', { name: 'Search alerts' });
      await box.pressSequentially('pod: kitchen-4', { delay: 20 });
      const kept = () => new URL(page.url()).search;
      await eventually(() =>
        assert.equal(kept(), '?range=3h&alerts=pod%3A+kitchen-4'),
      );
      await page.getByText('1 of 8 alerts found').waitFor();
      await page.reload();
      await page.getByText('1 of 8 alerts found').waitFor();
      assert.equal(await box.inputValue(), 'pod: kitchen-4');
      await page.getByRole('button', { name: 'Clear the search' }).click();
      await eventually(() => assert.equal(kept(), '?range=3h'));
      await page.goBack();
      await page.waitForURL(url => !url.search.includes('alerts'));
    });

    it('says in the place of the graph why there is none', async t => {
      const page = await open(t, 'one', { expected: REFUSED });
      await page.route('**/alerts/*/range', route =>
        route.fulfill({ status: 503, body: '<html>' }),
      );
      await openDetails(page, 'Slow');
      const details = page.locator('dl');
      await details.getByText('Prometheus did not answer').waitFor();
      await page.unroute('**/alerts/*/range');
      await details.getByRole('button', { name: 'Try again' }).click();
      await plotOf(page, 'Slow').waitFor();
    });

    it('asks again with the alerts, and not with every second that passes', async t => {
      const page = await open(t, 'one');
      await openDetails(page, 'Slow');
      await plotOf(page, 'Slow').waitFor();
      let count = 0;
      page.on('request', request => {
        count += request.url().endsWith('/range') ? 1 : 0;
      });
      await page.getByRole('button', { name: 'Refresh', exact: true }).click();
      await eventually(() => assert.equal(count, 1));
      await page.waitForLoadState('networkidle');
      assert.equal(count, 1);
    });
  },
);

/** What stands at the lines across the plots of a page. */
async function thresholds(page: Page): Promise<string[]> {
  const plots = page.getByRole('application');
  const texts = await plots.evaluateAll(all =>
    all.map(plot => {
      const id = plot.getAttribute('aria-describedby')!;
      return document.getElementById(id)!.textContent;
    }),
  );
  return texts.flatMap(
    text => /Lines across it: (.*?)\.(?: |$)/.exec(text)?.[1] ?? [],
  );
}
