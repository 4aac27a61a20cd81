import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { PackedPackage } from './PackedPackage';

const ROOT = path.join(__dirname, '../..');
const { targets } = PackedPackage.all.metrics.manifest.napi!;

describe('THIRD-PARTY-NOTICES', () => {
  const notices = readFileSync(path.join(ROOT, 'THIRD-PARTY-NOTICES'), 'utf8');
  const listed = new Set(
    [...notices.matchAll(/^ {2}([\w-]+ \d+\.\d+\.\d+\S*)/gm)].map(
      match => match[1],
    ),
  );

  it('lists every crate that is linked into an addon, in its version', () => {
    const linked = linkedCrates();
    assert.ok(linked.length > 100, String(linked.length));
    assert.deepEqual(
      linked.filter(crate => !listed.has(crate)),
      [],
    );
  });

  it('lists no crate that is not', () => {
    const linked = linkedCrates();
    assert.deepEqual(
      [...listed].filter(crate => !linked.includes(crate)),
      [],
    );
  });

  it('has the texts of the licences of what is compiled from C', () => {
    assert.match(notices, /Microsoft Corporation, Daan Leijen/);
    assert.match(notices, /the fiat-crypto authors/);
  });
});

/** Crates as `name version`, without our own. */
function linkedCrates(): string[] {
  const tree = execFileSync(
    'cargo',
    [
      ...['tree', '--locked', '--offline', '--edges', 'normal'],
      ...['--prefix', 'none', '--format', '{p}'],
      ...targets.flatMap(target => ['--target', target]),
    ],
    { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const crates = tree
    .split('\n')
    .map(line => /^(\S+) v(\S+)/.exec(line))
    .filter(match => match !== null)
    .map(([, name, version]) => `${name} ${version}`);
  return [...new Set(crates)].filter(
    crate => !crate.startsWith('nativestage-metrics '),
  );
}
