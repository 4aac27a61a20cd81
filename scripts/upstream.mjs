// Compares what Backstage's newest packages measure with our table of renames, and the types of their
// metrics service with those that ours was written to. Ends with 1 where they differ and nobody noted it.
//
//   npm run upstream                     with the newest packages of npm's registry
//   npm run upstream -- --in FOLDER      with the packages that are unpacked there
//   npm run upstream -- --write-types    writes what their types are now; look at the diff
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ACCEPTED } from './upstream/accepted.mjs';
import { compareMetrics, unnoted } from './upstream/compare.mjs';
import { emittedBy } from './upstream/emitted.mjs';
import { fetchNewest, unpackedIn } from './upstream/packages.mjs';
import {
  compareTypes,
  metricsTypesOf,
  missingMethods,
} from './upstream/types.mjs';

const require = createRequire(import.meta.url);
const { NativeRootMetricsService } = require('../binding.js');

const TYPES = fileURLToPath(
  new URL('upstream/metricsTypes.txt', import.meta.url),
);
const OURS = fileURLToPath(new URL('../index.d.ts', import.meta.url));
const API = '@backstage/backend-plugin-api';

const { values: options } = parseArgs({
  options: {
    in: { type: 'string' },
    'write-types': { type: 'boolean', default: false },
  },
});
const temporary = options.in
  ? undefined
  : await mkdtemp(path.join(tmpdir(), 'metrics-upstream-'));
try {
  await compare(
    temporary
      ? await fetchNewest(temporary)
      : await unpackedIn(path.resolve(options.in)),
  );
} finally {
  if (temporary) {
    await rm(temporary, { recursive: true });
  }
}

async function compare(folders) {
  const packages = await Promise.all(
    folders.map(async folder => ({
      folder,
      manifest: JSON.parse(
        await readFile(path.join(folder, 'package.json'), 'utf8'),
      ),
    })),
  );
  const emitted = [];
  for (const folder of folders) {
    emitted.push(...(await emittedBy(folder)));
  }
  console.log(`Looked at ${packages.length} packages. These measure:`);
  for (const { name, version } of packages.map(one => one.manifest)) {
    const own = emitted.filter(one => one.package === name);
    if (own.length > 0) {
      const twins = own.filter(({ api }) => api === 'prom').length;
      console.log(
        `  ${name} ${version}: ${own.length - twins} metrics, ${twins} in prom-client`,
      );
    }
  }

  const findings = unnoted(
    compareMetrics(emitted, NativeRootMetricsService.renames('backstage')),
    ACCEPTED,
  );
  const api = packages.find(({ manifest }) => manifest.name === API);
  if (!api) {
    throw new Error(`${API} is not among the packages`);
  }
  findings.push(...(await typesOf(api)));

  for (const { what, where } of findings) {
    console.log(`${what} (${where})`);
  }
  console.log(
    findings.length === 0
      ? 'Nothing is new: the table and the types are as upstream.'
      : `${findings.length} differences. Follow them in src/services/renames.rs or our types, or note them in scripts/upstream/accepted.mjs with a reason.`,
  );
  process.exitCode = findings.length === 0 ? 0 : 1;
}

async function typesOf({ folder, manifest }) {
  const newest = await metricsTypesOf(folder);
  if (options['write-types']) {
    await writeFile(TYPES, newest);
  }
  const where = `${API} ${manifest.version}`;
  const differences = compareTypes(await readFile(TYPES, 'utf8'), newest);
  const missing = await missingMethods(newest, OURS);
  return [
    ...differences.map(difference => ({
      what: `types changed:\n${difference}\n`,
      where: `${where}; once ours follow: npm run upstream -- --write-types`,
    })),
    ...missing.map(method => ({
      what: `not in our MetricsService: ${method}`,
      where,
    })),
  ];
}
