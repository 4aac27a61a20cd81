// Tries the addon on this system: records, collects and serves a page.
//
//   node scripts/smoke.mjs TARBALLS [PLATFORM]    installs it from a release's tarballs, as a user does
//   node scripts/smoke.mjs .                      takes this clone's
//
// With a PLATFORM its binary has to be the one that is loaded.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PACKAGE = '@nativestage/metrics';
const [source, platform] = process.argv.slice(2);
const directory =
  source === '.'
    ? fileURLToPath(new URL('..', import.meta.url))
    : install(path.resolve(source), platform);
const require = createRequire(path.join(directory, 'index.js'));

if (platform) {
  assert.equal(platformOf(), platform);
}
const { configure, getMeterProvider } = await import(
  pathToFileURL(require.resolve(`${PACKAGE}/sdk`)).href
);
const { metrics } = require('@opentelemetry/api');

configure({ exporters: { prometheus: { port: 0 } } });
metrics.getMeter('smoke').createCounter('smoke.puffs').add(3);
const page = getMeterProvider().prometheusAddress;
const text = await (await fetch(`http://${page}/metrics`)).text();
assert.match(text, /^smoke_puffs_total.* 3$/m);
console.log(
  `${process.platform}-${process.arch}, Node ${process.versions.node}: recorded 3, served 3`,
);

/** A folder with the package, this platform's binary and what they need. */
function install(tarballs, wanted) {
  const files = readdirSync(tarballs);
  const find = pattern => {
    const file = files.find(name => pattern.test(name));
    assert.ok(file, `no tarball ${pattern} in ${files.join(', ')}`);
    return `file:${path.join(tarballs, file)}`;
  };
  const target = mkdtempSync(
    path.join(realpathSync(tmpdir()), 'metrics-smoke-'),
  );
  const binary = find(new RegExp(`nativestage-metrics-${wanted}-\\d`));
  writeFileSync(
    path.join(target, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: {
        [PACKAGE]: find(/nativestage-metrics-\d+\./),
        [`${PACKAGE}-${wanted}`]: binary,
      },
    }),
  );
  // `shell` for npm.cmd; the other platforms' packages are optional and not published yet.
  execFileSync('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: target,
    shell: process.platform === 'win32',
    stdio: 'inherit',
  });
  return target;
}

/** The platform whose package is installed. */
function platformOf() {
  const scope = path.join(directory, 'node_modules/@nativestage');
  const [name] = readdirSync(scope).filter(name => name.startsWith('metrics-'));
  return name?.slice('metrics-'.length);
}
