// Writes what users of the package see of its types: index.d.ts, the main entry's types in one
// file, and docs/api/*.api.md, a report per entry point that shows every change of the API in a
// diff. With --check it fails when a committed file is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const entries = ['index', 'register', 'sdk', 'testing'];
const temporary = path.join(root, '.cache/api');
mkdirSync(temporary, { recursive: true });

const stale = [];
for (const entry of entries) {
  const rollup = path.join(temporary, `${entry}.d.ts`);
  const config = ExtractorConfig.prepare({
    configObjectFullPath: path.join(root, 'api-extractor.json'),
    packageJsonFullPath: path.join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: path.join(root, `dist/${entry}.d.ts`),
      compiler: { tsconfigFilePath: path.join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: path.join(root, 'docs/api'),
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: entry === 'index', untrimmedFilePath: rollup },
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
  const result = Extractor.invoke(config, {
    localBuild: !check,
    showVerboseMessages: false,
  });
  if (result.errorCount > 0 || (check && result.apiReportChanged)) {
    stale.push(`docs/api/${entry}.api.md`);
  }
  if (entry === 'index') {
    const target = path.join(root, 'index.d.ts');
    const types = readFileSync(rollup, 'utf8');
    if (!check) {
      writeFileSync(target, types);
    } else if (readFileSync(target, 'utf8') !== types) {
      stale.push('index.d.ts');
    }
  }
}
if (stale.length > 0) {
  console.error(
    `Out of date or in error: ${stale.join(', ')}; run "npm run api" and commit the result.`,
  );
  process.exitCode = 1;
}
