// The legend and the tooltip of many series, and of long names.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { Browser, type PageOptions } from '../support/Browser';
import { eventually } from '../support/eventually';
import {
  ALIAS,
  ENTRY,
  expectFocus,
  hover,
  legend,
  plot,
  show,
  tooltip,
} from './chartActions';
import { many, range } from './chartScenes';
import type { ChartProps } from './pages/chartPage';

const requests: ChartProps = {
  title: 'Requests',
  unit: 'count/s',
  data: range(
    60,
    [{ code: '200' }, () => 10],
    [{ code: '500' }, at => (at < 30 ? 2 : null)],
  ),
};

test('the legend and the tooltip in a browser', async t => {
  const browser = await Browser.launch(t);
  const open = (context: TestContext, options: PageOptions = {}) =>
    browser.page(context, { entry: ENTRY, alias: ALIAS, ...options });

  await t.test(
    'a name is cut in its middle, and what all have in common is said once',
    async t => {
      for (const width of [390, 1400]) {
        const page = await open(t, { viewport: { width, height: 700 } });
        const pods = ['production-checkout-service', 'payments'].flatMap(name =>
          ['x2k9q', 'p4w7z'].map(
            end => `eu-west-1-cluster-${name}-${'long'.repeat(60)}-${end}`,
          ),
        );
        const data = many(4, index => ({ pod: pods[index] }));
        await show(page, [{ ...requests, data }]);
        await page.getByText('eu-west-1-cluster-…', { exact: true }).waitFor();
        const row = legend(page).nth(1);
        assert.equal(await row.getAttribute('aria-label'), pods[1]);
        // The end of the name is in sight, within the row and within the card.
        const box = await endOf(page, 1);
        const button = (await row.boundingBox())!;
        assert.ok(
          box.right <= button.x + button.width + 1,
          JSON.stringify([box, button]),
        );
        assert.equal(
          await page.evaluate(() => document.body.scrollWidth),
          width,
        );
      }
    },
  );

  await t.test('a name stays whole where there is room for it', async t => {
    const page = await open(t, { viewport: { width: 1400, height: 700 } });
    const pods = [
      'Time to answer, 95th percentile',
      `${'W'.repeat(20)}iiiiiiiiii`,
    ];
    const data = many(2, index => ({ pod: pods[index] }));
    await show(page, [{ ...requests, data }]);
    for (const [index, pod] of pods.entries()) {
      const row = legend(page).nth(index);
      assert.equal(await row.innerText(), pod);
      const cut = await row.evaluate(button =>
        [...button.querySelectorAll('span')]
          .filter(span => span.scrollWidth > span.clientWidth)
          .filter(span => getComputedStyle(span).display !== 'inline')
          .map(span => span.textContent),
      );
      assert.deepEqual(cut, []);
    }
  });

  await t.test(
    'hovering points a series out, also among five hundred',
    async t => {
      const page = await open(t);
      for (const count of [2, 500]) {
        await show(page, [{ ...requests, data: many(count) }]);
        assert.equal(await coverage(page), 0);
        await legend(page).nth(1).hover();
        // Paper covers the others, and the line is drawn on top.
        assert.ok((await coverage(page)) > 0.9);
        const opaque = await opaquePixels(page);
        assert.ok(opaque > 200, `${count}: ${opaque}`);
        await page.mouse.move(0, 0);
        assert.equal(await coverage(page), 0);
        await hover(page, 0, 10, count / 2);
        await eventually(async () => {
          const covered = await coverage(page);
          assert.ok(covered > 0.9, `${count}: ${covered}`);
        });
        await page.mouse.move(0, 0);
      }
    },
  );

  await t.test('columns sort, at the keyboard too', async t => {
    const page = await open(t);
    await show(page, [{ ...requests, data: many(12) }]);
    const first = () => legend(page).first().getAttribute('aria-label');
    const column = page.getByRole('columnheader', { name: 'Max' });
    await column.getByRole('button').click();
    assert.equal(await first(), 'pod-11');
    assert.equal(await column.getAttribute('aria-sort'), 'descending');
    await column.getByRole('button').click();
    assert.equal(await first(), 'pod-0');
    assert.equal(await column.getAttribute('aria-sort'), 'ascending');
    await column.getByRole('button').click();
    assert.equal(await column.getAttribute('aria-sort'), null);

    await legend(page).first().focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await expectFocus(page, column.getByRole('button'));
    await page.keyboard.press('Enter');
    assert.equal(await first(), 'pod-11');
  });

  await t.test('a filter finds series by words of their labels', async t => {
    const page = await open(t);
    await show(page, [
      {
        ...requests,
        data: many(40, index => ({
          pod: `pod-${index}`,
          zone: `z${index % 4}`,
        })),
        dimension: 'pod',
      },
    ]);
    const filter = page.getByRole('searchbox', { name: 'Filter series' });
    await filter.fill('z3 pod-1');
    assert.deepEqual(
      await legend(page).evaluateAll(rows =>
        rows.map(row => row.getAttribute('aria-label')),
      ),
      ['pod-11', 'pod-15', 'pod-19'],
    );
    await filter.fill('nothing');
    await page.getByText('No series has “nothing”').waitFor();
    // Few are found at a glance, once nothing is filtered out any more.
    await show(page, [requests]);
    await page.getByText('No series has “nothing”').waitFor();
    await filter.fill('');
    await filter.waitFor({ state: 'detached' });
    assert.equal(await legend(page).count(), 2);
  });

  await t.test('a stack has its total, of what is shown', async t => {
    const page = await open(t);
    await show(page, [{ ...requests, graphType: 'stacked' }]);
    const total = page.getByRole('row', { name: /^Total/ });
    assert.deepEqual(await total.getByRole('cell').allInnerTexts(), [
      '10/s',
      '10/s',
      '12/s',
      '11/s',
    ]);
    await hover(page, 0, 10, 5);
    assert.match(await tooltip(page).innerText(), /Total\n12\/s/);
    await legend(page).nth(1).click();
    assert.equal(await total.getByRole('cell').nth(2).innerText(), '10/s');
    await show(page, [requests]);
    assert.equal(await total.count(), 0);
  });

  await t.test('six rows are all in sight, of more half a row', async t => {
    const page = await open(t);
    const table = page.getByRole('table', { name: 'Series of Requests' });
    const cutOff = () =>
      table.evaluate(
        ({ scrollHeight, clientHeight }) => scrollHeight - clientHeight,
      );
    await show(page, [{ ...requests, data: many(6) }]);
    assert.equal(await cutOff(), 0);
    await show(page, [{ ...requests, data: many(5), graphType: 'stacked' }]);
    assert.equal(await cutOff(), 0, 'with its total');
    await show(page, [{ ...requests, data: many(7) }]);
    assert.ok((await cutOff()) > 0);
  });

  await t.test('a click pins the tooltip, which can be copied', async t => {
    const page = await open(t);
    await show(page, [{ ...requests, data: many(60) }]);
    await hover(page, 0, 10, 30);
    await page.mouse.down();
    await page.mouse.up();
    const pinned = page.getByRole('dialog', { name: /^Values of 22 Nov/ });
    await pinned.waitFor();
    // All of them, and not ten.
    assert.doesNotMatch(await pinned.innerText(), /more/);
    await page.mouse.move(0, 0);
    await pinned.getByRole('button', { name: 'Copy values' }).click();
    await pinned.getByRole('button', { name: 'Copied' }).waitFor();
    const text = await pasted(page);
    const lines = text.replaceAll('\r', '').split('\n');
    assert.equal(lines.length, 61);
    assert.deepEqual(lines.slice(0, 2), [
      '22 Nov 2025, 22:40:00 UTC',
      '{pod="pod-59"}\t59/s',
    ]);
    // Newer data does not change what is pinned.
    await show(page, [
      { ...requests, data: range(20, [{ pod: 'x' }, () => 7]) },
    ]);
    assert.match(await pinned.innerText(), /pod-59/);
    await pinned.getByRole('button', { name: 'Close values' }).click();
    await pinned.waitFor({ state: 'detached' });
  });

  await t.test('the keyboard pins, copies and goes back', async t => {
    const page = await open(t);
    await show(page, [requests]);
    await plot(page, 0).focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    const pinned = page.getByRole('dialog');
    await expectFocus(
      page,
      pinned.getByRole('button', { name: 'Copy values' }),
    );
    await page.keyboard.press('Escape');
    await pinned.waitFor({ state: 'detached' });
    await expectFocus(page, plot(page, 0));
    assert.deepEqual(await page.evaluate(() => chartPage.zooms), []);
  });
});

