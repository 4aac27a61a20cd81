import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually';

/** The body of a request for a range. */
export interface RangeBody {
  start: number;
  end: number;
  maxPoints?: number;
  step?: number;
}

export function plotOf(page: Page, title: string) {
  return page.getByRole('application', { name: title, exact: true });
}

export function legendOf(page: Page, title: string) {
  return page.getByRole('table', { name: `Series of ${title}`, exact: true });
}

function tooltipOf(page: Page) {
  return page.getByTestId('prometheus-tooltip');
}

/** Brings a panel into sight, for others are not asked for, and waits for its plot. */
export async function shown(page: Page, title: string) {
  await page
    .getByRole('heading', { name: title, exact: true })
    .scrollIntoViewIfNeeded();
  await plotOf(page, title).waitFor();
  return plotOf(page, title);
}

/** Points at a plot, `across` it from 0 to 1, and reads the tooltip. */
export async function pointAt(page: Page, title: string, across: number) {
  const plot = await shown(page, title);
  // What is above may still grow, and then the plot is elsewhere.
  await eventually(async () => {
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.locator('.u-over').boundingBox())!;
    await page.mouse.move(box.x + box.width * across, box.y + box.height / 2);
    await tooltipOf(page).waitFor({ timeout: 500 });
  });
  return (await tooltipOf(page).innerText()).replace(/\s+/g, ' ');
}

/** Bodies of the requests for ranges, as they are sent. */
export function watchRanges(page: Page): RangeBody[] {
  const bodies: RangeBody[] = [];
  page.on('request', request => {
    if (request.method() === 'POST' && request.url().endsWith('/range')) {
      bodies.push(request.postDataJSON() as RangeBody);
    }
  });
  return bodies;
}

const IMAGES = path.join(__dirname, '../../docs/images');

/** With `UPDATE_DOCS=1`, a picture of what is in sight for `docs/images`. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (process.env.UPDATE_DOCS) {
    await page.screenshot({ path: path.join(IMAGES, `${name}.png`) });
  }
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What makes a page hard to use for some, below its header: that is Backstage's own. */
export async function violations(page: Page): Promise<Violation[]> {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() =>
    (
      globalThis as unknown as {
        axe: { run(what: string): Promise<{ violations: Violation[] }> };
      }
    ).axe.run('article, main [class*="MuiGrid-container"]'),
  );
  return found.filter(({ impact }) => /serious|critical/.test(impact));
}
