// The page of graphs as somebody uses it every day: what its address keeps, what it asks, what moves.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/Prometheus';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { AppFixture, type View } from './AppFixture';
import {
  keepPicture,
  legendOf,
  plotOf,
  pointAt,
  shown,
  violations,
  watchRanges,
} from './appPage';
import { FLEET_PANELS, fleetSamples, LONG_METRIC, serveTraces } from './fleet';
import { shopRules } from './shop';

const RULE = 'prometheus.io/rule';
const PANELS = 'prometheus.io/panels';
const ALERT = 'prometheus.io/alert';

const ENTITIES = {
  fleet: { annotations: { [PANELS]: FLEET_PANELS, [ALERT]: 'all' } },
  // Of 31 characters, and of more than any card has room for.
  named: {
    annotations: {
      [PANELS]: `
- title: Queues
  query: fleet_queue_bytes
  legend: 'Bytes that wait in queue {{queue}}'
- title: Latency
  query: fleet_latency_seconds
  legend: 'Latency of {{pod}}, which is a pod of the checkout in the west of Europe'`,
    },
  },
  single: { annotations: { [RULE]: 'fleet_queue_bytes|queue' } },
  mistaken: {
    annotations: {
      [PANELS]: '- query: up\n  graphType: pie\n- title: Fine\n  query: up',
    },
  },
};

const REFUSED =
  /Failed to load resource: the server responded with a status of 4/;

