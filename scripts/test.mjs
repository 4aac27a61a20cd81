// Runs every suite and closes with one line that adds them up:
//
//   npm test             everything
//   npm test rust        cargo test
//   npm test fuzz        the fuzz corpora, replayed without libFuzzer
//   npm test node        the Node suite, on the Node that runs this
//   npm test node24      the Node suite, on Node 24
//   npm test browser     apps and parts of them in a Chromium: needs one on this machine
//   npm test deploy      the examples of deploy/, by the programs that run them
//   npm test docs        every example of the documentation
//   npm test packages    what is published, installed in fresh folders: needs npm's registry
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { fetchTools, node24 } from './tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What files below `__test__` begin with: suites of their own, which one Node is enough for. */
const ONCE = ['browser', 'deploy', 'docs', 'packages'];
/** Those that wait for other programs most of the time, and time nothing. */
const SIDE_BY_SIDE = ['deploy', 'packages'];
const suites = ['rust', 'fuzz', 'node', 'node24', ...ONCE];
const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !suites.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}; known: ${suites.join(', ')}`);
  process.exit(2);
}
const runs = suite => wanted.length === 0 || wanted.includes(suite);

const results = [];
if (runs('rust')) {
  results.push(await cargoTest('cargo test'));
}
if (runs('fuzz')) {
  // A workspace of its own; with the addon's target directory it takes what cargo test compiled.
  results.push(
    await cargoTest('cargo test of the fuzz corpora', [
      '--manifest-path=fuzz/Cargo.toml',
      '--no-default-features',
      '--locked',
      `--target-dir=${process.env.CARGO_TARGET_DIR ?? path.join(root, 'target')}`,
    ]),
  );
}
if (['node', 'node24', ...ONCE].some(runs)) {
  results.push(...(await nodeTests()));
}

console.log();
for (const { name, passed, failed, failures } of results) {
  console.log(`${name}: ${passed} passed, ${failed} failed`);
  for (const failure of failures) {
    console.log(`  failed: ${failure}`);
  }
}
const failed = sum(results.map(result => result.failed));
console.log(
  `${sum(results.map(result => result.passed))} passed, ${failed} failed`,
);
process.exitCode = failed > 0 ? 1 : 0;

async function cargoTest(name, args = []) {
  const { code, output } = await step(name, 'cargo', [
    'test',
    '--no-fail-fast',
    ...args,
  ]);
  const counts = [
    ...output.matchAll(/^test result: .* (\d+) passed; (\d+) failed;/gm),
  ];
  return toResult(name, code, {
    passed: sum(counts.map(count => count[1])),
    failed: sum(counts.map(count => count[2])),
    failures: lines(output, /^test (.*) \.\.\. FAILED$/gm),
  });
}

async function nodeTests() {
  const build = await step('npm run build', 'npm', ['run', 'build']);
  if (build.code !== 0) {
    // Against yesterday's addon the suites would say nothing.
    return [toResult('npm run build', build.code)];
  }
  const found = [];
  const missing = await fetchTools();
  if (missing.length > 0) {
    // A machine that is offline can still run what needs none of them; CI may not.
    found.push(toResult('npm run tools', process.env.CI ? 1 : 0));
  }
  const files = await testFiles();
  const isIn = suite => file => file.startsWith(path.join('__test__', suite));
  for (const suite of ONCE.filter(runs)) {
    const options = SIDE_BY_SIDE.includes(suite)
      ? ['--test-concurrency=2']
      : [];
    const args = [...options, ...files.filter(isIn(suite))];
    found.push(await nodeTest(`${suite}, on`, process.execPath, args));
  }
  const others = files.filter(file => !ONCE.some(suite => isIn(suite)(file)));
  if (runs('node')) {
    found.push(await nodeTest('node --test on', process.execPath, others));
  }
  if (runs('node24') && !missing.includes('node-24')) {
    const preload = path.join(root, 'scripts/sqlite-node24.cjs');
    found.push(
      await nodeTest('node --test on', node24, others, {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require "${preload}"`,
      }),
    );
  }
  return found;
}

async function nodeTest(title, node, args, environment) {
  const { output: version } = await run(node, ['--version'], { quiet: true });
  const name = `${title} ${version.trim()}`;
  const reports = await mkdtemp(path.join(tmpdir(), 'metrics-test-'));
  const tap = path.join(reports, 'tap');
  try {
    const { code } = await step(
      name,
      node,
      [
        '--import',
        'tsx',
        '--test',
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=tap',
        `--test-reporter-destination=${tap}`,
        ...args,
      ],
      { ...process.env, ...environment },
    );
    const output = await readFile(tap, 'utf8').catch(() => '');
    const count = what =>
      sum(lines(output, new RegExp(`^# ${what} (\\d+)$`, 'gm')));
    return toResult(name, code, {
      passed: count('pass'),
      failed: count('fail') + count('cancelled'),
      failures: lines(output, /^ *not ok \d+ - (.*)$/gm),
    });
  } finally {
    await rm(reports, { recursive: true });
  }
}

/** `*.test.ts` below the folders that hold TypeScript, sorted. */
async function testFiles() {
  const files = [];
  for (const folder of ['__test__', 'packages', 'plugins']) {
    const entries = await readdir(path.join(root, folder), {
      recursive: true,
    }).catch(() => []);
    files.push(...entries.map(entry => path.join(folder, entry)));
  }
  return files
    .filter(file => /\.test\.tsx?$/.test(file))
    .filter(file => !file.split(path.sep).includes('node_modules'))
    .sort();
}

function step(title, command, args, env = process.env) {
  console.log(`\n> ${title}`);
  return run(command, args, { cwd: root, env });
}

/** A run that failed without naming a failed test counts as one. */
function toResult(name, code, { passed = 0, failed = 0, failures = [] } = {}) {
  return {
    name,
    passed,
    failed: code !== 0 ? Math.max(failed, 1) : failed,
    failures: [...new Set(failures)],
  };
}

function lines(text, pattern) {
  return [...text.matchAll(pattern)].map(match => match[1]);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + Number(number), 0);
}
