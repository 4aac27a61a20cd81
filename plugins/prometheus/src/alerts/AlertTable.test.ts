import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import axe from 'axe-core';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Where pictures go, for people to look at. */
const SHOTS = process.env.SHOTS;

/** Shows the table on a page: `show({ theme, props, isClickable, hasExtraColumns })`. */
const PAGE = `
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import CssBaseline from '@material-ui/core/CssBaseline';
import { ThemeProvider } from '@material-ui/core/styles';
import { themes } from '@backstage/theme';
import { AlertTable } from './AlertTable';

const root = createRoot(document.getElementById('root'));
const extraColumns = [
  { title: 'Team', field: 'labels.team' },
  { title: 'Ticket', render: alert => <b>{'#' + alert.name.length}</b> },
];
let shown = 0;
globalThis.clicked = [];
globalThis.show = ({ theme = 'light', props, isClickable, hasExtraColumns, isSame }) => {
  globalThis.clicked.length = 0;
  shown += isSame ? 0 : 1;
  root.render(
    <StrictMode>
      <ThemeProvider theme={themes[theme].getTheme('v4')}>
        <CssBaseline />
        <main style={{ padding: 24 }}>
          <AlertTable
            key={shown}
            {...props}
            extraColumns={hasExtraColumns ? extraColumns : undefined}
            onRowClick={isClickable ? alert => globalThis.clicked.push(alert.name) : undefined}
          />
        </main>
      </ThemeProvider>
    </StrictMode>,
  );
};
`;

interface Scene {
  theme?: 'light' | 'dark';
  props: { alerts: Alert[]; [prop: string]: unknown };
  isClickable?: boolean;
  hasExtraColumns?: boolean;
  /** Keeps what the reader has chosen, as when alerts are asked for again. */
  isSame?: boolean;
}

/** What the page's own script has. */
interface Scripted {
  show: (scene: Scene) => void;
  clicked: string[];
  axe: typeof axe;
}

describe('AlertTable', { skip: !existsSync(CHROMIUM) && 'no Chromium' }, () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  before(async () => {
    const bundle = await build({
      stdin: { contents: PAGE, loader: 'tsx', resolveDir: __dirname },
      bundle: true,
      write: false,
      format: 'iife',
      jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"development"' },
      logLevel: 'error',
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-background-networking'],
    });
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(10_000);
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('console', message => {
      // Material UI 4 does so itself, in every ButtonBase.
      const isTheirs = message.text().includes('findDOMNode is deprecated');
      if (['error', 'warning'].includes(message.type()) && !isTheirs) {
        complaints.push(message.text());
      }
    });
    await page.setContent(
      '<!doctype html><html lang="en"><title>Alerts</title><div id="root"></div>',
    );
    await page.addScriptTag({ content: bundle.outputFiles[0].text });
    await page.addScriptTag({ content: axe.source });
  });

  after(async () => {
    await browser?.close();
  });

  const show = (scene: Scene) =>
    page.evaluate(
      given => (globalThis as unknown as Scripted).show(given),
      scene,
    );
  const clicked = () =>
    page.evaluate(() => (globalThis as unknown as Scripted).clicked);
  const rows = () => page.locator('tbody tr');
  const status = () => page.getByRole('status').innerText();
  const namesOf = async () => {
    const cells = await page
      .locator('tbody tr td:nth-child(2)')
      .allInnerTexts();
    return cells.map(text => text.split('\n')[0].trim());
  };
  const shoot = async (name: string) => {
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
    }
  };

  it('shows what is known of an alert', async () => {
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

  it('links to runbooks of the web, in a tab that knows nothing of this one, and to nothing else', async () => {
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

  it('shows markup of annotations and labels as text', async () => {
    const text = '<img src=x onerror="document.title=1">';
    const alerts = [
      alert('A', { labels: { a: text }, annotations: { summary: text } }),
    ];
    await show({ props: { alerts } });
    assert.equal(await page.getByText(text).count(), 2);
    assert.equal(await page.locator('#root img').count(), 0);
  });

  it('finds alerts by words, and says how many', async () => {
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

  it('sorts by severity first, and by the column that is chosen', async () => {
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

  it('pages 60 alerts, and comes back to the first page for another order', async () => {
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

  it('tells a click on a row, by mouse and by keyboard, but not one on a link in it', async () => {
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

  it('has no buttons in rows where a click does nothing', async () => {
    await show({ props: { alerts: ALERTS } });
    assert.equal(await rows().getByRole('button').count(), 0);
  });

  it('shows inactive alerts when they are asked for', async () => {
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

  it('scrolls by itself where it is narrow, also with the keyboard', async () => {
    await page.setViewportSize({ width: 600, height: 900 });
    await show({ props: { alerts: ALERTS } });
    await shoot('narrow-light');
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
    await page.setViewportSize({ width: 1400, height: 900 });
  });

  it('says why it is empty', async () => {
    const quiet = ['a', 'b'].map(name => alert(name, { state: 'inactive' }));
    await show({ props: { alerts: quiet } });
    await page.getByText('All 2 alerts are quiet').waitFor();
    await shoot('quiet-light');
    await page.getByRole('button', { name: 'Show inactive' }).click();
    assert.deepEqual(await namesOf(), ['a', 'b']);
    await show({ props: { alerts: [] } });
    await page.getByText('There are no alerts').waitFor();
    await show({ props: { alerts: [], isLoading: true } });
    await page.getByText('Loading alerts').waitFor();
    assert.equal(await page.getByText('There are no alerts').count(), 0);
    await page.getByRole('progressbar').waitFor();
  });

  it('leaves out columns that are not wanted, and has those of an app', async () => {
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
    it(`is accessible with the ${theme} theme`, async () => {
      const quiet = alert('Quiet', { state: 'inactive', activeAt: undefined });
      const scenes: [name: string, props: Scene['props']][] = [
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
        // The colours of what was there before fade.
        await page.waitForTimeout(500);
        await shoot(`${name}-${theme}`);
        const { violations } = await page.evaluate(() =>
          (globalThis as unknown as Scripted).axe.run('#root'),
        );
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

  it('gives React and the browser nothing to complain about', () => {
    assert.deepEqual(complaints, []);
  });
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