describe(
  'the page of graphs',
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  () => {
    let app: AppFixture;
    const scope = suiteScope();

    before(async () => {
      const server = await Prometheus.serve(scope, {
        openmetrics: fleetSamples(Date.now() / 1000),
        groups: [{ name: 'shop', rules: shopRules }],
        jobs: [
          {
            job_name: 'traced',
            scrape_protocols: ['OpenMetricsText1.0.0'],
            static_configs: [{ targets: [await serveTraces(scope)] }],
            // It is not one of the fleet's targets.
            metric_relabel_configs: [
              {
                source_labels: ['__name__'],
                regex: 'traced.*',
                action: 'keep',
              },
            ],
          },
        ],
        features: ['exemplar-storage'],
        limit: 600_000,
      });
      app = await AppFixture.start(scope, {
        prometheus: {
          customQueries: true,
          traceUrl: 'https://traces.example/trace/{{trace_id}}',
          instances: [
            { name: 'default', url: server.url, uiUrl: 'https://prom.example' },
          ],
        },
        entities: ENTITIES,
        env: { CUSTOM_QUERIES: 'allow' },
      });
    });

    const open = (t: TestContext, entity: string, view?: View) =>
      app.open(t, entity, view);

    it('draws what the YAML of an annotation asks for, each in its way', async t => {
      const page = await open(t, 'fleet');
      assert.match(
        await pointAt(page, 'Requests by status', 0.5),
        /Total [\d.]+\/s .*HTTP 200 [\d.]+\/s/,
      );
      assert.match(await pointAt(page, 'Targets', 0.9), /checkout/);
      const half = (await plotOf(page, 'Requests by status').boundingBox())!;
      const full = (await plotOf(page, 'Targets').boundingBox())!;
      assert.ok(full.width > 1.8 * half.width, `${half.width}, ${full.width}`);
      await page
        .getByRole('heading', { name: 'Requests now' })
        .scrollIntoViewIfNeeded();
      await page
        .getByRole('list', { name: 'Requests now' })
        .getByText(/\/s$/)
        .waitFor();
      await shown(page, 'Queues');
      await shown(page, LONG_METRIC);
    });

    it('says what is wrong in the YAML, and draws the rest', async t => {
      const page = await open(t, 'mistaken');
      const place = page.locator('pre', {
        hasText: 'prometheus.io/panels, line 2, column 14',
      });
      assert.match(
        await place.innerText(),
        /found "pie", expected one of line, area/,
      );
      await shown(page, 'Fine');
    });

    it('has no control out of reach, whatever a metric is called', async t => {
      for (const width of [390, 768, 1400]) {
        const page = await open(t, 'fleet', {
          viewport: { width, height: 900 },
        });
        await shown(page, LONG_METRIC);
        const menu = page.getByRole('button', {
          name: `Options of ${LONG_METRIC}`,
        });
        const card = page
          .getByRole('heading', { name: LONG_METRIC })
          .locator('xpath=ancestor::article[1]');
        const [inner, outer] = [
          (await menu.boundingBox())!,
          (await card.boundingBox())!,
        ];
        assert.ok(
          inner.x + inner.width <= outer.x + outer.width,
          JSON.stringify([inner, outer]),
        );
        assert.ok(inner.x + inner.width <= width);
        const { right } = await page
          .locator('main')
          .first()
          .evaluate(main => ({ right: main.scrollWidth - main.clientWidth }));
        assert.ok(right <= 0, `${width}: ${right} pixels are out of sight`);
      }
    });

    it('cuts names of a legend only where there is no room, and in their middle', async t => {
      for (const width of [390, 768, 1024, 1440]) {
        const page = await open(t, 'named', {
          viewport: { width, height: 900 },
        });
        for (const [title, isLong] of [
          ['Queues', false],
          ['Latency', true],
        ] as const) {
          await shown(page, title);
          const names = await legendOf(page, title)
            .getByRole('rowheader')
            .getByRole('button', { pressed: true })
            .evaluateAll(readNames);
          assert.ok(names.length >= 2);
          for (const { name, title, isCut, missing, isEndInSight } of names) {
            const what = `${width}: ${name} lacks ${missing} pixels`;
            assert.equal(isCut, missing > 0, what);
            assert.ok(!isCut || isLong, what);
            assert.ok(isEndInSight, `${width}: ${name}`);
            assert.equal(title.split('\n')[0], name);
          }
        }
      }
    });

    it('keeps hidden series in the address, the shorter of two lists', async t => {
      const page = await open(t, 'fleet');
      await shown(page, 'Requests by status');
      const row = (code: string) =>
        legendOf(page, 'Requests by status').getByRole('button', {
          name: `HTTP ${code}`,
          exact: true,
        });
      await row('404').click();
      const parameters = () => new URL(page.url()).searchParams;
      assert.match(parameters().get('hide')!, /^[\da-f]+:\{code="404"\}$/);
      await page.reload();
      await shown(page, 'Requests by status');
      assert.equal(await row('404').getAttribute('aria-pressed'), 'false');
      assert.equal(await row('200').getAttribute('aria-pressed'), 'true');
      await row('200').click({ modifiers: ['Control'] });
      assert.equal(parameters().get('hide'), null);
      assert.match(parameters().get('only')!, /^[\da-f]+:\{code="200"\}$/);
      await page.getByRole('button', { name: /^Show all/ }).click();
      assert.equal(new URL(page.url()).search, '');
    });

    it('keeps the filter of a legend in the address, also when there are few series left', async t => {
      const page = await open(t, 'fleet');
      const title = 'Latency of the pods';
      await shown(page, title);
      const box = legendOf(page, title).getByRole('searchbox');
      const names = () =>
        legendOf(page, title)
          .getByRole('row')
          .filter({ has: page.getByRole('rowheader') })
          .count();
      await box.pressSequentially('7d9f8c6b5-35s', { delay: 20 });
      const kept = () => new URL(page.url()).searchParams.get('filter');
      await eventually(() => assert.match(kept()!, /^[\da-f]+:7d9f8c6b5-35s$/));
      const found = await names();
      assert.ok(found > 0 && found < 24, `${found}`);
      await page.reload();
      await shown(page, title);
      assert.equal(await box.inputValue(), '7d9f8c6b5-35s');
      assert.equal(await names(), found);
      await box.fill('');
      await eventually(() => assert.equal(kept(), null));
      assert.equal(await names(), 24);

      await shown(page, 'Queues');
      const queues = legendOf(page, 'Queues');
      await queues.getByRole('button', { name: 'mails', exact: true }).click();
      const [id] = new URL(page.url()).searchParams.get('hide')!.split(':');
      await page.goto(page.url().replace(/\?.*$/, `?filter=${id}:orders`));
      await shown(page, 'Queues');
      const few = queues.getByRole('rowheader');
      assert.equal(await few.count(), 1);
      await queues.getByRole('searchbox').fill('');
      await eventually(async () => assert.equal(await few.count(), 2));
    });

    it('shows one panel alone, and copies the link to it', async t => {
      const page = await open(t, 'fleet', { search: '?range=3h' });
      await page
        .context()
        .grantPermissions(['clipboard-read', 'clipboard-write']);
      await shown(page, 'Queues');
      const menu = page.getByRole('button', { name: 'Options of Queues' });
      await menu.click();
      await page.getByRole('menuitem', { name: 'Copy link' }).click();
      await page.getByText('The link to the graph is copied').waitFor();
      const link = await page.evaluate(() => navigator.clipboard.readText());
      assert.match(new URL(link).search, /^\?range=3h&panel=[\da-f]+$/);
      const before = (await plotOf(page, 'Queues').boundingBox())!;
      await page.goto(link);
      await shown(page, 'Queues');
      await eventually(async () => {
        const alone = (await plotOf(page, 'Queues').boundingBox())!;
        assert.ok(
          alone.width > 1.8 * before.width && alone.height > before.height,
        );
      });
      assert.equal(
        await page.getByRole('heading', { name: 'Targets' }).count(),
        0,
      );
      await page.getByRole('button', { name: 'All graphs' }).click();
      await page.getByRole('heading', { name: 'Targets' }).waitFor();
      await page.goto(link.replace(/panel=.*/, 'panel=gone'));
      await page.getByText('This graph is gone').waitFor();
    });

    it('shows the query and copies it', async t => {
      const page = await open(t, 'fleet');
      await page
        .context()
        .grantPermissions(['clipboard-read', 'clipboard-write']);
      await shown(page, 'Requests by status');
      await page
        .getByRole('button', { name: 'Options of Requests by status' })
        .click();
      await page.getByRole('menuitem', { name: 'Show query' }).click();
      const dialog = page.getByRole('dialog', {
        name: 'Query of Requests by status',
      });
      await dialog
        .getByText('sum by (code) (rate(fleet_requests_total[5m]))')
        .waitFor();
      await dialog.getByRole('button', { name: 'Copy query' }).click();
      assert.equal(
        await page.evaluate(() => navigator.clipboard.readText()),
        'sum by (code) (rate(fleet_requests_total[5m]))',
      );
    });

    it('tells times in UTC where that is wanted', async t => {
      const page = await open(t, 'single', { timeZone: 'Asia/Tokyo' });
      assert.match(await pointAt(page, 'fleet_queue_bytes', 0.5), /GMT\+9/);
      await page.getByRole('button', { name: 'UTC' }).click();
      await page.mouse.move(0, 0);
      assert.match(await pointAt(page, 'fleet_queue_bytes', 0.5), /UTC/);
      assert.equal(new URL(page.url()).search, '?tz=utc');
      await page.getByRole('button', { name: /^Range: / }).click();
      await page.getByRole('option', { name: 'From … to …' }).click();
      await page
        .getByRole('dialog')
        .getByLabel('From')
        .fill('2024-01-02T10:00:00');
      await page
        .getByRole('dialog')
        .getByLabel('To')
        .fill('2024-01-02T12:00:00');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await page.getByText('No data in this time').first().waitFor();
      assert.equal(
        new URL(page.url()).searchParams.get('range'),
        '2024-01-02T10:00:00Z/2024-01-02T12:00:00Z',
      );
    });

    it('takes a range as one types it', async t => {
      const page = await open(t, 'single');
      await shown(page, 'fleet_queue_bytes');
      const bodies = watchRanges(page);
      const field = page.getByLabel('Type a range');
      await field.fill('now-3h to now-1h');
      await field.press('Enter');
      await eventually(() => assert.ok(bodies.length > 0));
      const { start, end } = bodies.at(-1)!;
      assert.ok(Math.abs(end - start - 7200) < 2);
      assert.ok(Math.abs(Date.now() / 1000 - end - 3600) < 120);
      await page
        .getByRole('button', { name: 'Range: now-3h to now-1h' })
        .waitFor();
      await field.fill('yesterday');
      await field.press('Enter');
      await page.getByText(/"yesterday" is none of: now-6h/).waitFor();
    });

    it('draws exemplars, thinned by the server, that lead to their traces', async t => {
      const page = await open(t, 'fleet', { search: '?range=5m' });
      await shown(page, 'Traced requests');
      const dots = page
        .getByRole('group', { name: 'Exemplars' })
        .getByRole('link');
      await eventually(
        async () => assert.ok((await dots.count()) > 20),
        30_000,
      );
      const count = await dots.count();
      assert.ok(count <= 200, `${count} dots`);
      assert.match(
        (await dots.first().getAttribute('href'))!,
        /^https:\/\/traces\.example\/trace\/\d+-\d+$/,
      );
      await page
        .getByRole('button', { name: 'Options of Traced requests' })
        .click();
      await page.getByRole('menuitemcheckbox', { name: 'Exemplars' }).click();
      assert.equal(await dots.count(), 0);
    });

    it('has an overview of an entity in a few lines, which lead to the graphs', async t => {
      const page = await open(t, 'fleet', { tab: 'summary' });
      const rows = page
        .getByRole('list', { name: 'Graphs' })
        .getByRole('listitem');
      await eventually(async () => assert.equal(await rows.count(), 7));
      await rows
        .filter({ hasText: 'Requests now' })
        .getByText(/^[\d.]+\/s$/)
        .waitFor();
      await page
        .getByRole('group', { name: 'Alerts' })
        .getByText('1 firing')
        .waitFor();
      const card = (await page
        .getByRole('list', { name: 'Graphs' })
        .boundingBox())!;
      assert.ok(card.height < 300, `${card.height} pixels`);
      await rows.getByRole('link', { name: 'Queues' }).click();
      await shown(page, 'Queues');
      assert.equal(
        await page.getByRole('heading', { name: 'Targets' }).count(),
        0,
      );
    });

    it('is on any page, of an entity and of an instance', async t => {
      const page = await app.openPath(t, '/home', { expected: REFUSED });
      await page
        .getByRole('list', { name: 'Graphs' })
        .first()
        .getByText('Queues')
        .waitFor();
      await shown(page, 'fleet_queue_bytes');
      await page
        .getByRole('list', { name: 'Of an instance' })
        .getByText(/\d/)
        .waitFor();
      await page
        .getByText(/The catalog has no entity "component:default\/missing"/)
        .waitFor();
    });

    it('is for everyone: nothing serious for axe, in light and dark', async t => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await open(t, 'fleet', {
          viewport: { width: 1400, height: 1480 },
          colorScheme,
          search: '?range=3h',
        });
        for (const title of ['Targets', 'Queues', 'Requests by status']) {
          await shown(page, title);
        }
        await page.waitForLoadState('networkidle');
        assert.deepEqual(await violations(page), [], colorScheme);
        await keepPicture(page, `entity-${colorScheme}`);
        const overview = await open(t, 'fleet', {
          tab: 'summary',
          colorScheme,
        });
        await overview
          .getByRole('list', { name: 'Graphs' })
          // Of a queue that is shorter at night.
          .getByText(/[KM]iB/)
          .waitFor();
        assert.deepEqual(await violations(overview), [], colorScheme);
      }
    });

    it('has its first graph soon after somebody turns to it', async t => {
      const page = await open(t, 'fleet');
      await shown(page, 'Requests by status');
      const times: number[] = [];
      for (let turn = 0; turn < 5; turn += 1) {
        await page.getByRole('tab', { name: 'Summary' }).click();
        await page.getByRole('list', { name: 'Graphs' }).waitFor();
        assert.equal(await page.getByRole('application').count(), 0);
        const tab = page.getByRole('tab', { name: 'Prometheus' });
        times.push(await tab.evaluate(untilDrawn));
      }
      const fastest = Math.round(Math.min(...times));
      t.diagnostic(`${fastest} ms, of ${times.map(Math.round).join(', ')}`);
      // 300 to 380 ms were seen on two cores that had nothing else to do.
      assert.ok(fastest < 1000, `${fastest} ms`);
    });

    it('moves next to nothing while it loads', async t => {
      for (const width of [390, 1400]) {
        const page = await open(t, 'fleet', {
          viewport: { width, height: 900 },
        });
        await watchShifts(page);
        await page.reload();
        await watchShifts(page);
        await shown(page, 'Requests by status');
        await page.waitForLoadState('networkidle');
        const moved = await page.evaluate(() => window.shifts);
        t.diagnostic(`${width}: ${moved}`);
        assert.ok(moved < 0.05, `${width}: ${moved}`);
      }
    });

    it('turns nothing out of sight, and rests while nobody does anything', async t => {
      const page = await open(t, 'fleet', {
        viewport: { width: 1400, height: 500 },
      });
      await shown(page, 'Requests by status');
      await page.waitForLoadState('networkidle');
      await page.mouse.move(0, 0);
      await page.waitForTimeout(1000);
      const running = await page.evaluate(() =>
        document
          .getAnimations()
          // Others move with the scroll bar alone, as the edges of Backstage's cards.
          .filter(({ timeline }) => timeline instanceof DocumentTimeline)
          .filter(({ playState }) => playState === 'running')
          .map(
            ({ effect }) =>
              ((effect as KeyframeEffect).target as HTMLElement).className,
          ),
      );
      assert.deepEqual(running, []);
      const busy = await mainThread(page, 3000);
      t.diagnostic(`${busy} ms of 3000`);
      assert.ok(busy < 150, `${busy} ms`);
    });

    it('asks nothing when it is scrolled back within a step', async t => {
      const page = await open(t, 'fleet', {
        viewport: { width: 1400, height: 500 },
        search: '?range=6h',
      });
      await shown(page, 'Requests by status');
      await shown(page, 'Traced requests');
      await page.waitForLoadState('networkidle');
      const bodies = watchRanges(page);
      for (const title of [
        'Requests by status',
        'Traced requests',
        'Requests by status',
      ]) {
        await page
          .getByRole('heading', { name: title, exact: true })
          .scrollIntoViewIfNeeded();
        await page.waitForTimeout(300);
      }
      assert.deepEqual(bodies, []);
    });
  },
);

