import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { parse } from 'yaml';
import { eventually } from '../support/eventually';
import { Link } from '../support/Link';
import { Prometheus } from '../support/Prometheus';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { AppFixture, type AppOptions } from './AppFixture';
import {
  keepPicture,
  plotOf,
  pointAt,
  shown,
  violations,
  watchRanges,
} from './appPage';
import { shopRules, shopSamples } from './shop';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const SERVICE = 'prometheus.io/service-name';

const ENTITIES = {
  shop: { annotations: { [RULE]: 'shop_payload_bytes', [ALERT]: 'all' } },
  several: {
    annotations: {
      [RULE]: 'shop_payload_bytes, shop_idle, shop_queue_length',
      [ALERT]: 'all',
    },
  },
  staging: {
    annotations: { [RULE]: 'shop_payload_bytes', [SERVICE]: 'staging' },
  },
  nowhere: {
    annotations: { [RULE]: 'shop_payload_bytes', [SERVICE]: 'nowhere' },
  },
};

const REFUSED =
  /Failed to load resource: the server responded with a status of [45]/;

describe(
  'an app with the Prometheus plugin',
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  () => {
    let server: Prometheus;
    const scope = suiteScope();

    before(async () => {
      server = await Prometheus.serve(scope, {
        openmetrics: shopSamples(Date.now() / 1000),
        groups: [{ name: 'shop', rules: shopRules }],
        limit: 600_000,
      });
    });

    const start = (t: TestContext, options: Partial<AppOptions> = {}) =>
      AppFixture.start(t, {
        prometheus: {
          instances: [
            { name: 'default', url: server.url, uiUrl: 'https://prom.example' },
          ],
        },
        entities: ENTITIES,
        ...options,
      });

    it('works with the old configuration of a proxy alone', async t => {
      const settings = {
        proxyPath: '/prometheus/api',
        uiUrl: 'https://prom.example',
        instances: [{ name: 'staging', proxyPath: '/prometheus-staging/api' }],
      };
      const app = await start(t, {
        plugin: false,
        prometheus: settings,
        appConfig: { prometheus: settings },
        proxy: {
          endpoints: {
            '/prometheus/api': {
              target: `${server.url}/api/v1/`,
              changeOrigin: true,
              secure: false,
            },
            '/prometheus-staging/api': { target: `${server.url}/api/v1/` },
          },
        },
      });
      const page = await app.open(t, 'shop');
      assert.match(await pointAt(page, 'shop_payload_bytes', 0.9), /1\.5 GiB/);
      await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      // The backend is of another origin, and the server says its time all the same.
      assert.equal(await page.getByText(/says the server’s time/).count(), 0);
      const staging = await app.open(t, 'staging');
      assert.match(
        await pointAt(staging, 'shop_payload_bytes', 0.9),
        /1\.5 GiB/,
      );
      const nowhere = await app.open(t, 'nowhere', { expected: REFUSED });
      await nowhere
        .getByRole('alert')
        .getByText(/staging/)
        .waitFor();
    });

    it('works with the default path of the proxy and no configuration of its own', async t => {
      const app = await start(t, {
        plugin: false,
        prometheus: {},
        proxy: {
          endpoints: {
            '/prometheus/api': { target: `${server.url}/api/v1/` },
          },
        },
      });
      const page = await app.open(t, 'shop', { expected: REFUSED });
      await shown(page, 'shop_payload_bytes');
    });

    it('says what is missing where there is neither the backend plugin nor a proxy', async t => {
      const app = await start(t, { plugin: false });
      const page = await app.open(t, 'shop', { expected: REFUSED });
      await page
        .getByText('The Prometheus backend is not installed')
        .first()
        .waitFor();
      await page
        .getByText(/backend\.add\(import\(.@nativestage/)
        .first()
        .waitFor();
      await keepPicture(page, 'plugin-missing');
    });

    it('keeps its picture while Prometheus is down, and goes on when it is back', async t => {
      const link = await Link.to(t, server.url);
      const app = await start(t, {
        prometheus: { instances: [{ name: 'default', url: link.url }] },
      });
      const page = await app.open(t, 'shop', {
        search: '?refresh=5s',
        expected: REFUSED,
      });
      await shown(page, 'shop_payload_bytes');
      link.cut();
      const banner = page.getByTestId('prometheus-outage');
      await banner
        .getByText('Prometheus did not answer')
        .waitFor({ timeout: 30_000 });
      // The graph and the alerts have it both.
      await eventually(async () => {
        const notes = await page.getByRole('note').allInnerTexts();
        assert.deepEqual(notes, [
          'This is what was known before.',
          'This is what was known before.',
        ]);
      });
      assert.equal(await banner.count(), 1);
      assert.ok(await plotOf(page, 'shop_payload_bytes').isVisible());
      await keepPicture(page, 'prometheus-down');
      const late = await app.open(t, 'shop', { expected: REFUSED });
      await late
        .getByTestId('prometheus-outage')
        .getByText('Prometheus did not answer')
        .waitFor();
      assert.equal(
        await late.getByText('Prometheus did not answer').count(),
        1,
      );
      const retry = late.getByRole('button', { name: 'Try again' });
      assert.equal(await retry.count(), 1);
      await link.mend();
      await retry.click();
      await late.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      await eventually(async () => {
        assert.equal(await page.getByRole('note').count(), 0);
      });
    });

    it('says one outage once on an overview, whatever cards that has', async t => {
      const link = await Link.to(t, server.url);
      const app = await start(t, {
        prometheus: { instances: [{ name: 'default', url: link.url }] },
      });
      link.cut();
      const said = 'Prometheus did not answer';
      const [cards, summary] = [
        await app.open(t, 'several', { tab: '', expected: REFUSED }),
        await app.open(t, 'several', { tab: 'summary', expected: REFUSED }),
      ];
      await eventually(async () => {
        const short = cards.getByText('Another card on this page says why.');
        // Of the alerts and the graphs in sight one has the message.
        assert.ok((await short.count()) > 0);
        assert.equal(await cards.getByText(said).count(), 1);
        const retry = cards.getByRole('button', { name: 'Try again' });
        assert.equal(await retry.count(), 1);
      });
      await eventually(async () => {
        assert.equal(await summary.getByText(said).count(), 1);
        const rows = summary.getByText('Not known', { exact: true });
        assert.equal(await rows.count(), 3);
      });
      await summary
        .getByText('It is not known how many alerts there are')
        .waitFor();
      await link.mend();
      for (const page of [cards, summary]) {
        await page.getByRole('button', { name: 'Try again' }).click();
        await eventually(async () => {
          assert.equal(await page.getByText(said).count(), 0);
          assert.equal(await page.getByText('Nothing to show').count(), 0);
        });
      }
      await cards.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      await shown(cards, 'shop_payload_bytes');
      await summary.getByText('1 firing').waitFor();
      await summary.getByText('1.5 GiB').waitFor();
    });

    it('is for everyone: nothing serious for axe, in light and dark', async t => {
      const app = await start(t);
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await app.open(t, 'shop', { colorScheme });
        await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
        await shown(page, 'shop_payload_bytes');
        assert.deepEqual(await violations(page), [], colorScheme);
      }
    });

    it('is all within reach of the keyboard', async t => {
      const app = await start(t);
      const page = await app.open(t, 'shop');
      await shown(page, 'shop_payload_bytes');
      await page.getByRole('button', { name: /^Range: / }).focus();
      const reached: string[] = [];
      for (let stop = 0; stop < 60; stop += 1) {
        await page.keyboard.press('Tab');
        reached.push(
          await page.evaluate(() => {
            const { activeElement: element } = document;
            return `${element?.getAttribute('role') ?? element?.tagName} ${element?.getAttribute('aria-label') ?? element?.textContent}`;
          }),
        );
      }
      for (const wanted of [
        /Earlier/,
        /Zoom out/,
        /Refresh: /,
        /Runbook of AlwaysFiring/,
        /Options of shop_payload_bytes/,
        /^application shop_payload_bytes/,
        /web/,
      ]) {
        assert.ok(
          reached.some(stop => wanted.test(stop)),
          `${wanted} among ${reached.join('; ')}`,
        );
      }
      await plotOf(page, 'shop_payload_bytes').focus();
      await page.keyboard.press('End');
      await page
        .getByRole('status')
        .getByText(/1\.5 GiB/)
        .waitFor();
      const bodies = watchRanges(page);
      await page.keyboard.press('Shift+ArrowLeft');
      for (let step = 0; step < 20; step += 1) {
        await page.keyboard.press('Shift+ArrowLeft');
      }
      await page.keyboard.press('Enter');
      await eventually(() => assert.ok(bodies.length > 0));
      assert.ok(bodies[0].end - bodies[0].start < 3600 / 2);
    });

    it('is a page and cards of the new frontend system, with their configuration', async t => {
      const app = await start(t, {
        app: 'newApp',
        appConfig: configurationOfReadme(),
      });
      const page = await app.open(t, 'shop', { tab: '' });
      await page.getByRole('row', { name: /Quiet/ }).waitFor();
      assert.equal(await plotOf(page, 'shop_payload_bytes').count(), 0);
      await page
        .getByRole('navigation')
        .getByText('Prometheus', { exact: true })
        .or(page.getByRole('tab', { name: 'Prometheus' }))
        .or(page.getByRole('link', { name: 'Prometheus', exact: true }))
        .first()
        .click();
      const bodies = watchRanges(page);
      assert.match(await pointAt(page, 'shop_payload_bytes', 0.9), /1\.5 GiB/);
      assert.equal(Math.round(bodies[0].end - bodies[0].start), 6 * 3600);
      await page
        .getByRole('button', { name: 'Options of shop_payload_bytes' })
        .click();
      const area = page.getByRole('menuitemradio', {
        name: 'Areas',
        exact: true,
      });
      assert.equal(await area.getAttribute('aria-checked'), 'true');
    });
  },
);

/** The example of the plugin's README. */
function configurationOfReadme(): JsonObject {
  const readme = readFileSync(
    path.join(__dirname, '../../plugins/prometheus/README.md'),
    'utf8',
  );
  const [, yaml] = /^```yaml\n(app:\n[^]*?)^```$/m.exec(readme)!;
  return parse(yaml) as JsonObject;
}
