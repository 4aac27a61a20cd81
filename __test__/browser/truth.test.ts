// Shows nothing as good that is not known to be good: a real Prometheus with difficult data, a real
// backend and a real browser.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { Prometheus } from '../support/Prometheus';
import { eventually } from '../support/eventually';
import { suiteScope } from '../support/suiteScope';
import type { Locator } from 'playwright-core';
import { AppFixture, type View } from './AppFixture';
import { legendOf, plotOf, pointAt, shown, watchRanges } from './appPage';
import { difficultSamples } from './difficult';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const LABELS = 'prometheus.io/labels';

const NOW = Math.floor(Date.now() / 1000);

/** An hour long ago, as it stands in an address. */
const PAST = `?range=${iso(NOW - 7200)}/${iso(NOW - 3600)}`;

const PAIR = '(vector(1) or label_replace(vector(1), "side", "b", "", ""))';

const RULES = [
  { alert: 'ManyToMany', expr: `${PAIR} + on () ${PAIR}` },
  { alert: 'Quiet', expr: 'up{job="nobody"} == 0' },
];

const PER_REQUEST =
  'rate(shop_queries_total[5m]) / on () rate(shop_requests_total[5m])';
const FIXED = 'rate(shop_requests_total[2m])';
const RATE = 'rate(shop_requests_total[$__rate_interval])';

const FAILED = /Failed to load resource/;