declare global {
  interface Window {
    shifts: number;
  }
}

/** How names stand in a legend, and how many pixels they lack. */
function readNames(buttons: (HTMLElement | SVGElement)[]) {
  return buttons.map(button => {
    const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
    const parts: Text[] = [];
    while (texts.nextNode()) {
      parts.push(texts.currentNode as Text);
    }
    const rights = parts.map(part => {
      const range = document.createRange();
      range.selectNodeContents(part);
      return range.getBoundingClientRect().right;
    });
    const ruler = document.createElement('span');
    ruler.style.cssText = 'position: absolute; white-space: pre';
    ruler.textContent = parts.map(({ data }) => data).join('');
    button.append(ruler);
    const needed = ruler.getBoundingClientRect().width;
    ruler.remove();
    const cell = button.parentElement!.getBoundingClientRect();
    const start = parts[0].parentElement!.getBoundingClientRect().left;
    return {
      name: button.getAttribute('aria-label')!,
      title: button.getAttribute('title')!,
      isCut: [...button.querySelectorAll('span')].some(
        span =>
          span.scrollWidth > span.clientWidth &&
          getComputedStyle(span).display !== 'inline',
      ),
      missing: Math.round(start + needed + 4 - cell.right),
      isEndInSight: rights[rights.length - 1] <= cell.right + 1,
    };
  });
}

async function watchShifts(page: Page): Promise<void> {
  await page.evaluate(() => {
    if (window.shifts === undefined) {
      window.shifts = 0;
      new PerformanceObserver(list => {
        for (const entry of list.getEntries() as (PerformanceEntry & {
          value: number;
          hadRecentInput: boolean;
        })[]) {
          window.shifts += entry.hadRecentInput ? 0 : entry.value;
        }
      }).observe({ type: 'layout-shift', buffered: true });
    }
  });
}

/** Milliseconds from a click until the first plot is painted. */
async function untilDrawn(tab: HTMLElement | SVGElement): Promise<number> {
  const begin = performance.now();
  (tab as HTMLElement).click();
  while (!document.querySelector('[role=application] canvas')) {
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}

/** Milliseconds that the main thread works in so many. */
async function mainThread(page: Page, milliseconds: number): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
  const before = await read();
  await page.waitForTimeout(milliseconds);
  return Math.round(((await read()) - before) * 1000);
}
