// What tests do with the page of the chart, and what they see there.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type Axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';
import type { ChartProps } from './pages/chartPage';

export const ENTRY = '__test__/browser/pages/chartPage.tsx';
export const ALIAS = { uplot: '__test__/browser/pages/recordingUplot.ts' };
export const AXE = createRequire(__filename).resolve('axe-core/axe.min.js');

export async function show(
  page: Page,
  charts: ChartProps[],
  look?: { dark?: boolean; strict?: boolean },
): Promise<void> {
  await page.evaluate(([props, how]) => chartPage.show(props, how), [
    charts,
    look,
  ] as const);
  // Charts are drawn in a microtask of the render, and observed sizes come before the next frame.
  await page.evaluate(
    () =>
      new Promise(resolve =>
        requestAnimationFrame(() => requestAnimationFrame(resolve)),
      ),
  );
}

export function plot(page: Page, chart: number): Locator {
  return page.getByRole('application').nth(chart);
}

export function tooltip(page: Page): Locator {
  return page.getByTestId('prometheus-tooltip');
}

/** Of all series, in order. */
export function legend(page: Page): Locator {
  return page.locator('[data-series]');
}

/** Where a value of a chart is in the viewport. */
export async function pointOf(
  page: Page,
  chart: number,
  at: number,
  value: number,
): Promise<{ x: number; y: number }> {
  return page.evaluate(
    ([index, at, value]) => {
      const over = document.querySelectorAll('.u-over')[index];
      const owner = uplots.charts
        .map(chart => chart.deref())
        .find(chart => chart?.over === over);
      const box = over.getBoundingClientRect();
      return {
        x: box.left + (owner?.valToPos(owner.data[0][at], 'x') ?? NaN),
        y: box.top + (owner?.valToPos(value, 'y') ?? NaN),
      };
    },
    [chart, at, value],
  );
}

export async function hover(
  page: Page,
  chart: number,
  at: number,
  value: number,
): Promise<void> {
  const { x, y } = await pointOf(page, chart, at, value);
  await page.mouse.move(x - 3, y);
  await page.mouse.move(x, y);
}

/** The strongest color within three pixels of values of a series, as red, green, blue, opacity. */
export async function paint(
  page: Page,
  series: number,
  places: number[],
): Promise<number[][]> {
  return page.evaluate(
    ([series, places]) => {
      const chart = uplots.charts.at(-1)?.deref();
      if (!chart) {
        throw new Error('There is no chart');
      }
      return places.map(at => {
        const x = chart.valToPos(chart.data[0][at], 'x', true);
        const value = chart.data[series][at] ?? chart.data[series][at - 1] ?? 0;
        const y = chart.valToPos(value, 'y', true);
        const { data } = chart.ctx.getImageData(x - 1, y - 3, 2, 7);
        const pixels = Array.from({ length: data.length / 4 }, (_, pixel) => [
          ...data.slice(pixel * 4, pixel * 4 + 4),
        ]);
        return pixels.sort((a, b) => b[3] - a[3])[0];
      });
    },
    [series, places] as const,
  );
}

/** Milliseconds of thirty movements over the first chart, each until it is painted; sorted. */
export async function hoverFrames(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const over = document.querySelector('.u-over');
    const {
      left = 0,
      top = 0,
      width = 0,
    } = over?.getBoundingClientRect() ?? {};
    const frames = [];
    for (let move = 0; move < 30; move++) {
      await new Promise(requestAnimationFrame);
      const begin = performance.now();
      over?.dispatchEvent(
        new MouseEvent('mousemove', {
          clientX: left + (width * (move + 1)) / 32,
          clientY: top + 100,
          movementX: 1,
          bubbles: true,
        }),
      );
      await new Promise(requestAnimationFrame);
      // Behind the frame's layout and paint.
      await new Promise(resolve => setTimeout(resolve));
      frames.push(performance.now() - begin);
    }
    return frames.sort((a, b) => a - b);
  });
}

export async function shown(
  page: Page,
): Promise<(boolean | undefined)[] | undefined> {
  return page.evaluate(() =>
    uplots.charts
      .at(-1)
      ?.deref()
      ?.series.slice(1)
      .map(series => series.show),
  );
}

export async function counts(
  page: Page,
): Promise<{ created: number; destroyed: number }> {
  return page.evaluate(() => ({
    created: uplots.created,
    destroyed: uplots.destroyed,
  }));
}

export async function expectFocus(page: Page, locator: Locator): Promise<void> {
  assert.ok(
    await locator.evaluate(element => element === document.activeElement),
    `${await page.evaluate(() => document.activeElement?.outerHTML)} has the focus`,
  );
}

/** What axe-core finds serious or critical. */
export async function violations(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof Axe };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(each => each.html).join()}`);
  });
}