const ENTITIES = {
  units: {
    annotations: {
      [RULE]: `${PER_REQUEST}, process_start_time_seconds, # All of them
        shop_keys`,
    },
  },
  odd: { annotations: { [RULE]: 'shop_odd|kind' } },
  many: { annotations: { [RULE]: 'shop_many|n' } },
  steps: { annotations: { [RULE]: `${FIXED}, ${RATE}` } },
  shop: { annotations: { [RULE]: 'shop_queue_length' } },
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
    const scope = suiteScope();

    before(async () => {
      const server = await Prometheus.serve(scope, {
        openmetrics: difficultSamples(NOW),
        groups: [{ name: 'difficult', rules: RULES }],
        limit: 600_000,
      });
      app = await AppFixture.start(scope, {
        prometheus: {
          instances: [
            { name: 'default', url: server.url, uiUrl: 'https://prom.example' },
          ],
        },
        entities: ENTITIES,
      });
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

    it('asks again for a range of the past: on "Refresh", and on "Try again"', async t => {
      const page = await open(t, 'shop', { search: PAST });
      await shown(page, 'shop_queue_length');
      const bodies = watchRanges(page);
      await page.getByRole('button', { name: 'Refresh', exact: true }).click();
      await eventually(() => assert.equal(bodies.length, 1));

      const failing = await open(t, 'shop', { tab: 'none', expected: FAILED });
      await failing.route('**/range', route =>
        route.fulfill({ status: 503, body: '<html>' }),
      );
      await failing.goto(failing.url().replace('none', `prometheus${PAST}`));
      await failing.getByText('Prometheus did not answer').waitFor();
      await failing.unroute('**/range');
      await failing.getByRole('button', { name: 'Try again' }).click();
      await plotOf(failing, 'shop_queue_length').waitFor();
    });

    it('goes on after the 404 of a load balancer', async t => {
      const page = await open(t, 'shop', { tab: 'none', expected: FAILED });
      await page.route('**/panels', route =>
        route.fulfill({ status: 404, body: '<html>default backend</html>' }),
      );
      await page.goto(page.url().replace('none', 'prometheus'));
      await page.getByText('Backstage could not be reached').waitFor();
      await page.unroute('**/panels');
      await page.getByRole('button', { name: 'Try again' }).click();
      await shown(page, 'shop_queue_length');
    });

    it('has the unit that the values have', async t => {
      const page = await open(t, 'units');
      assert.match(await pointAt(page, PER_REQUEST, 0.5), / 2$/);
      assert.match(
        await pointAt(page, 'process_start_time_seconds', 0.5),
        / 2026-01-31 09:05$/,
      );
      assert.match(await pointAt(page, 'shop_keys', 0.5), / 3\.5P$/);
    });

    it('says the step, and that a window is shorter; fills in one that is not', async t => {
      const page = await open(t, 'steps', { search: '?range=7d' });
      await shown(page, FIXED);
      await page.getByText('Step 30m', { exact: true }).first().waitFor();
      await page.getByText(/Each point looks back 2m, and/).waitFor();
      await shown(page, RATE);
      assert.equal(await page.getByText(/Each point looks back/).count(), 1);
      const menu = page.getByRole('button', { name: `Options of ${RATE}` });
      await menu.click();
      const link = page.getByRole('menuitem', { name: 'Open in Prometheus' });
      const href = new URL((await link.getAttribute('href'))!);
      assert.equal(
        href.searchParams.get('g0.expr'),
        'rate(shop_requests_total[1815s])',
      );
    });

    it('shows what is infinite as infinite, marks when, and says where the gaps are from', async t => {
      const page = await open(t, 'odd');
      await shown(page, 'shop_odd');
      const row = (name: string) =>
        legendOf(page, 'shop_odd').getByRole('row', { name });
      assert.match(await row('infinite').innerText(), /∞\s+3\s+∞\s+∞$/);
      assert.match(await row('undefined').innerText(), /NaN\s+4\s+4\s+4$/);
      for (const note of [
        '1 series is infinite at times, marked at the edge of the graph.',
        '1 series is not a number (NaN) at times: there the graph has gaps.',
      ]) {
        await page.getByText(note, { exact: true }).waitFor();
      }
      assert.match(
        await pointAt(page, 'shop_odd', 0.99),
        /infinite ∞ undefined NaN/,
      );
    });

    it('marks what is infinite or NaN in a sparkline, and says it', async t => {
      const marks = (sparkline: Locator) =>
        sparkline.locator('svg').evaluateAll(all =>
          all.flatMap(svg => {
            const { top, height } = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('[data-value]')].map(mark => {
              const { y } = mark.getBoundingClientRect();
              const place = Math.round(((y - top) / height) * 10) / 10;
              return `${mark.getAttribute('data-value')} at ${place}`;
            });
          }),
        );
      const overview = await open(t, 'odd', { tab: 'summary' });
      const row = overview
        .getByRole('list', { name: 'Graphs' })
        .getByRole('listitem');
      await row.getByText('∞, NaN', { exact: true }).waitFor();
      // Twice in ten minutes of an hour, and in its second half.
      const found = await marks(row);
      assert.ok(found.filter(text => text === '+Inf at 0.1').length >= 5);
      assert.equal(found.filter(text => text === 'NaN at 0.5').length, 1);
      assert.equal(
        await row.getByTitle(/infinite/).getAttribute('title'),
        '1 series is infinite at times. 1 series is not a number (NaN) at times.',
      );

      const page = await open(t, 'odd');
      await shown(page, 'shop_odd');
      await page.getByRole('button', { name: 'Options of shop_odd' }).click();
      await page.getByRole('menuitemradio', { name: 'Newest values' }).click();
      const stats = page.getByRole('list', { name: 'shop_odd' });
      const stat = (name: string) =>
        stats.getByRole('listitem').filter({ hasText: name });
      await stat('infinite').getByText('∞', { exact: true }).waitFor();
      await stat('undefined').getByText('NaN', { exact: true }).waitFor();
      assert.ok((await marks(stat('infinite'))).includes('+Inf at 0.1'));
      assert.deepEqual(await marks(stat('undefined')), ['NaN at 0.5']);
    });

    it('keeps the largest of too many series, and says that there are more', async t => {
      const page = await open(t, 'many', { search: '?range=5m' });
      await shown(page, 'shop_many');
      const note = 'The largest 500 series are shown; there are more';
      await page.getByText(`${note}. Aggregate or select fewer.`).waitFor();
      const buttons = legendOf(page, 'shop_many').getByRole('button');
      await buttons.and(page.getByLabel('599', { exact: true })).waitFor();
      assert.equal(await page.getByLabel('99', { exact: true }).count(), 0);
      await page.getByRole('button', { name: 'Options of shop_many' }).click();
      await page.getByRole('menuitemradio', { name: 'Stacked areas' }).click();
      await page.getByText(`${note}, and the stack lacks them.`).waitFor();
    });

    it('goes no further than now', async t => {
      const page = await open(t, 'shop');
      await shown(page, 'shop_queue_length');
      const later = page.getByRole('button', { name: 'Later' });
      assert.ok(await later.isDisabled());
      await page.getByRole('button', { name: 'Earlier' }).click();
      const bodies = watchRanges(page);
      await later.click();
      await page.getByRole('button', { name: /^Range: Last 1 hour/ }).waitFor();
      await eventually(() => assert.ok(bodies.length > 0));

      const tomorrow = NOW + 86_400;
      const half = await open(t, 'shop', {
        search: `?range=${iso(NOW - 3600)}/${iso(tomorrow)}`,
      });
      const asked = watchRanges(half);
      await half.getByRole('button', { name: 'Refresh', exact: true }).click();
      await eventually(() => assert.ok(asked.length > 0));
      assert.ok(asked.every(({ end }) => end <= Date.now() / 1000));
      const ahead = `?range=${iso(tomorrow)}/${iso(tomorrow + 3600)}`;
      const none = await open(t, 'shop', { search: ahead });
      await none.getByRole('button', { name: /^Range: Last 1 hour/ }).waitFor();
    });

    it('leaves a range in the hour that comes twice as it is', async t => {
      // The second half past two of that night in Berlin.
      const range = '2023-10-29T01:30:00Z/2023-10-29T03:00:00Z';
      const page = await open(t, 'shop', {
        search: `?range=${range}`,
        timeZone: 'Europe/Berlin',
      });
      const dialog = page.getByRole('dialog');
      const custom = async () => {
        await page.getByRole('button', { name: /^Range: / }).click();
        await page.getByRole('option', { name: 'From … to …' }).click();
      };
      const kept = () => new URL(page.url()).searchParams.get('range');
      await custom();
      await dialog.getByRole('button', { name: 'Show' }).click();
      await dialog.waitFor({ state: 'detached' });
      assert.equal(kept(), range);
      await custom();
      await dialog
        .getByRole('button', { name: 'Offset of “From”: UTC+01:00' })
        .click();
      await page.getByRole('option', { name: 'UTC+02:00' }).click();
      await dialog.getByRole('button', { name: 'Show' }).click();
      await dialog.waitFor({ state: 'detached' });
      assert.equal(kept(), '2023-10-29T00:30:00Z/2023-10-29T03:00:00Z');
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

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
