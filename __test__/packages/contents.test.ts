import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { type Manifest, PackedPackage } from './PackedPackage';

/** What a package may hold besides its package.json, its licence and its README. */
const CONTENTS: Record<keyof typeof PackedPackage.all, RegExp> = {
  // The runbooks are what the rules link to. The binary is for those who pack their own clone; a release takes it out.
  metrics:
    /^(dist\/.*\.(js|mjs|d\.ts|d\.mts)|binding\.(js|d\.ts)|metrics\.[\w-]+\.node|(config|index)\.d\.ts|docs\/alerts\.md|THIRD-PARTY-NOTICES)$/,
  common: /^dist\/.*\.(js|d\.ts)$/,
  backend: /^(dist\/.*\.(js|d\.ts)|config\.d\.ts)$/,
  frontend: /^(dist\/.*(\.esm\.js|\.esm\.js\.map|\.d\.ts)|config\.d\.ts)$/,
};
const PAPERS = ['LICENSE', 'README.md', 'package.json'];

for (const [key, packed] of Object.entries(PackedPackage.all)) {
  const { manifest } = packed;

  describe(`the package ${manifest.name}`, () => {
    it('holds every file that its manifest names', () => {
      assert.deepEqual(
        namedFiles(manifest).filter(file => !packed.files.includes(file)),
        [],
      );
    });

    it('holds its licence, its README and its manifest', () => {
      assert.deepEqual(
        PAPERS.filter(file => !packed.files.includes(file)),
        [],
      );
      assert.equal(
        packed.read('LICENSE'),
        PackedPackage.all.metrics.read('LICENSE'),
      );
    });

    it('holds nothing that is only for its developers', () => {
      const wanted = CONTENTS[key as keyof typeof CONTENTS];
      assert.deepEqual(
        packed.files.filter(
          file =>
            (!wanted.test(file) && !PAPERS.includes(file)) ||
            /\.test\.|\.tsbuildinfo$/.test(file),
        ),
        [],
      );
    });

    it('runs nothing when it is installed', () => {
      // npm runs node-gyp for a package with a binding.gyp.
      const run = ['preinstall', 'install', 'postinstall', 'prepare'];
      assert.deepEqual(
        run.filter(script => script in (manifest.scripts ?? {})),
        [],
      );
      assert.ok(!packed.files.includes('binding.gyp'));
    });

    it('says what it is', () => {
      assert.ok(manifest.description.length > 20);
      assert.equal(manifest.license, 'Apache-2.0');
    });
  });
}

/** The files that a manifest promises, as npm lists them. */
function namedFiles(manifest: Manifest): string[] {
  return [
    manifest.main,
    manifest.types,
    ...Object.values(manifest.exports ?? {}).flatMap(target =>
      typeof target === 'string' ? [target] : Object.values(target),
    ),
    ...Object.values(manifest.bin ?? {}),
    ...(manifest.configSchema ? [manifest.configSchema] : []),
    // Names of files or folders, without patterns.
    ...manifest.files.filter(file => path.extname(file) && !/\*/.test(file)),
  ].map(file => path.posix.normalize(file));
}
