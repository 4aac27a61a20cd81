import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { PREBUILT_PLATFORMS } from '../../ts/addon/AddonFailure';
import { PackedPackage } from './PackedPackage';
import { makeRelease } from './Release';

const ROOT = path.join(__dirname, '../..');

interface PlatformManifest {
  version: string;
  os: string[];
  cpu: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  repository: { url: string };
}

describe('a release', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-release-test-'));
  const { manifest } = PackedPackage.all.metrics;
  let tarballs: string;
  before(async () => {
    tarballs = await makeRelease(
      { after: () => {} },
      folder,
      PREBUILT_PLATFORMS,
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is a package for each platform, then what depends on it', () => {
    const names = readdirSync(tarballs)
      .sort()
      .map(file => file.replace(/^\d+-(.*)-[\d.]+\.tgz$/, '$1'));
    assert.deepEqual(names.slice(0, PREBUILT_PLATFORMS.length), [
      ...[...PREBUILT_PLATFORMS]
        .sort()
        .map(name => `nativestage-metrics-${name}`),
    ]);
    assert.deepEqual(names.slice(PREBUILT_PLATFORMS.length), [
      'nativestage-metrics',
      'nativestage-backstage-plugin-prometheus-common',
      'nativestage-backstage-plugin-prometheus-backend',
      'nativestage-backstage-plugin-prometheus',
    ]);
  });

  for (const platform of PREBUILT_PLATFORMS) {
    it(`holds for ${platform} its binary and its papers, and installs nowhere else`, () => {
      const tarball = find(`nativestage-metrics-${platform}-`);
      assert.deepEqual(filesOf(tarball).sort(), [
        'LICENSE',
        'README.md',
        'THIRD-PARTY-NOTICES',
        `metrics.${platform}.node`,
        'package.json',
      ]);
      const [os, cpu, abi] = platform.split('-');
      const { version, ...found } = manifestOf(tarball);
      assert.equal(version, manifest.version);
      assert.deepEqual([found.os, found.cpu], [[os], [cpu]]);
      assert.deepEqual(
        found.libc,
        os === 'linux' ? [abi === 'gnu' ? 'glibc' : 'musl'] : undefined,
      );
      assert.equal(
        found.repository.url,
        'git+https://github.com/nativestage/metrics.git',
      );
    });
  }

  it('has the package take each of them, in its own version, and carry none', () => {
    const tarball = find(`nativestage-metrics-${manifest.version}`);
    assert.deepEqual(
      manifestOf(tarball).optionalDependencies,
      Object.fromEntries(
        PREBUILT_PLATFORMS.map(platform => [
          `${manifest.name}-${platform}`,
          manifest.version,
        ]),
      ),
    );
    const files = filesOf(tarball);
    assert.ok(files.includes('THIRD-PARTY-NOTICES'));
    assert.deepEqual(
      files.filter(file => file.endsWith('.node')),
      [],
    );
  });

  it('publishes manifests without what only this repository needs', () => {
    for (const file of readdirSync(tarballs)) {
      const keys = Object.keys(manifestOf(path.join(tarballs, file)));
      assert.deepEqual(
        keys.filter(key =>
          /^(scripts|devDependencies|workspaces|overrides|napi)$/.test(key),
        ),
        [],
        file,
      );
    }
  });

  function find(start: string): string {
    const file = readdirSync(tarballs).find(name =>
      name.slice(3).startsWith(start),
    );
    assert.ok(file, start);
    return path.join(tarballs, file);
  }
});

test('a release whose tag is not the version is refused', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/release.mjs', 'nowhere', 'nowhere', 'v99.0.0'],
    { cwd: ROOT, encoding: 'utf8' },
  );
  assert.equal(status, 1);
  assert.match(stderr, /The release is v99\.0\.0, but the versions are/);
});

describe(
  'the check of glibc',
  { skip: process.platform !== 'linux' && 'no ELF here' },
  () => {
    const check = (file: string) =>
      spawnSync(process.execPath, ['scripts/glibc.mjs', file], {
        cwd: ROOT,
        encoding: 'utf8',
      });

    it('fails for a binary that needs a newer one than we promise, and names it', () => {
      // Node's own needs 2.28 at least.
      const { status, stdout, stderr } = check(process.execPath);
      assert.equal(status, 1);
      assert.match(stdout, /needs glibc 2\.\d+/);
      assert.match(stderr, /must run with glibc 2\.17/);
    });

    it('fails for what is no binary', () => {
      const { status, stderr } = check('package.json');
      assert.equal(status, 1);
      assert.match(stderr, /package\.json is not an ELF binary for glibc/);
    });
  },
);

function filesOf(tarball: string): string[] {
  return execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(file => file.replace(/^package\//, ''));
}

function manifestOf(tarball: string): PlatformManifest {
  return JSON.parse(
    execFileSync('tar', ['xzOf', tarball, 'package/package.json'], {
      encoding: 'utf8',
    }),
  ) as PlatformManifest;
}
