import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/eventually';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { Prometheus } from '../support/Prometheus';
import { suiteScope } from '../support/suiteScope';
import { AppFixture, type View } from './AppFixture';
import {
  keepPicture,
  legendOf,
  plotOf,
  pointAt,
  shown,
  watchRanges,
} from './appPage';
import { shopRules, shopSamples } from './shop';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const LABELS = 'prometheus.io/labels';
const SERVICE = 'prometheus.io/service-name';

const REQUESTS =
  'sum by (path, region) (rate(shop_requests_total{path=~".+",region=~"eu|us"}[5m]))';

const ENTITIES = {
  shop: {
    annotations: {
      [RULE]: `${REQUESTS}|path, shop_queue_length + 1|queue, shop_payload_bytes`,
      [ALERT]: 'all',
    },
  },
  odd: { annotations: { [RULE]: 'sum(shop_idle), shop_odd|kind' } },
  labelled: {
    annotations: { [ALERT]: 'all', [LABELS]: 'severity=page, team=a' },
  },
  spaced: { annotations: { [ALERT]: 'AlwaysFiring, Quiet' } },
  nowhere: { annotations: { [RULE]: 'up', [SERVICE]: 'nowhere' } },
  template: {
    annotations: {
      [RULE]: `shop_idle{queue="{{ ''.constructor.constructor('window.ran = 1')() }}"}, shop_idle`,
    },
  },
  broken: { annotations: { [RULE]: 'sum(up, shop_idle', [ALERT]: '"open' } },
  failing: { annotations: { [RULE]: 'rate(shop_idle), shop_idle' } },
  empty: { annotations: { [RULE]: 'absent_metric' } },
  plain: { annotations: {} },
  hidden: {
    annotations: { [RULE]: 'shop_idle', [ALERT]: 'all' },
    spec: { lifecycle: 'hidden' },
  },
  dozen: {
    annotations: {
      [RULE]: Array.from({ length: 12 }, (_, n) => `shop_idle + ${n}`).join(
        ',',
      ),
    },
  },
};

const REFUSED =
  /Failed to load resource: the server responded with a status of 4/;

