import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PackedPackage } from './PackedPackage';

const { metrics, common, backend, frontend } = PackedPackage.all;
const plugins = [common, backend, frontend];
const packages = [metrics, ...plugins];

describe('the manifests', () => {
  it('have one version, the crate’s included', () => {
    const [, crate] = /^version = "(.+)"$/m.exec(metrics.read('Cargo.toml'))!;
    assert.deepEqual(
      packages.map(({ manifest }) => manifest.version),
      packages.map(() => crate),
    );
  });

  it('say the role that Backstage’s tools go by', () => {
    assert.deepEqual(
      packages.map(({ manifest }) => manifest.backstage.role),
      ['node-library', 'common-library', 'backend-plugin', 'frontend-plugin'],
    );
  });

  it('say which plugin they are of, and which packages it has', () => {
    const names = plugins.map(({ manifest }) => manifest.name).sort();
    for (const { manifest } of plugins) {
      assert.equal(manifest.backstage.pluginId, 'prometheus');
      assert.deepEqual(manifest.backstage.pluginPackages, names);
    }
  });

  it('give a backend what it can add', async () => {
    for (const { manifest } of [metrics, backend]) {
      const { default: feature } = (await import(manifest.name)) as {
        default: { $$type: string } | { default: { $$type: string } };
      };
      // A CommonJS module's `exports.default`, as Node hands it to an import.
      const { $$type } = '$$type' in feature ? feature : feature.default;
      assert.equal($$type, '@backstage/BackendFeature');
    }
  });

  it('leave to the app what may be in it only once', () => {
    // Two copies of OpenTelemetry's API or of React do not see each other.
    assert.deepEqual(Object.keys(metrics.manifest.peerDependencies ?? {}), [
      '@opentelemetry/api',
    ]);
    assert.deepEqual(
      Object.keys(frontend.manifest.peerDependencies ?? {}).sort(),
      ['@types/react', 'react', 'react-dom', 'react-router-dom'],
    );
    for (const name of ['react', 'react-dom', 'react-router-dom']) {
      assert.ok(!(name in (frontend.manifest.dependencies ?? {})), name);
    }
  });
});
