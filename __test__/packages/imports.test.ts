import assert from 'node:assert/strict';
import { builtinModules } from 'node:module';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { PackedPackage } from './PackedPackage';

/** Declared for the app, not for an import: what Backstage asks of every frontend plugin. */
const CONVENTION = ['react-dom', 'react-router-dom'];
/** Declared because what it needs wants it as a peer. */
const PEERS: Record<string, string> = {
  '@lezer/highlight': '@prometheus-io/lezer-promql',
  '@lezer/lr': '@prometheus-io/lezer-promql',
};

const metrics = PackedPackage.all.metrics.manifest;

for (const packed of Object.values(PackedPackage.all)) {
  const { manifest } = packed;
  const declared = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
  });

  describe(`the built code of ${manifest.name}`, () => {
    const imported = new Set(packed.files.flatMap(file => importsOf(file)));

    it('imports nothing that its manifest does not declare', () => {
      assert.deepEqual(
        [...imported].filter(
          name =>
            !declared.includes(name) &&
            name !== manifest.name &&
            // Those of the loader, which a release declares.
            !name.startsWith(`${metrics.name}-`),
        ),
        [],
      );
    });

    it('uses everything that its manifest declares', () => {
      assert.deepEqual(
        declared.filter(
          name =>
            !imported.has(name.replace(/^@types\//, '')) &&
            !CONVENTION.includes(name) &&
            !imported.has(PEERS[name]),
        ),
        [],
      );
    });

    function importsOf(file: string): string[] {
      if (!/\.(m?js|d\.m?ts)$/.test(file)) {
        return [];
      }
      const { importedFiles } = ts.preProcessFile(
        packed.read(file),
        true,
        true,
      );
      return importedFiles
        .map(imported => imported.fileName)
        .filter(specifier => !/^[./]/.test(specifier))
        .filter(
          specifier =>
            !builtinModules.includes(specifier.replace(/^node:/, '')),
        )
        .map(toPackageName);
    }
  });
}

function toPackageName(specifier: string): string {
  const parts = specifier.startsWith('@') ? 2 : 1;
  return specifier.split('/').slice(0, parts).join('/');
}
