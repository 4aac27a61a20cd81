// The table of alerts in a real browser: what it shows, and how it is read with the mouse and at the
// keyboard.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test, { type TestContext } from 'node:test';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { Browser } from '../support/Browser';
import { eventually } from '../support/eventually';
import type { AlertScene } from './pages/alertPage';

const AXE = createRequire(__filename).resolve('axe-core/axe.min.js');

/** What the script of axe adds to the page. */
declare const axe: {
  run(selector: string, options?: RunOptions): Promise<AxeResults>;
};

test('the table of alerts in a browser', async t => {
  const browser = await Browser.launch(t);
  let page: Page;

  const it = (behaviour: string, check: () => Promise<void>) =>
    t.test(behaviour, async (context: TestContext) => {
      page = await browser.page(context, {
        entry: '__test__/browser/pages/alertPage.tsx',
        viewport: { width: 1400, height: 900 },
      });
      await check();
    });
  const show = (scene: AlertScene) =>
    page.evaluate(given => alertPage.show(given), scene);
  const clicked = () => page.evaluate(() => alertPage.clicked);
  const rows = () => page.locator('tbody tr');
  const status = () => page.getByRole('status').innerText();
  const namesOf = async () => {
    const cells = await page
      .locator('tbody tr td:nth-child(2)')
      .allInnerTexts();
    return cells.map(text => text.split('\n')[0].trim());
  };

  await it('breaks a long name between its words', async () => {
    const names = [
      'KitchenHasTimeToSpare',
      'disk_fills_up_in_a_day:page',
      'KubePersistentVolumeIsFullSoon',
    ];
    const alerts = names.map(name => ({ ...ALERTS[0], id: name, name }));
    await show({ props: { alerts } });
    for (const width of [1400, 1000, 700]) {
      await page.setViewportSize({ width, height: 900 });
      const broken = await page
        .locator('tbody tr td:nth-child(2)')
        .evaluateAll(cells =>
          cells.flatMap(cell => {
            const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            const words: string[] = [];
            while (text.nextNode()) {
              const range = document.createRange();
              range.selectNodeContents(text.currentNode);
              if (range.getClientRects().length > 1) {
                words.push(text.currentNode.nodeValue!);
              }
            }
            return words;
          }),
        );
      assert.deepEqual(broken, [], `${width} pixels`);
    }
  });

  await it('shows what is known of an alert', async () => {
    await show({ props: { alerts: ALERTS, uiUrl: 'https://prom.example/' } });
    assert.deepEqual(await namesOf(), [
      'ErrorBudgetBurn',
      'Evaluated',
      'HighLatency',
      'DiskFillsUp',
    ]);
    const row = rows().filter({ hasText: 'HighLatency' });
    for (const text of [
      'Firing',
      '750 ms',
      'severity: page',
      'service: checkout',
      '2 hours ago',
      'Checkout is slow',
      'The 99th percentile',
    ]) {
      await row.getByText(text).first().waitFor();
    }
    assert.equal(await row.getByText('alertname').count(), 0);
    const since = row.locator('time').first();
    assert.equal(await since.getAttribute('datetime'), HOURS_AGO);
    assert.match((await since.getAttribute('title'))!, /20\d\d/);
    const link = row.getByRole('link', { name: 'HighLatency in Prometheus' });
    assert.equal(
      new URL((await link.getAttribute('href'))!).searchParams.get('g0.expr'),
      'latency_seconds > 0.5',
    );
    const broken = rows().filter({ hasText: 'Evaluated' }).last();
    assert.match(await broken.innerText(), /cannot be evaluated: many-to-many/);
    const silenced = rows().filter({ hasText: 'DiskFillsUp' });
    assert.match(await silenced.innerText(), /Pending\s+Silenced/);
  });

  await it('links to runbooks of the web, in a tab that knows nothing of this one, and to nothing else', async () => {
    await show({ props: { alerts: ALERTS, uiUrl: 'javascript:alert(1)' } });
    const runbook = page.getByRole('link', { name: 'Runbook of HighLatency' });
    assert.equal(
      await runbook.getAttribute('href'),
      'https://runbooks.example/latency',
    );
    assert.equal(await runbook.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(await runbook.getAttribute('target'), '_blank');
    const addresses = await page
      .locator('a')
      .evaluateAll(links =>
        links.map(link => (link as HTMLAnchorElement).href),
      );
    assert.deepEqual(addresses, [
      'https://dashboards.example/budget',
      'https://runbooks.example/latency',
    ]);
  });

  await it('cuts texts short in a row, and never the link to the runbook', async () => {
    const long = 'Orders wait longer than anybody who is hungry does. '.repeat(
      8,
    );
    const texts: Record<string, string>[] = [
      { summary: 'Slow', description: long },
      { summary: long, description: long },
      { summary: long },
    ];
    for (const annotations of texts) {
      const url = 'https://runbooks.example/slow';
      const alerts = [
        alert('Slow', {
          annotations: { ...annotations, runbook_url: url },
          runbookUrl: url,
        }),
      ];
      await show({ props: { alerts } });
      const link = page.getByRole('link', { name: 'Runbook of Slow' });
      const box = (await link.boundingBox())!;
      const row = (await rows().first().boundingBox())!;
      const cut = await link.evaluate(
        ({ parentElement: text }) => text!.scrollWidth - text!.clientWidth,
      );
      assert.ok(cut <= 0, `${cut} pixels of the link are cut off`);
      assert.ok(box.x + box.width <= row.x + row.width, JSON.stringify(box));
    }
  });

  await it('shows markup of annotations and labels as text', async () => {
    const text = '<img src=x onerror="document.title=1">';
    const alerts = [
      alert('A', { labels: { a: text }, annotations: { summary: text } }),
    ];
    await show({ props: { alerts } });
    assert.equal(await page.getByText(text).count(), 2);
    assert.equal(await page.locator('#root img').count(), 0);
  });

  await it('finds alerts by words, and says how many', async () => {
    await show({ props: { alerts: SIXTY } });
    const box = page.getByRole('textbox', { name: 'Search alerts' });
    await box.fill('team: team-3 alert-13');
    assert.deepEqual(await namesOf(), ['Alert-13']);
    assert.equal(await status(), '1 of 60 alerts found');
    await box.fill('nonsense');
    await page.getByText('No alert has “nonsense”').waitFor();
    await page.getByRole('button', { name: 'Clear the search' }).last().click();
    assert.equal(await rows().count(), 20);
    assert.equal(await status(), '30 firing, 30 pending');
  });

  await it('sorts by severity first, and by the column that is chosen', async () => {
    await show({ props: { alerts: SIXTY } });
    const states = await page
      .locator('tbody tr td:first-child')
      .allInnerTexts();
    assert.deepEqual(new Set(states), new Set(['Firing']));
    const value = page.getByRole('button', { name: 'Value' });
    await value.click();
    assert.deepEqual((await namesOf()).slice(0, 2), ['Alert-0', 'Alert-1']);
    const header = page.locator('th', { hasText: 'Value' });
    assert.equal(await header.getAttribute('aria-sort'), 'ascending');
    await value.focus();
    await page.keyboard.press('Enter');
    assert.deepEqual((await namesOf()).slice(0, 2), ['Alert-59', 'Alert-58']);
    assert.equal(await header.getAttribute('aria-sort'), 'descending');
  });

  await it('pages 60 alerts, and comes back to the first page for another order', async () => {
    await show({ props: { alerts: SIXTY } });
    await page.getByRole('button', { name: 'Alert', exact: true }).click();
    const next = page.getByRole('button', { name: 'Next page' });
    await next.click();
    await next.click();
    assert.equal((await namesOf())[0], 'Alert-40');
    assert.ok(await next.isDisabled());
    await page.getByText('41-60 of 60').waitFor();
    await show({ props: { alerts: SIXTY.slice(0, 25) }, isSame: true });
    await page.getByText('21-25 of 25').waitFor();
    await page.getByRole('button', { name: 'Value' }).click();
    await page.getByText('1-20 of 25').waitFor();
    await show({ props: { alerts: SIXTY.slice(0, 10) } });
    assert.equal(await next.count(), 0);
  });

  await it('tells a click on a row, by mouse and by keyboard, but not one on a link in it', async () => {
    const props = { alerts: ALERTS, uiUrl: 'https://prom.example' };
    await show({ props, isClickable: true });
    await rows().nth(0).locator('td').nth(2).click();
    assert.deepEqual(await clicked(), ['ErrorBudgetBurn']);
    await page.getByRole('region').focus();
    const button = page.getByRole('button', { name: 'HighLatency' });
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press('Tab');
      if (await button.evaluate(own => own === document.activeElement)) {
        break;
      }
    }
    await page.keyboard.press('Enter');
    await page.keyboard.press('Space');
    assert.deepEqual((await clicked()).slice(1), [
      'HighLatency',
      'HighLatency',
    ]);
    await button.click();
    assert.equal((await clicked()).length, 4, 'once, not twice');
    const link = page.getByRole('link', { name: 'HighLatency in Prometheus' });
    await link.evaluate(own => {
      own.addEventListener('click', event => event.preventDefault());
      (own as HTMLElement).click();
    });
    assert.equal((await clicked()).length, 4);
  });

  await it('has rows of 40 pixels, and the details when they are asked for', async () => {
    const silences = [
      { createdBy: 'alice', comment: 'Known', endsAt: '2026-12-01T10:00:00Z' },
    ];
    const alerts = ALERTS.map(one =>
      one.name === 'HighLatency'
        ? { ...one, duration: 300, silenced: true, silences }
        : one,
    );
    await show({ props: { alerts, uiUrl: 'https://prom.example' } });
    const heights = await rows().evaluateAll(all =>
      all.map(row => row.getBoundingClientRect().height),
    );
    assert.deepEqual(new Set(heights), new Set([40]));
    const row = rows().filter({ hasText: 'HighLatency' });
    const button = row.getByRole('button', { name: 'Details' });
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    const details = await page.locator('dl').innerText();
    for (const part of [
      /Expression\s+latency_seconds > 0\.5/,
      /For\s+5 min/,
      /instance: checkout-7c9fd6b5d4/,
      /The 99th percentile/,
      /Silenced\s+by alice until Dec 1, 2026, 10:00 AM: Known/,
    ]) {
      assert.match(details, part);
    }
    await row.getByText('Firing').click();
    assert.equal(await page.locator('dl').count(), 0, 'a click closes them');
  });

  await it('puts the worst first, in its colour', async () => {
    const alerts = ['info', 'critical', 'warning'].map(severity =>
      alert(`A-${severity}`, { labels: { severity } }),
    );
    await show({ props: { alerts } });
    assert.deepEqual(await namesOf(), ['A-critical', 'A-warning', 'A-info']);
    const colours = await page
      .locator('tbody tr td:first-child')
      .evaluateAll(cells =>
        cells.map(each => getComputedStyle(each).borderLeftColor),
      );
    assert.equal(new Set(colours).size, 3);
  });

  await it('has many alerts of one rule in one row until it is opened', async () => {
    const many = Array.from({ length: 30 }, (_, pod) =>
      alert('PodCrashes', {
        state: pod % 3 ? 'firing' : 'pending',
        labels: { severity: 'page', team: 'a', pod: `pod-${pod}` },
      }),
    );
    await show({ props: { alerts: [...ALERTS, ...many] } });
    assert.equal(await rows().count(), 5);
    const group = rows().filter({ hasText: 'PodCrashes' });
    assert.match(await group.innerText(), /30 alerts: 20 firing, 10 pending/);
    assert.match(await group.innerText(), /team: a/);
    await group.getByRole('button', { name: 'The 30 alerts' }).click();
    assert.equal(await rows().count(), 35);
    await page.getByText('pod: pod-29').waitFor();
  });

  await it('is cards on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await show({ props: { alerts: ALERTS } });
    const card = page.getByRole('listitem').filter({ hasText: 'HighLatency' });
    assert.match(await card.innerText(), /Firing[^]*page · Checkout is slow/);
    await card.getByRole('button', { name: 'Details' }).click();
    await card.getByText('latency_seconds > 0.5').waitFor();
    const overflow = await page
      .locator('html')
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    assert.equal(overflow, 0);
    assert.equal(await page.getByRole('table').count(), 0);
  });

  await it("has an app's own columns in its cards", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.addScriptTag({ path: AXE });
    const many = Array.from({ length: 4 }, (_, pod) =>
      alert('PodCrashes', { labels: { pod: `p${pod}`, team: `t${pod}` } }),
    );
    const teamless = alert('Teamless', { labels: { severity: 'page' } });
    const alerts = [...ALERTS, ...many, teamless];
    await show({ props: { alerts }, hasExtraColumns: true });
    const card = (name: string) =>
      page
        .getByRole('listitem')
        .filter({ has: page.getByRole('heading', { name }) })
        .last();
    assert.match(
      await card('HighLatency').innerText(),
      /Team: team-a\s+Ticket: #11(?:\n|$)/,
    );
    assert.match(await card('Teamless').innerText(), /Ticket: #8/);
    assert.doesNotMatch(await card('Teamless').innerText(), /Team:/);
    await page.getByRole('button', { name: 'The 4 alerts' }).click();
    await page.getByText('t3', { exact: true }).waitFor();
    const { violations } = await page.evaluate(() => axe.run('main'));
    assert.deepEqual(
      violations.map(({ id }) => id),
      [],
    );
  });

  await it('has many alerts of one rule in one card until it is opened', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.addScriptTag({ path: AXE });
    const many = Array.from({ length: 30 }, (_, pod) =>
      alert('PodCrashes', {
        state: pod % 3 ? 'firing' : 'pending',
        labels: {
          severity: 'page',
          team: 'a',
          pod: `production-checkout-7c9fd6b5d4-x2x9q-${pod}`,
        },
      }),
    );
    const cards = page.getByRole('listitem').filter({
      has: page.getByRole('heading'),
    });
    await show({ props: { alerts: [...ALERTS, ...many] } });
    assert.equal(await cards.count(), ALERTS.length + 1);
    const group = cards.filter({ hasText: 'PodCrashes' });
    assert.match(await group.innerText(), /30 alerts: 20 firing, 10 pending/);
    assert.match(await group.innerText(), /team: a/);
    await group.getByRole('button', { name: 'The 30 alerts' }).click();
    assert.equal(await cards.count(), ALERTS.length + 31);
    const last = group.getByRole('listitem').filter({
      has: page.getByRole('heading'),
    });
    await last.last().getByRole('button', { name: 'Details' }).click();
    await last
      .last()
      .getByText(/pod: production-checkout.*-27$/)
      .waitFor();
    const overflow = await page
      .locator('html')
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    assert.equal(overflow, 0);
    const { violations } = await page.evaluate(() => axe.run('#root'));
    assert.deepEqual(
      violations
        .filter(({ impact }) => ['serious', 'critical'].includes(impact!))
        .map(({ id, nodes }) => [id, nodes[0].html]),
      [],
    );
  });

  await it('can be pressed on a phone too, and says there what is not known', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    const stalled = alert('Forgotten', {
      state: 'unknown',
      activeAt: undefined,
      isStalled: true,
      interval: 15,
    });
    const props = { alerts: [...ALERTS, stalled], uiUrl: 'https://p.example' };
    await show({ props, isClickable: true });
    await page.getByRole('button', { name: 'Forgotten' }).click();
    assert.deepEqual(await clicked(), ['Forgotten']);
    await page
      .getByText('The rule is not evaluated any more; it should be every 15 s')
      .waitFor();
    await page.getByText('cannot be evaluated: many-to-many').waitFor();
  });

  await it('has all of its columns in sight, whatever its width', async () => {
    const inactive = alert('Quiet', { state: 'inactive' });
    await show({
      props: { alerts: [...ALERTS, ...SIXTY, inactive], uiUrl: 'https://p' },
    });
    for (const width of [768, 850, 950, 1024, 1120, 1280, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      const region = page.getByRole('region');
      await eventually(async () => {
        const hidden = await region.evaluate(
          ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
        );
        assert.equal(hidden, 0, `${width}: ${hidden} pixels are out of sight`);
      }, 2_000);
    }
  });

  await it('shows inactive alerts when they are asked for', async () => {
    const quiet = alert('Quiet', { state: 'inactive', activeAt: undefined });
    const alerts = [...ALERTS, quiet];
    await show({ props: { alerts } });
    assert.equal(await rows().count(), 4);
    assert.equal(await status(), '3 firing, 1 pending, 1 inactive');
    const box = page.getByRole('checkbox', { name: 'Show inactive' });
    await box.focus();
    await page.keyboard.press('Space');
    assert.equal((await namesOf()).at(-1), 'Quiet');
    await show({ props: { alerts, showInactiveAlerts: true } });
    assert.equal(await rows().count(), 5);
    await show({ props: { alerts: ALERTS } });
    assert.equal(await box.count(), 0);
  });

  await it('scrolls by itself where it is narrow, also with the keyboard', async () => {
    await page.setViewportSize({ width: 600, height: 900 });
    await show({ props: { alerts: ALERTS } });
    const [body, own] = await Promise.all(
      [page.locator('html'), page.getByRole('region')].map(part =>
        part.evaluate(
          ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
        ),
      ),
    );
    assert.equal(body, 0);
    assert.ok(own > 0);
    await page.getByRole('region').focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(
      () => document.querySelector('[role=region]')!.scrollLeft > 0,
    );
  });

  await it('says why it is empty', async () => {
    const quiet = ['a', 'b'].map(name => alert(name, { state: 'inactive' }));
    await show({ props: { alerts: quiet } });
    await page.getByText('All 2 alerts are quiet').waitFor();
    await page.getByRole('button', { name: 'Show inactive' }).click();
    assert.deepEqual(await namesOf(), ['a', 'b']);
    await show({ props: { alerts: [] } });
    await page.getByText('There are no alerts').waitFor();
    await show({ props: { alerts: [], isLoading: true } });
    await page.getByText('Loading alerts').waitFor();
    assert.equal(await page.getByText('There are no alerts').count(), 0);
    await page.getByRole('progressbar').waitFor();
  });

  await it('leaves out columns that are not wanted, and has those of an app', async () => {
    await show({
      props: { alerts: ALERTS, showLabels: false, showAnnotations: false },
      hasExtraColumns: true,
    });
    assert.deepEqual(await page.locator('th').allInnerTexts(), [
      'State',
      'Alert',
      'Value',
      'Active since',
      'Evaluated',
      'Team',
      'Ticket',
    ]);
    assert.match(await rows().first().innerText(), /team-a\s+#15/);
  });

  for (const theme of ['light', 'dark'] as const) {
    await it(`is accessible with the ${theme} theme`, async () => {
      const quiet = alert('Quiet', { state: 'inactive', activeAt: undefined });
      await page.addScriptTag({ path: AXE });
      const scenes: [name: string, props: AlertScene['props']][] = [
        [
          'table',
          {
            alerts: [...ALERTS, quiet],
            uiUrl: 'https://prom.example',
            showInactiveAlerts: true,
          },
        ],
        ['pages', { alerts: SIXTY, isLoading: true }],
        ['quiet', { alerts: [quiet] }],
      ];
      for (const [name, props] of scenes) {
        await show({ theme, props, isClickable: true });
        const { violations } = await page.evaluate(() => axe.run('#root'));
        assert.deepEqual(
          violations
            .filter(({ impact }) => ['serious', 'critical'].includes(impact!))
            .map(({ id, nodes }) => [
              id,
              nodes[0].html,
              nodes[0].failureSummary,
            ]),
          [],
          name,
        );
      }
    });
  }
});