/** What is in the clipboard. The page is none of HTTPS, and so it may not ask. */
async function pasted(page: Page): Promise<string> {
  await page.evaluate(() => {
    const area = document.createElement('textarea');
    area.id = 'paste';
    document.body.append(area);
    area.focus();
  });
  await page.keyboard.press('Control+V');
  const text = await page.locator('#paste').inputValue();
  await page.locator('#paste').evaluate(area => area.remove());
  return text;
}

/** Where the end of a legend's name is. */
function endOf(page: Page, row: number): Promise<{ right: number }> {
  return legend(page)
    .nth(row)
    .evaluate(button => {
      const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
      let last: Node = button;
      while (texts.nextNode()) {
        last = texts.currentNode;
      }
      const end = document.createRange();
      end.selectNodeContents(last);
      return { right: end.getBoundingClientRect().right };
    });
}

/** The share of the plot that the highlight's layer covers. */
function coverage(page: Page): Promise<number> {
  return alphas(page, 1);
}

async function opaquePixels(page: Page): Promise<number> {
  return alphas(page, 200, true);
}

function alphas(page: Page, least: number, isCount = false): Promise<number> {
  return page.getByTestId('prometheus-highlight').evaluate(
    (element, [from, counts]) => {
      const canvas = element as HTMLCanvasElement;
      if (canvas.style.display === 'none' || canvas.width === 0) {
        return 0;
      }
      const { data } = canvas
        .getContext('2d')!
        .getImageData(0, 0, canvas.width, canvas.height);
      const found = [...data].filter(
        (part, at) => at % 4 === 3 && part >= from,
      );
      return counts ? found.length : found.length / (data.length / 4);
    },
    [least, isCount] as const,
  );
}
