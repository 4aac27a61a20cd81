// The backend of overhead.ts: Backstage's proxy and the plugin, over the same upstream.
import { performance } from 'node:perf_hooks';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createBackend } from '@backstage/backend-defaults';

const PORT = 7987;
const URL = `http://127.0.0.1:${PORT}`;

const directory = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-'));
const catalog = path.join(directory, 'catalog.yaml');
writeFileSync(
  catalog,
  JSON.stringify({
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: { name: 'shop', annotations: { 'prometheus.io/rule': 'up' } },
    spec: { type: 'service', lifecycle: 'production', owner: 'guests' },
  }),
);
const config = path.join(directory, 'app-config.yaml');
writeFileSync(
  config,
  JSON.stringify({
    app: { baseUrl: URL },
    backend: {
      baseUrl: URL,
      listen: { host: '127.0.0.1', port: PORT },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      auth: { dangerouslyDisableDefaultAuthPolicy: true },
    },
    catalog: {
      rules: [{ allow: ['Component'] }],
      locations: [{ type: 'file', target: catalog }],
    },
    proxy: {
      endpoints: {
        '/prometheus': {
          target: `${process.env.UPSTREAM}/api/v1`,
          credentials: 'dangerously-allow-unauthenticated',
        },
      },
    },
    prometheus: { instances: [{ name: 'default', url: process.env.UPSTREAM }] },
  }),
);
process.argv.push('--config', config);

async function main() {
  const backend = createBackend();
  backend.add(import('@backstage/plugin-catalog-backend'));
  backend.add(import('@backstage/plugin-proxy-backend'));
  backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
  await backend.start();
  const entity = 'entities/component/default/shop/panels';
  for (;;) {
    const response = await fetch(`${URL}/api/prometheus/${entity}`);
    if (response.status === 200) {
      const { panels } = (await response.json()) as {
        panels: { id: string }[];
      };
      process.send!({ url: URL, panel: `${entity}/${panels[0].id}` });
      break;
    }
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  process.on('message', () => {
    process.send!(performance.eventLoopUtilization().active);
  });
}

void main();
