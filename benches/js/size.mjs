// What is installed: the addon, the package, and the rival. Stated, without a target.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { runAlone } from './section.mjs';
import { MEGABYTE } from './resident.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** What both need and a program has once. */
const SHARED = '@opentelemetry/api';

/** Folders of a package and of all that it needs in production, found as Node does. */
function productionTree(name, from, found = new Set()) {
  let folder = from;
  while (!fs.existsSync(path.join(folder, 'node_modules', name))) {
    assert.notEqual(folder, path.dirname(folder), `${name} is not installed`);
    folder = path.dirname(folder);
  }
  const own = fs.realpathSync(path.join(folder, 'node_modules', name));
  if (!found.has(own)) {
    found.add(own);
    const manifest = fs.readFileSync(path.join(own, 'package.json'), 'utf8');
    for (const dependency of Object.keys(
      JSON.parse(manifest).dependencies ?? {},
    )) {
      productionTree(dependency, own, found);
    }
  }
  return found;
}

/** The bytes of a package's own files: nested packages count for themselves. */
const filesOf = folder =>
  fs
    .readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .flatMap(entry => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? filesOf(file) : [file];
    });

/** Packages, bytes on disk, and bytes that travel, each file compressed by itself. */
function measureTree(name, from) {
  const folders = [...productionTree(name, from)].filter(
    folder => !folder.endsWith(path.normalize(SHARED)),
  );
  const files = folders.flatMap(filesOf).map(file => fs.readFileSync(file));
  return {
    packages: folders.length,
    bytes: files.reduce((sum, file) => sum + file.length, 0),
    packed: files.reduce((sum, file) => sum + gzipSync(file).length, 0),
  };
}

function measureAddon() {
  const [name] = fs.readdirSync(ROOT).filter(file => file.endsWith('.node'));
  const addon = path.join(ROOT, name);
  const stripped = path.join(os.tmpdir(), `${process.pid}-${name}`);
  try {
    execFileSync('strip', ['-o', stripped, addon]);
    return {
      bytes: fs.statSync(addon).size,
      stripped: fs.statSync(stripped).size,
      packed: gzipSync(fs.readFileSync(addon)).length,
    };
  } finally {
    fs.rmSync(stripped, { force: true });
  }
}

function measurePackage() {
  const [{ unpackedSize, size }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--workspaces=false'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  return { packages: 1, bytes: unpackedSize, packed: size };
}

export async function benchSize() {
  const addon = measureAddon();
  const row = (what, { packages, bytes, packed }) => ({
    what,
    packages: packages ?? '',
    MB: (bytes / MEGABYTE).toFixed(1),
    'MB compressed': (packed / MEGABYTE).toFixed(1),
  });
  return {
    meaning: `The addon of one platform (stripped: ${(addon.stripped / MEGABYTE).toFixed(1)} MB) and the package with it, beside \`@opentelemetry/sdk-node\` and what it depends on, without \`${SHARED}\`. Our dependencies are Backstage's, which a backend has anyway.`,
    rows: [
      row('addon', addon),
      row('@nativestage/metrics', measurePackage()),
      row(
        '@opentelemetry/sdk-node',
        measureTree('@opentelemetry/sdk-node', HERE),
      ),
    ],
    targets: [],
  };
}

await runAlone(import.meta, benchSize);
