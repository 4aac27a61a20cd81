import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Prometheus } from '../support/Prometheus';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { json, UpstreamServer } from '../support/UpstreamServer';
import { suiteScope } from '../support/suiteScope';
import { AppFixture } from './AppFixture';
import { plotOf, pointAt, shown } from './appPage';
import { shopRules, shopSamples } from './shop';

const RULE = 'prometheus.io/rule';
const ALERT = 'prometheus.io/alert';
const SERVICE = 'prometheus.io/service-name';

const ENTITIES = {
  both: {
    annotations: {
      [RULE]: 'shop_payload_bytes, shop_idle',
      [ALERT]: 'AlwaysFiring',
      [SERVICE]: 'prod, staging',
    },
  },
  half: {
    annotations: {
      [RULE]: 'shop_idle',
      [ALERT]: 'AlwaysFiring',
      [SERVICE]: 'prod, refusing',
    },
  },
  refused: {
    annotations: {
      [RULE]: Array.from({ length: 4 }, (_, n) => `up + ${n}`).join(),
      [ALERT]: 'all',
      [SERVICE]: 'refusing',
    },
  },
};

const REFUSED =
  /Failed to load resource: the server responded with a status of [45]/;

describe(
  'the servers of an entity, in a browser',
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
      const refusing = await UpstreamServer.start(scope, (_, response) =>
        json(response, { message: 'no' }, 401),
      );
      app = await AppFixture.start(scope, {
        prometheus: {
          customQueries: true,
          instances: [
            { name: 'prod', url: server.url, uiUrl: 'https://prod.example' },
            { name: 'staging', url: server.url, uiUrl: 'https://st.example' },
            { name: 'refusing', url: refusing.url },
          ],
        },
        entities: ENTITIES,
        env: { CUSTOM_QUERIES: 'allow' },
      });
    });

    it('says of every graph and alert which of several instances it is of', async t => {
      const page = await app.open(t, 'both');
      for (const name of ['prod', 'staging']) {
        for (const query of ['shop_payload_bytes', 'shop_idle']) {
          await shown(page, `${query} · ${name}`);
        }
        const text = await pointAt(page, `shop_payload_bytes · ${name}`, 0.5);
        assert.match(text, /1\.5 GiB/);
      }
      const rows = page.getByRole('row', { name: /AlwaysFiring/ });
      await rows.nth(1).waitFor();
      assert.deepEqual(
        (await rows.allInnerTexts()).map(text => /on (\w+)/.exec(text)?.at(1)),
        ['prod', 'staging'],
      );
      const links = page.getByRole('link', { name: /in Prometheus/ });
      const addresses = await links.evaluateAll(all =>
        all.map(link => new URL((link as HTMLAnchorElement).href).host),
      );
      assert.deepEqual(addresses, ['prod.example', 'st.example']);
    });

    it('shows what one instance has while another refuses', async t => {
      const page = await app.open(t, 'half', { expected: REFUSED });
      await shown(page, 'shop_idle · prod');
      await page.getByRole('row', { name: /AlwaysFiring/ }).waitFor();
      await page
        .getByRole('note')
        .getByText(
          /The alerts of "refusing" are not known: .* refused the backend's credentials/,
        )
        .waitFor();
      await page
        .getByRole('heading', { name: 'shop_idle · refusing' })
        .scrollIntoViewIfNeeded();
      await page.getByText('Prometheus cannot be asked').waitFor();
      assert.equal(await plotOf(page, 'shop_idle · refusing').count(), 0);
    });

    it('says once what keeps every graph away, and offers no second try that would not help', async t => {
      const page = await app.open(t, 'refused', { expected: REFUSED });
      const banner = page.getByTestId('prometheus-outage');
      await banner.getByText(/refused the backend's credentials/).waitFor();
      for (const n of [0, 1, 2, 3]) {
        await page
          .getByRole('heading', { name: `up + ${n}` })
          .scrollIntoViewIfNeeded();
      }
      await page.getByText('Nothing to show').nth(4).waitFor();
      assert.equal(await banner.count(), 1);
      const said = page.getByText('Prometheus cannot be asked');
      assert.equal(await said.count(), 1);
      const retry = page.getByRole('button', { name: 'Try again' });
      assert.equal(await retry.count(), 0);
    });

    it('says of an entity what a templated graph lacks', async t => {
      const page = await app.open(t, 'both', { tab: 'templated' });
      await page.getByText('This graph does not fit the entity').waitFor();
      await page
        .getByText(/Component "both" has no entity\.metadata\.labels\.tier/)
        .waitFor();
      await page.getByRole('heading', { name: 'Of the tier' }).waitFor();
    });
  },
);