const HOURS_AGO = new Date(Date.now() - 2 * 3_600_000).toISOString();
const EVALUATED = new Date(Date.now() - 20_000).toISOString();

function alert(name: string, rest: Partial<Alert> = {}): Alert {
  return {
    name,
    state: 'firing',
    value: 1,
    labels: { alertname: name, severity: 'page', team: 'team-a' },
    annotations: {},
    activeAt: HOURS_AGO,
    lastEvaluation: EVALUATED,
    query: 'up == 0',
    ...rest,
  };
}

const ALERTS = [
  alert('HighLatency', {
    value: 0.75,
    labels: {
      alertname: 'HighLatency',
      severity: 'page',
      team: 'team-a',
      service: 'checkout',
      instance: 'checkout-7c9fd6b5d4-x2x9q.production.svc.cluster.local:8080',
    },
    annotations: {
      summary: 'Checkout is slow',
      description:
        'The 99th percentile has been above half a second for ten minutes.',
      runbook_url: 'https://runbooks.example/latency',
    },
    runbookUrl: 'https://runbooks.example/latency',
    query: 'latency_seconds > 0.5',
  }),
  alert('Evaluated', {
    lastError: 'many-to-many matching not allowed',
    annotations: { runbook: 'javascript:alert(1)' },
    runbookUrl: 'javascript:alert(1)',
  }),
  alert('DiskFillsUp', {
    state: 'pending',
    silenced: true,
    value: 12_345,
    annotations: { description: 'It will be full within a day.' },
  }),
  alert('ErrorBudgetBurn', {
    value: 0.0213,
    query: 'errors:ratio > 0.01',
    annotations: {
      summary: 'A week of budget is spent in an hour',
      dashboard: 'https://dashboards.example/budget',
    },
  }),
];

const SIXTY = Array.from({ length: 60 }, (_, index) =>
  alert(`Alert-${index}`, {
    state: index % 2 ? 'firing' : 'pending',
    value: index,
    labels: { severity: 'ticket', team: `team-${index % 10}` },
  }),
);
