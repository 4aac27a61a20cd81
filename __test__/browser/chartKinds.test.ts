// How graphs are drawn: steps, states, logarithms, and what colors mean.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { Browser, type PageOptions } from '../support/Browser';
import {
  ALIAS,
  AXE,
  ENTRY,
  hover,
  legend,
  paint,
  pointOf,
  show,
  tooltip,
  violations,
} from './chartActions';
import { many, range, START, STEP } from './chartScenes';
import type { ChartProps } from './pages/chartPage';

const up: ChartProps = {
  title: 'Targets',
  graphType: 'timeline',
  data: range(
    60,
    [{ __name__: 'up', instance: 'a' }, at => (at < 30 ? 1 : 0)],
    [{ __name__: 'up', instance: 'b' }, at => (at < 30 ? null : 1)],
  ),
};

test('kinds of graphs in a browser', async t => {
  const browser = await Browser.launch(t);
  const open = (context: TestContext, options: PageOptions = {}) =>
    browser.page(context, { entry: ENTRY, alias: ALIAS, ...options });

  await t.test('a timeline has a row of states for each series', async t => {
    const page = await open(t);
    await show(page, [up]);
    // Green while it is up, red while it is down, nothing in a gap.
    assert.deepEqual(await rowColors(page, 0, 2, [10, 45]), [
      '#2f9e44',
      '#b00020',
    ]);
    assert.deepEqual(await rowColors(page, 1, 2, [10, 45]), [
      'none',
      '#2f9e44',
    ]);
    await hover(page, 0, 45, 0.5);
    assert.match(await tooltip(page).innerText(), /\na\ndown\n/);
    await legend(page).nth(0).click();
    assert.deepEqual(await rowColors(page, 0, 1, [10, 45]), [
      'none',
      '#2f9e44',
    ]);
  });

  await t.test('states are what their author says', async t => {
    const page = await open(t);
    await show(page, [
      {
        ...up,
        states: [
          { value: 0, label: 'idle', severity: 'warning' },
          { value: 1, label: 'busy', severity: 'ok' },
        ],
      },
    ]);
    assert.deepEqual(await rowColors(page, 0, 2, [45]), ['#c77700']);
  });

  await t.test('a timeline has what is infinite and what is NaN', async t => {
    const page = await open(t);
    const data = range(60, [{ a: 'b' }, at => (at < 15 ? 1 : null)]);
    const places = (from: number) =>
      Array.from({ length: 15 }, (_, at) => from + at);
    const nonFinite = {
      '+Inf': places(15),
      '-Inf': places(30),
      NaN: places(45),
    };
    const series = data.series.map(each => ({ ...each, nonFinite }));
    await show(page, [
      { title: 'Odd', graphType: 'timeline', data: { ...data, series } },
    ]);
    const [finite, ...others] = await rowColors(page, 0, 1, [5, 20, 35, 50]);
    assert.deepEqual(new Set(others).size, 1, 'no value has its color');
    assert.ok(!others.includes(finite) && !others.includes('none'), others[0]);
    for (const [at, text] of [
      [20, '∞'],
      [35, '-∞'],
      [50, 'NaN'],
    ] as const) {
      await hover(page, 0, at, 0.5);
      assert.match(
        await tooltip(page).innerText(),
        new RegExp(`\\n${text}(?:\\n|$)`),
      );
    }
  });

  await t.test('a step holds its value until the next', async t => {
    const page = await open(t);
    const data = range(4, [{ a: 'b' }, at => (at < 2 ? 0 : 10)]);
    const middle = async (graphType: ChartProps['graphType']) => {
      await show(page, [{ title: 'Steps', data, graphType }]);
      return colorAt(page, START + 1.5 * STEP, 5);
    };
    assert.notEqual(await middle('line'), 'none');
    assert.equal(await middle('step'), 'none');
    assert.notEqual(await colorAt(page, START + 1.5 * STEP, 0), 'none');
  });

  await t.test('a logarithmic scale has powers of ten', async t => {
    const page = await open(t);
    const data = range(30, [{ a: 'b' }, at => (at === 3 ? 0 : 10 ** (at % 5))]);
    await show(page, [{ title: 'Sizes', data, scale: 'log' }]);
    const heights = await Promise.all(
      [1, 10, 100, 1000].map(
        async value => (await pointOf(page, 0, 0, value)).y,
      ),
    );
    const steps = heights.slice(1).map((y, at) => heights[at] - y);
    assert.ok(steps.every(step => step > 10 && Math.abs(step - steps[0]) < 1));
    // Zero has no place on it: it is a gap, and not the lowest value.
    assert.equal(
      await page.evaluate(() => uplots.charts.at(-1)?.deref()?.data[1][3]),
      null,
    );
  });

  for (const dark of [false, true]) {
    const scheme = dark ? 'dark' : 'light';
    await t.test(`statuses have the colors they mean, ${scheme}`, async t => {
      const page = await open(t, { colorScheme: scheme });
      const data = range(
        30,
        [{ code: '503' }, () => 3],
        [{ code: '200' }, () => 9],
      );
      await show(page, [{ title: 'Codes', data }], { dark });
      const expected = dark
        ? [
            [0xff, 0x6f, 0x68],
            [0x93, 0xec, 0x96],
          ]
        : [
            [0xb0, 0x00, 0x20],
            [0x2f, 0x9e, 0x44],
          ];
      for (const [index, color] of expected.entries()) {
        const [found] = await paint(page, index + 1, [12]);
        assert.ok(
          color.every((part, at) => Math.abs(part - found[at]) < 32),
          String(found),
        );
      }
      await page.addScriptTag({ path: AXE });
      assert.deepEqual(await violations(page), []);
    });
  }

  await t.test('a dot of an exemplar leads to its trace', async t => {
    const page = await open(t);
    const exemplar = (value: number, minutes: number) => ({
      labels: { trace_id: `trace-${minutes}` },
      value,
      timestamp: START + minutes * 60,
    });
    await show(page, [
      {
        title: 'Latency',
        data: range(60, [{ a: 'b' }, at => at / 100]),
        unit: 'seconds',
        exemplars: {
          // The last is beyond the axis, and the one behind it beyond the range.
          exemplars: [
            exemplar(0.2, 10),
            exemplar(0.4, 30),
            exemplar(99, 50),
            exemplar(0.1, 90),
          ],
          traceUrl: 'https://traces.example/trace/{{trace_id}}',
        },
      },
    ]);
    const dots = page
      .getByRole('group', { name: 'Exemplars' })
      .getByRole('link');
    assert.equal(await dots.count(), 3);
    assert.equal(
      await dots.nth(1).getAttribute('href'),
      'https://traces.example/trace/trace-30',
    );
    assert.match(
      (await dots.nth(1).getAttribute('title'))!,
      /400 ms\ntrace_id: trace-30/,
    );
    const box = (await dots.nth(1).boundingBox())!;
    const { x, y } = await pointOf(page, 0, 30, 0.4);
    assert.ok(
      Math.abs(box.x + box.width / 2 - x) < 2,
      JSON.stringify([box, x]),
    );
    assert.ok(
      Math.abs(box.y + box.height / 2 - y) < 2,
      JSON.stringify([box, y]),
    );
    // Still where it belongs in a narrower window.
    await page.setViewportSize({ width: 500, height: 800 });
    await page.waitForFunction(
      () => (uplots.charts.at(-1)?.deref()?.width ?? 999) < 500,
    );
    const narrow = (await dots.nth(1).boundingBox())!;
    const there = await pointOf(page, 0, 30, 0.4);
    assert.ok(Math.abs(narrow.x + narrow.width / 2 - there.x) < 2);
    await dots.first().focus();
    await page.keyboard.press('ArrowRight');
    assert.match(
      (await page.evaluate(() =>
        document.activeElement?.getAttribute('href'),
      ))!,
      /trace-30$/,
    );
  });

  await t.test('a short legend leaves its room to the plot', async t => {
    const page = await open(t);
    const heights: number[] = [];
    for (const count of [1, 3, 50]) {
      await show(page, [{ title: 'Fill', data: many(count), fill: 376 }]);
      heights.push(
        await page.evaluate(
          () => document.querySelector('main > div')!.scrollHeight,
        ),
      );
    }
    assert.equal(new Set(heights).size, 1, heights.join());
  });
});

