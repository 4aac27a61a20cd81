import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { transform } from 'esbuild';
import {
  block,
  moduleOf,
  temporaryFolder,
  yamlOf,
} from '../support/documented';
import { Prometheus } from '../support/Prometheus';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { AppFixture } from './AppFixture';
import { shown } from './appPage';

/** An app whose entity pages are the document's blocks. */
const APP = `import { createApp } from '@backstage/app-defaults';
import { AppRouter, FlatRoutes } from '@backstage/core-app-api';
import { ProxiedSignInPage } from '@backstage/core-components';
import { CatalogEntityPage, CatalogIndexPage, catalogPlugin, EntityLayout, EntitySwitch } from '@backstage/plugin-catalog';
import { prometheusPlugin } from '@nativestage/backstage-plugin-prometheus';
import { cloneElement, Children } from 'react';
import { createRoot } from 'react-dom/client';
import { Route } from 'react-router-dom';
import { element as alerts } from './alerts';
import { element as cards } from './cards';
import { element as graph } from './graph';
import { element as page } from './page';

const route = (path, title, content) => (
  <EntityLayout.Route key={path} path={path} title={title}>
    {content}
  </EntityLayout.Route>
);
const entityPage = cloneElement(
  page,
  {},
  ...Children.toArray(page.props.children),
  route('/cards', 'Cards', cards),
  route('/graph', 'Graph', graph),
  route('/alerts', 'Alerts', alerts),
);
const app = createApp({
  plugins: [catalogPlugin, prometheusPlugin],
  components: {
    SignInPage: props => <ProxiedSignInPage {...props} provider="guest" />,
  },
});
const App = app.createRoot(
  <AppRouter>
    <FlatRoutes>
      <Route path="/catalog" element={<CatalogIndexPage />} />
      <Route path="/catalog/:namespace/:kind/:name" element={<CatalogEntityPage />}>
        <EntitySwitch>
          <EntitySwitch.Case>{entityPage}</EntitySwitch.Case>
        </EntitySwitch>
      </Route>
    </FlatRoutes>
  </AppRouter>,
);
createRoot(document.getElementById('root')).render(<App />);
`;

it(
  "the document's components are the pages of an app, beside its backend and its proxy",
  { skip: without(prometheus(3).server, prometheus(3).promtool, CHROMIUM) },
  async t => {
    const end = Math.floor(Date.now() / 1000);
    const alert = (name: string) => ({
      alert: name,
      expr: 'vector(1) > 0',
      labels: { severity: 'page' },
    });
    const [production, staging] = await Promise.all([
      Prometheus.serve(t, {
        openmetrics: counter('http_requests', 'method="get"', end),
        groups: [
          {
            name: 'a',
            rules: [alert('Critical CPU'), alert('Memory Warning')],
          },
        ],
        limit: 600_000,
      }),
      Prometheus.serve(t, {
        openmetrics: gauge('api_requests_per_second', 'endpoint="/"', end),
        groups: [{ name: 'a', rules: [alert('API High Latency')] }],
        limit: 600_000,
      }),
    ]);
    const { code } = await transform(block('the backend').code, {
      loader: 'ts',
      format: 'cjs',
    });
    const folder = temporaryFolder(t, {
      'prometheus.cjs': code,
      'app.tsx': APP,
      'page.tsx': moduleOf('the page'),
      'cards.tsx': moduleOf('the cards'),
      'graph.tsx': moduleOf('a graph'),
      'alerts.tsx': moduleOf("alerts of one's own"),
    });
    const { prometheus: settings, proxy } = yamlOf('several instances');
    const addresses: Record<string, string> = {
      'http://prod-prometheus:9090': production.url,
      'http://staging-prometheus:9090': staging.url,
      'http://dev-prometheus:9090': staging.url,
    };
    const app = await AppFixture.start(t, {
      entry: path.join(folder, 'app.tsx'),
      appConfig: { prometheus: settings as JsonObject },
      prometheus: settings as JsonObject,
      proxy: JSON.parse(
        JSON.stringify(proxy).replace(
          /http:\/\/\w+-prometheus:9090/g,
          address => addresses[address],
        ),
      ) as JsonObject,
      plugin: false,
      entities: {
        staging: yamlOf('an instance of an entity').metadata as {
          annotations: Record<string, string>;
        },
        production: { annotations: { 'prometheus.io/alert': 'all' } },
      },
      env: { CREATE_PLUGIN: path.join(folder, 'prometheus.cjs') },
    });
    const refused = /Failed to load resource: .* status of 400/;

    const page = await app.open(t, 'staging', { expected: refused });
    await shown(page, 'api_requests_per_second');
    await page.getByRole('row', { name: /API High Latency/ }).waitFor();

    const cards = await app.open(t, 'staging', {
      tab: 'cards',
      expected: refused,
    });
    await shown(cards, 'api_requests_per_second');
    await cards.getByRole('row', { name: /API High Latency/ }).waitFor();

    const graph = await app.open(t, 'production', { tab: 'graph' });
    await shown(graph, 'rate(http_requests_total[5m])');

    const alerts = await app.open(t, 'production', { tab: 'alerts' });
    const opened = alerts.waitForEvent('popup');
    await alerts.getByRole('button', { name: 'Critical CPU' }).click();
    const url = new URL((await opened).url());
    assert.equal(url.pathname, '/prometheus/graph');
    assert.equal(url.searchParams.get('query'), 'vector(1) > 0');
    assert.equal(
      await alerts.getByRole('row', { name: /Memory Warning/ }).count(),
      1,
    );
  },
);

/** An hour that ends now. */
function times(end: number): number[] {
  return Array.from({ length: 241 }, (_, n) => end - 3600 + n * 15);
}

function counter(name: string, labels: string, end: number): string {
  const lines = times(end).map(at => `${name}_total{${labels}} ${at} ${at}`);
  return `# TYPE ${name} counter\n${lines.join('\n')}\n# EOF\n`;
}

function gauge(name: string, labels: string, end: number): string {
  const lines = times(end).map(at => `${name}{${labels}} 4 ${at}`);
  return `# TYPE ${name} gauge\n${lines.join('\n')}\n# EOF\n`;
}