describe(
  'the Prometheus plugin in an app of the old frontend system',
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  () => {
    let app: AppFixture;
    const scope = suiteScope();

    before(async () => {
      const server = await Prometheus.serve(scope, {
        openmetrics: shopSamples(Date.now() / 1000),
        groups: [{ name: 'shop', rules: shopRules }],
        limit: 600_000,
      });
      app = await AppFixture.start(scope, {
        prometheus: {
          customQueries: true,
          instances: [
            { name: 'default', url: server.url, uiUrl: 'https://prom.example' },
            { name: 'staging', url: server.url },
          ],
        },
        entities: ENTITIES,
        env: { CUSTOM_QUERIES: 'allow' },
      });
    });

    const open = (t: TestContext, entity: string, view?: View) =>
      app.open(t, entity, view);

    it('draws every query of the annotation, whatever commas and bars it has', async t => {
      const page = await open(t, 'shop');
      for (const title of [
        REQUESTS,
        'shop_queue_length + 1',
        'shop_payload_bytes',
      ]) {
        await shown(page, title);
      }
      // The plus and the matchers have gone to the server as they stand.
      assert.match(await pointAt(page, 'shop_queue_length + 1', 0.95), /web 8/);
    });

    it('draws every series, also those that share the label that names them', async t => {
      const page = await open(t, 'shop');
      const text = await pointAt(page, REQUESTS, 0.9);
      assert.match(text, /\/pay.* 5\/s/);
      assert.match(text, /\/cart.*us.* 3\/s/);
      assert.match(text, /\/cart.*eu.* 2\/s/);
      // Highest first, by number and not by text.
      assert.ok(text.indexOf('5/s') < text.indexOf('3/s'));
    });

    it('says the value with its unit, the labels and the time below the pointer', async t => {
      const page = await open(t, 'shop', { timeZone: 'Asia/Tokyo' });
      const text = await pointAt(page, 'shop_payload_bytes', 0.5);
      assert.match(text, /1\.5 GiB/);
      assert.match(text, /queue="?web/);
      const time = new Date(Date.now() - 1800_000);
      const day = new Intl.DateTimeFormat('en-GB', {
        timeZone: 'Asia/Tokyo',
        day: 'numeric',
        month: 'short',
      });
      assert.ok(text.includes(day.format(time)), text);
    });

    it('leaves a gap where there are no samples', async t => {
      const page = await open(t, 'shop');
      assert.match(
        await pointAt(page, 'shop_queue_length + 1', 0.45),
        /No values/,
      );
      assert.match(await pointAt(page, 'shop_queue_length + 1', 0.2), /web 8/);
    });

    it('draws what has no labels, zeros, and what is not a number as a gap', async t => {
      const page = await open(t, 'odd');
      assert.match(
        await pointAt(page, 'sum(shop_idle)', 0.9),
        /sum\(shop_idle\) 0/,
      );
      const names = await legendOf(page, 'shop_odd').innerText();
      for (const kind of ['infinite', 'nothing', 'plain']) {
        assert.match(names, new RegExp(kind));
      }
      assert.match(await pointAt(page, 'shop_odd', 0.9), /plain 5/);
    });

    it('chooses a step that the range and the width allow, and real times over several days', async t => {
      const page = await open(t, 'shop', { search: '?range=30d' });
      const bodies = watchRanges(page);
      await shown(page, REQUESTS);
      await eventually(() => assert.ok(bodies.length >= 2));
      for (const { start, end, maxPoints } of bodies) {
        assert.equal(Math.round(end - start), 30 * 86_400);
        assert.ok(maxPoints! > 50 && maxPoints! <= 700, String(maxPoints));
      }
    });

    it('asks again when the range changes, and keeps it in the address', async t => {
      const page = await open(t, 'shop');
      await shown(page, REQUESTS);
      const bodies = watchRanges(page);
      await page.getByRole('button', { name: /^Range: Last 1 hour/ }).click();
      await page.getByRole('option', { name: 'Last 6 hours' }).click();
      await eventually(() => assert.ok(bodies.length >= 2));
      assert.equal(Math.round(bodies[0].end - bodies[0].start), 6 * 3600);
      assert.equal(new URL(page.url()).search, '?range=6h');
      await page.goBack();
      await page.getByRole('button', { name: /^Range: Last 1 hour/ }).waitFor();
    });

    it('takes two moments, and says when they are the wrong way around', async t => {
      const page = await open(t, 'shop');
      await page.getByRole('button', { name: /^Range: / }).click();
      await page.getByRole('option', { name: 'From … to …' }).click();
      const moment = (label: string) =>
        page.getByRole('dialog').getByLabel(label);
      await moment('From').fill('2024-01-02T10:00:00');
      await moment('To').fill('2024-01-02T09:00:00');
      await page.getByText('This has to be after the start').waitFor();
      assert.ok(await page.getByRole('button', { name: 'Show' }).isDisabled());
      await moment('To').fill('2024-01-02T12:00:00');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByText('No data in this time').first().waitFor();
      assert.equal(
        new URL(page.url()).searchParams.get('range'),
        '2024-01-02T10:00:00Z/2024-01-02T12:00:00Z',
      );
    });

    it('zooms into what is dragged over with a finer step, and out again', async t => {
      const page = await open(t, 'shop', { search: '?range=3h' });
      await pointAt(page, REQUESTS, 0.4);
      const bodies = watchRanges(page);
      await page.mouse.down();
      await pointAt(page, REQUESTS, 0.6);
      await page.mouse.up();
      await eventually(() => assert.ok(bodies.length >= 2));
      const zoomed = bodies[0].end - bodies[0].start;
      assert.ok(
        zoomed > 0.15 * 3 * 3600 && zoomed < 0.25 * 3 * 3600,
        `${zoomed}`,
      );
      assert.match(new URL(page.url()).search, /range=2.*Z%2F2.*Z/);
      await page.getByRole('button', { name: 'Zoom out' }).click();
      await eventually(() => {
        const last = bodies.at(-1)!;
        assert.ok(Math.abs(last.end - last.start - 2 * zoomed) < 30);
      });
    });

    it('shares the crosshair between graphs', async t => {
      const page = await open(t, 'shop');
      await shown(page, 'shop_payload_bytes');
      await pointAt(page, REQUESTS, 0.5);
      const other = plotOf(page, 'shop_payload_bytes').locator('.u-cursor-x');
      await eventually(async () => {
        assert.doesNotMatch((await other.getAttribute('class'))!, /u-off/);
      });
    });

    it('hides a series, and shows one alone', async t => {
      const page = await open(t, 'shop');
      const rows = legendOf(page, REQUESTS);
      await rows.waitFor();
      await rows.getByRole('button', { name: /\/pay/ }).first().click();
      assert.doesNotMatch(await pointAt(page, REQUESTS, 0.9), /\/pay/);
      await rows.getByRole('button', { name: /^Show all/ }).click();
      await rows.getByRole('row', { name: /\/pay/ }).hover();
      await rows
        .getByRole('row', { name: /\/pay/ })
        .getByRole('button')
        .last()
        .click();
      const alone = await pointAt(page, REQUESTS, 0.9);
      assert.match(alone, /\/pay/);
      assert.doesNotMatch(alone, /\/cart/);
    });

    it('refreshes by itself and on request, and keeps the picture meanwhile', async t => {
      const page = await open(t, 'shop', { search: '?refresh=5s' });
      await shown(page, REQUESTS);
      const bodies = watchRanges(page);
      await page.route('**/range', async route => {
        await new Promise(resolve => setTimeout(resolve, 500));
        await route.continue();
      });
      await eventually(() => assert.ok(bodies.length > 0), 15_000);
      assert.ok(await plotOf(page, REQUESTS).isVisible());
      const before = bodies.length;
      await page.getByRole('button', { name: 'Refresh', exact: true }).click();
      await eventually(() => assert.ok(bodies.length > before));
    });

    it('has the values as a table and as CSV', async t => {
      const page = await open(t, 'shop');
      await shown(page, 'shop_payload_bytes');
      const menu = page.getByRole('button', {
        name: 'Options of shop_payload_bytes',
      });
      await menu.click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: 'Download CSV' }).click(),
      ]);
      assert.equal(download.suggestedFilename(), 'shop_payload_bytes.csv');
      const csv = readFileSync(await download.path(), 'utf8').split('\r\n');
      assert.match(csv[0], /time.*shop_payload_bytes/i);
      assert.match(csv[1], /^\d{4}-\d\d-\d\dT[\d:.]+Z,1610612736$/);
      await menu.click();
      await page.getByRole('menuitemradio', { name: 'Table' }).click();
      await page.getByRole('cell', { name: '1.5 GiB' }).first().waitFor();
      await menu.click();
      const link = page.getByRole('menuitem', { name: 'Open in Prometheus' });
      const href = new URL((await link.getAttribute('href'))!);
      assert.equal(href.origin + href.pathname, 'https://prom.example/graph');
      assert.equal(href.searchParams.get('g0.expr'), 'shop_payload_bytes');
    });

    it('lists alerts with all that is known of them', async t => {
      const page = await open(t, 'shop');
      const row = page.getByRole('row', { name: /AlwaysFiring/ });
      await row.waitFor();
      const text = await row.innerText();
      for (const part of [
        /firing/i,
        /12\.5/,
        /severity/,
        /page/,
        /The shop burns/,
      ]) {
        assert.match(text, part);
      }
      assert.equal(
        await row.getByRole('link', { name: /runbook/i }).getAttribute('href'),
        'https://runbooks.example/burning',
      );
      const waiting = page.getByRole('row', { name: /Waiting/ });
      assert.match(await waiting.innerText(), /pending/i);
      assert.equal(
        await waiting.getByRole('link', { name: /runbook/i }).count(),
        0,
      );
    });

    it('filters alerts by trimmed names and labels', async t => {
      const page = await open(t, 'labelled');
      await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      assert.equal(await page.getByRole('row', { name: /Waiting/ }).count(), 0);
      await page.goto(page.url().replace('labelled', 'spaced'));
      await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
    });

    it('gives a row that is clicked to the app, with columns and inactive alerts of its choice', async t => {
      const page = await open(t, 'shop', { tab: '' });
      const row = page.getByRole('row', { name: /AlwaysFiring/ });
      await row.waitFor();
      await page.getByRole('columnheader', { name: 'Team' }).waitFor();
      await page.getByRole('row', { name: /Quiet/ }).waitFor();
      await row.getByText('AlwaysFiring').click();
      const clicked = () =>
        page.evaluate(
          () => (window as unknown as { clicked: string[] }).clicked,
        );
      assert.deepEqual(await clicked(), ['AlwaysFiring: vector(12.5)']);
    });

    it('draws queries and alerts of the app itself', async t => {
      const page = await open(t, 'shop', { tab: 'custom' });
      const bodies = watchRanges(page);
      assert.match(await pointAt(page, 'Requests by path', 0.9), /\/cart 5\/s/);
      assert.equal(bodies[0].step, 60);
      await plotOf(page, 'Templated')
        .or(page.getByText('Nothing matched up{job="shop"}'))
        .waitFor();
      await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      assert.equal(await page.getByRole('row', { name: /Quiet/ }).count(), 0);
    });

    it('takes its properties', async t => {
      const page = await open(t, 'shop', { tab: 'always' });
      await page
        .getByRole('button', { name: /^Range: Last 30 minutes/ })
        .waitFor();
      const bodies = watchRanges(page);
      await page.getByRole('button', { name: 'Refresh', exact: true }).click();
      await eventually(() => assert.ok(bodies.length > 0));
      assert.equal(bodies[0].step, 30);
      const row = page.getByRole('row', { name: /AlwaysFiring/ });
      assert.doesNotMatch(await row.innerText(), /severity|The shop burns/);
    });

    it('names the instances there are when an entity wants another', async t => {
      const page = await open(t, 'nowhere', { expected: REFUSED });
      await page
        .getByRole('alert')
        .getByText(/default, staging/)
        .waitFor();
    });

    it('runs nothing that stands in an annotation', async t => {
      const page = await open(t, 'template');
      await shown(page, 'shop_idle');
      assert.equal(await page.evaluate(() => 'ran' in window), false);
    });

    it('shows the author of an annotation the place of a mistake', async t => {
      const page = await open(t, 'broken', { expected: REFUSED });
      const place = page.locator('pre', { hasText: 'line 1, column 4' });
      await place.waitFor();
      assert.match(await place.innerText(), /\n {2}sum\(up, shop_idle\n {5}\^/);
      await page.getByText(/prometheus\.io\/alert, line 1/).waitFor();
      await keepPicture(page, 'annotation-mistake');
    });

    it('shows what the server says of one query, and draws the others', async t => {
      const page = await open(t, 'failing', { expected: REFUSED });
      await page
        .getByRole('alert')
        .getByText(/expected type range vector/)
        .waitFor();
      await shown(page, 'shop_idle');
    });

    it('says that there is nothing to draw, and which annotations there are', async t => {
      const page = await open(t, 'empty');
      await page.getByText('No data in this time').waitFor();
      await keepPicture(page, 'no-data');
      const plain = await open(t, 'plain', { tab: 'always' });
      await plain.getByText('Missing Annotation').waitFor();
      assert.equal(
        await plain.getByRole('tab', { name: 'Prometheus' }).count(),
        0,
      );
    });

    it('says that a permission is missing', async t => {
      const page = await open(t, 'hidden', { expected: REFUSED });
      await page.getByText('You may not see this').first().waitFor();
      await page.getByText(/prometheus\.panel\.read/).waitFor();
      await page.getByText(/prometheus\.alert\.read/).waitFor();
      await keepPicture(page, 'permission-missing');
    });

    it('asks for a panel when it comes into sight', async t => {
      const page = await open(t, 'dozen', {
        viewport: { width: 1400, height: 700 },
      });
      const bodies = watchRanges(page);
      await shown(page, 'shop_idle + 0');
      await page.waitForLoadState('networkidle');
      assert.ok(bodies.length < 12, `${bodies.length} panels were asked for`);
      await shown(page, 'shop_idle + 11');
    });
  },
);