/** The color in the middle of a row at places in the timestamps; `none` for paper. */
async function rowColors(
  page: Page,
  row: number,
  rows: number,
  places: number[],
): Promise<string[]> {
  return page.evaluate(
    ([row, rows, places]) => {
      const chart = uplots.charts.at(-1)!.deref()!;
      const { top, height } = chart.bbox;
      // Above the text, which is in the middle.
      const y = Math.round(top + (height / rows) * (row + 0.22));
      return places.map(at => {
        const x = Math.round(chart.valToPos(chart.data[0][at], 'x', true)) + 6;
        const [r, g, b, a] = chart.ctx.getImageData(x, y, 1, 1).data;
        return a === 0
          ? 'none'
          : `#${[r, g, b].map(part => part.toString(16).padStart(2, '0')).join('')}`;
      });
    },
    [row, rows, places] as const,
  );
}

/** Whether anything but the grid is drawn within a few pixels of a place. */
async function colorAt(
  page: Page,
  time: number,
  value: number,
): Promise<string> {
  return page.evaluate(
    ([time, value]) => {
      const chart = uplots.charts.at(-1)!.deref()!;
      const x = Math.round(chart.valToPos(time, 'x', true));
      const y = Math.round(chart.valToPos(value, 'y', true));
      const { data } = chart.ctx.getImageData(x - 3, y - 3, 7, 7);
      return data.some((part, at) => at % 4 === 3 && part > 128)
        ? 'drawn'
        : 'none';
    },
    [time, value] as const,
  );
}
