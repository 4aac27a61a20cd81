import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Problem } from '@arethetypeswrong/core' with {
  'resolution-mode': 'import',
};
import { PackedPackage } from './PackedPackage';

type Resolution = 'node10' | 'node16-cjs' | 'node16-esm' | 'bundler';

/**
 * How users find a package's types. Nothing of Backstage's own resolves as TypeScript did for Node
 * 10, which knows no `exports`.
 */
const NODE: readonly Resolution[] = ['node16-cjs', 'node16-esm', 'bundler'];
/**
 * Frontend packages of Backstage are modules in `.js` files of a package without `"type": "module"`,
 * for the app's bundler alone: that type would make bundlers read the default exports of
 * `@material-ui/core/*`, which are CommonJS, as Node does. Node itself can run neither, so types are
 * found as from a module, and a `require` of them is nothing that could work.
 */
const BUNDLER: readonly Resolution[] = ['node16-esm', 'bundler'];

/** What the main entry has from OpenTelemetry's API. */
const otelTypes = new Set(
  [
    ...PackedPackage.all.metrics
      .read('index.d.ts')
      .matchAll(/^import \{ (\w+) \} from '@opentelemetry\/api';$/gm),
  ].map(match => match[1]),
);

/** What publint says of the two patterns that {@link isIntended} has reasons for. */
const INTENDED_CODES = [
  'CJS_WITH_ESMODULE_DEFAULT_EXPORT',
  'FILE_INVALID_FORMAT',
];

for (const packed of Object.values(PackedPackage.all)) {
  const { manifest } = packed;
  const forBundlers = manifest.backstage.role === 'frontend-plugin';

  describe(`the types of ${manifest.name}`, () => {
    const resolutions = forBundlers ? BUNDLER : NODE;

    it(`are found from ${resolutions.join(', ')}, and are those of the code`, async () => {
      const { checkPackage, createPackageFromTarballData } =
        await import('@arethetypeswrong/core');
      const result = await checkPackage(
        createPackageFromTarballData(readFileSync(packed.tarball)),
      );
      assert.ok(result.types, 'no types');
      for (const [entry, { resolutions: found }] of Object.entries(
        result.entrypoints,
      )) {
        for (const resolution of resolutions) {
          const file = found[resolution].resolution?.fileName;
          assert.ok(
            file && (file.endsWith('.d.ts') || file.endsWith('.json')),
            `${entry} from ${resolution}: ${file}`,
          );
        }
      }
      assert.deepEqual(
        result.problems.filter(
          problem =>
            !isIntended(problem) &&
            (!('resolutionKind' in problem) ||
              resolutions.includes(problem.resolutionKind)),
        ),
        [],
      );
    });
  });

  it(`the manifest of ${manifest.name} has what publint asks for`, async () => {
    const { publint } = await import('publint');
    const { formatMessage } = await import('publint/utils');
    const tarball = readFileSync(packed.tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(tarball).buffer },
      level: 'warning',
    });
    assert.deepEqual(
      messages
        .filter(({ code }) => !INTENDED_CODES.includes(code))
        .map(message => formatMessage(message, pkg)),
      [],
    );
  });
}

/** What is reported and wanted. */
function isIntended(problem: Problem): boolean {
  switch (problem.kind) {
    case 'UnexpectedModuleSyntax':
      return problem.fileName.endsWith('.esm.js');
    case 'CJSOnlyExportsDefault':
      // `backend.add(import(…))` takes the default of the default that Node makes of it.
      return true;
    case 'NamedExports':
      // Types of OpenTelemetry's API, which are not looked up: any name may be a value's then.
      return problem.missing.every(name => otelTypes.has(name));
    default:
      return false;
  }
}
