// Writes what users of the packages see of their types: index.d.ts, the main entry's types in one
// file, and docs/api/*.api.md, a report per entry point that shows every change of the API in a
// diff. With --check it fails when a committed file is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const temporary = path.join(root, '.cache/api');
mkdirSync(temporary, { recursive: true });

/** A folder with a package, an entry point of it, and what its report is called. */
const entries = [
  ...['index', 'register', 'sdk', 'testing'].map(entry => ({
    folder: root,
    entry,
    report: entry,
  })),
  ...['prometheus', 'prometheus-backend', 'prometheus-common'].map(plugin => ({
    folder: path.join(root, 'plugins', plugin),
    entry: 'index',
    report: plugin,
  })),
  {
    folder: path.join(root, 'plugins/prometheus'),
    entry: 'alpha',
    report: 'prometheus.alpha',
  },
];
const stale = entries.flatMap(({ folder, entry, report }) => {
  const rollup =
    report === 'index' ? path.join(temporary, 'index.d.ts') : undefined;
  return [
    ...extract(folder, entry, report, rollup),
    ...(rollup ? publish(rollup) : []),
  ];
});
if (stale.length > 0) {
  console.error(
    `Out of date or in error: ${stale.join(', ')}; run "npm run api" and commit the result.`,
  );
  process.exitCode = 1;
}

/** Writes or compares one report. */
function extract(folder, entry, report, rollup) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: path.join(folder, 'api-extractor.json'),
    packageJsonFullPath: path.join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: path.join(folder, `dist/${entry}.d.ts`),
      compiler: { tsconfigFilePath: path.join(folder, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${report}.api.md`,
        reportFolder: path.join(root, 'docs/api'),
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: Boolean(rollup), untrimmedFilePath: rollup },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        // Release tags are for packages with several audiences; ours says @internal and means it.
        extractorMessageReporting: {
          'ae-missing-release-tag': { logLevel: 'none' },
        },
      },
    },
  });
  const { errorCount, apiReportChanged } = Extractor.invoke(config, {
    localBuild: !check,
    showVerboseMessages: false,
  });
  return errorCount > 0 || (check && apiReportChanged)
    ? [`docs/api/${report}.api.md`]
    : [];
}

/** Writes or compares index.d.ts. */
function publish(rollup) {
  const target = path.join(root, 'index.d.ts');
  const types = readFileSync(rollup, 'utf8');
  if (!check) {
    writeFileSync(target, types);
    return [];
  }
  return readFileSync(target, 'utf8') === types ? [] : ['index.d.ts'];
}
