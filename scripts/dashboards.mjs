// Writes deploy/grafana/*.json from the files in scripts/dashboards; `--check` only compares.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import background from './dashboards/background.mjs';
import catalog from './dashboards/catalog.mjs';
import overview from './dashboards/overview.mjs';
import pipeline from './dashboards/pipeline.mjs';
import scaffolder from './dashboards/scaffolder.mjs';

const folder = fileURLToPath(new URL('../deploy/grafana', import.meta.url));
const check = process.argv.includes('--check');
const files = { background, catalog, overview, pipeline, scaffolder };

await mkdir(folder, { recursive: true });
for (const [name, dashboard] of Object.entries(files)) {
  const file = path.join(folder, `${name}.json`);
  const after = await format(JSON.stringify(dashboard), { parser: 'json' });
  if (!check) {
    await writeFile(file, after);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== after) {
    console.error(
      `deploy/grafana/${name}.json is out of date: run \`npm run dashboards\``,
    );
    process.exitCode = 1;
  }
}
