import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const root = path.join(__dirname, '..');

describe('the npm package', () => {
  const manifest = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  ) as {
    exports: Record<string, string | Record<string, string>>;
    bin: Record<string, string>;
    configSchema: string;
    scripts: Record<string, string>;
  };
  const [{ files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--workspaces=false'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ files: Array<{ path: string }> }];
  const packed = files.map(file => file.path);

  it('holds every file that its exports, its command and its config schema name', () => {
    const named = Object.values(manifest.exports)
      .flatMap(target => Object.values(toConditions(target)))
      .concat(Object.values(manifest.bin), manifest.configSchema)
      .map(file => path.normalize(file));
    assert.deepEqual(
      named.filter(file => !packed.includes(file)),
      [],
    );
  });

  it('holds nothing but the built package, its types and its papers', () => {
    const wanted =
      /^(dist\/.*\.m?js|dist\/.*\.d\.m?ts|binding\.js|metrics\..*\.node|[a-z]+\.d\.ts|package\.json|LICENSE|README\.md)$/;
    assert.deepEqual(
      packed.filter(file => !wanted.test(file)),
      [],
    );
  });

  it('runs nothing when it is installed', () => {
    // npm runs node-gyp for a package with a binding.gyp.
    const run = ['preinstall', 'install', 'postinstall', 'prepare'];
    assert.deepEqual(
      run.filter(script => script in manifest.scripts),
      [],
    );
    assert.ok(!packed.includes('binding.gyp'));
  });
});

function toConditions(target: string | Record<string, string>) {
  return typeof target === 'string' ? { default: target } : target;
}
