// Runs every suite and closes with one line that adds them up:
//
//   npm test             everything
//   npm test rust        cargo test
//   npm test fuzz        the fuzz corpora, replayed without libFuzzer
//   npm test node        the Node suite
//   npm test nodes       what depends on Node itself, on the other Nodes that are supported
//   npm test browser     apps and parts of them in a Chromium: needs one on this machine
//   npm test deploy      the examples of deploy/, by the programs that run them
//   npm test docs        every example of the documentation
//   npm test packages    what is published, installed in fresh folders: needs npm's registry
//   npm test quick       what a contributor runs while working: needs no other program, takes minutes
//
// Where the Node that runs this is older than 24, which most adopters have, all but `nodes` and `quick` take a
// fetched 24.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { FETCHED_NODES, fetchTools, node } from './tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What files below `__test__` begin with: suites of their own, which one Node is enough for. */
const ONCE = ['browser', 'deploy', 'docs', 'packages'];
/** Files that run side by side: they wait for time and for programs that they started half of theirs. */
const CONCURRENCY = availableParallelism() + 2;
/**
 * Files and folders that measure the time that something takes, from outside and closely, the delay of an
 * event loop, or a ratio of times: beside others they would measure the machine. They run one at a time.
 * All other files measure the processor time of their own process, allow several times as long as
 * something takes, or wait until it has happened.
 */
const ALONE = [
  // Chromium, which keeps the machine busy itself, and how long frames of the chart take.
  '__test__/browser',
  // Backends that have ten seconds to configure what was loaded before them.
  '__test__/docs.test.ts',
  // How long a scrape takes beside hundreds of clients, which keep the machine busy themselves.
  '__test__/hostile/crowd.test.ts',
  // The ratio of two times.
  '__test__/hostile/meters.test.ts',
  // The delay and the utilization of a backend's event loop.
  '__test__/hostile/onBackend.test.ts',
  // The delay of an event loop.
  '__test__/hostile/server.test.ts',
  // What `exitTimeout` grants, to within 1.5 s.
  '__test__/lifecycle/lastWords.test.ts',
  // What an event loop that is blocked for three seconds misses meanwhile.
  '__test__/reliability/blocked.test.ts',
  // A ratio of two times, and exports with 50 to 300 ms until they are given up.
  '__test__/reliability/collector.test.ts',
  // Memory under as much load as the machine bears.
  '__test__/reliability/soak.test.ts',
  // Requests with half a second until they are given up.
  'plugins/prometheus-backend/src/router.test.ts',
].map(path.normalize);
const isAmong = list => file =>
  list.some(one => file === one || file.startsWith(one + path.sep));
/** Backends load 2 500 modules each, which Nodes from 22 on need not compile again for each process. */
const COMPILED = { NODE_COMPILE_CACHE: path.join(root, '.cache/compiled') };
/**
 * The Node suite talks to this machine only: it can do without the machine's own authorities, which
 * cost every process of Node 20 a tenth of a second.
 */
const QUICK_START = { NODE_EXTRA_CA_CERTS: undefined };
/** What depends on Node itself: loading, starting and ending, the event loop, a backend and its server. */
const OF_NODE = [
  'backstage/backend.test.ts',
  'backstage/coexistence.test.ts',
  'backstage/core/http.test.ts',
  'backstage/core/httpKinds.test.ts',
  'backstage/core/runtime.test.ts',
  'instruments',
  'lifecycle',
].map(inTests);
/** What is over soon and starts no program but itself. */
const QUICK = [
  ...['config', 'conformance', 'instruments', 'services'].map(inTests),
  'plugins/prometheus',
  'plugins/prometheus-common',
].map(path.normalize);
const suites = ['rust', 'fuzz', 'node', 'nodes', ...ONCE, 'quick'];
/** For a Node that did not run `npm ci`. */
const OWN_SQLITE = {
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require "${path.join(root, 'scripts/own-sqlite.cjs')}"`,
};
/** The Node that has every suite. */
const MAIN_MAJOR = 24;
const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !suites.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}; known: ${suites.join(', ')}`);
  process.exit(2);
}
const runs = suite =>
  wanted.length === 0 ? suite !== 'quick' : wanted.includes(suite);

const begun = performance.now();
const results = [];
if (runs('rust') || wanted.includes('quick')) {
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
if (['node', 'nodes', ...ONCE, 'quick'].some(runs)) {
  results.push(...(await nodeTests()));
}

console.log();
for (const { name, passed, failed, failures, minutes } of results) {
  const said = [`${passed} passed`, `${failed} failed`, minutes];
  console.log(`${name}: ${said.filter(Boolean).join(', ')}`);
  for (const failure of failures) {
    console.log(`  failed: ${failure}`);
  }
}
console.log(`all of it: ${minutesSince(begun)}`);
const failed = sum(results.map(result => result.failed));
console.log(
  `${sum(results.map(result => result.passed))} passed, ${failed} failed`,
);
process.exitCode = failed > 0 ? 1 : 0;

async function cargoTest(name, args = []) {
  const start = performance.now();
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
    minutes: minutesSince(start),
  });
}

async function nodeTests() {
  const build = await step('npm run build', 'npm', ['run', 'build']);
  if (build.code !== 0) {
    // Against yesterday's addon the suites would say nothing.
    return [toResult('npm run build', build.code)];
  }
  const found = [];
  const needsTools =
    wanted.length === 0 || wanted.some(name => name !== 'quick');
  const missing = needsTools ? await fetchTools() : [];
  if (missing.length > 0) {
    // A machine that is offline can still run what needs none of them; CI may not.
    found.push(toResult('npm run tools', process.env.CI ? 1 : 0));
  }
  const files = await testFiles();
  const gone = [...ALONE, ...OF_NODE, ...QUICK].filter(
    one => !files.some(isAmong([one])),
  );
  if (gone.length > 0) {
    throw new Error(`Without a test: ${gone.join(', ')}`);
  }
  const isIn = suite => file => file.startsWith(inTests(suite));
  const others = files.filter(file => !ONCE.some(suite => isIn(suite)(file)));
  const own = { major: majorOf(process.version), node: process.execPath };
  const fetched = FETCHED_NODES.filter(
    major => !missing.includes(`node-${major}`),
  ).map(major => ({
    major,
    node: node(major),
    environment: OWN_SQLITE,
  }));
  const main =
    (own.major < MAIN_MAJOR &&
      fetched.find(({ major }) => major === MAIN_MAJOR)) ||
    own;
  for (const suite of ONCE.filter(runs)) {
    found.push(await nodeTest(`${suite}, on`, main, files.filter(isIn(suite))));
  }
  if (runs('node')) {
    found.push(await nodeTest('node --test on', main, others, QUICK_START));
  }
  if (runs('quick')) {
    const quick = others.filter(isAmong(QUICK));
    found.push(await nodeTest('node --test on', own, quick, QUICK_START));
  }
  if (runs('nodes')) {
    const ofNode = others.filter(isAmong(OF_NODE));
    const majors = new Map([...fetched, own].map(one => [one.major, one]));
    majors.delete(main.major);
    for (const other of [...majors.values()].sort(
      (a, b) => a.major - b.major,
    )) {
      found.push(await nodeTest('node --test on', other, ofNode, QUICK_START));
    }
  }
  return found;
}

function majorOf(version) {
  return Number(/\d+/.exec(version)[0]);
}

/** Runs files side by side, and then those that measure; the result is of both. */
async function nodeTest(title, { node, environment }, files, more) {
  const { output: version } = await run(node, ['--version'], { quiet: true });
  const name = `${title} ${version.trim()}`;
  const alone = files.filter(isAmong(ALONE));
  const others = files.filter(file => !isAmong(ALONE)(file));
  const start = performance.now();
  const variables = { ...COMPILED, ...environment, ...more };
  const parts = [];
  if (others.length > 0) {
    parts.push(await filesTest(name, node, others, CONCURRENCY, variables));
  }
  if (alone.length > 0) {
    const part = `${name}, one file at a time`;
    parts.push(await filesTest(part, node, alone, 1, variables));
  }
  return {
    name,
    passed: sum(parts.map(part => part.passed)),
    failed: sum(parts.map(part => part.failed)),
    failures: parts.flatMap(part => part.failures),
    minutes: minutesSince(start),
  };
}

async function filesTest(name, node, files, concurrency, environment) {
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
        `--test-concurrency=${concurrency}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=tap',
        `--test-reporter-destination=${tap}`,
        ...files,
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

function inTests(part) {
  return path.join('__test__', part);
}

function minutesSince(start) {
  return `${((performance.now() - start) / 60_000).toFixed(1)} minutes`;
}

/** A run that failed without naming a failed test counts as one. */
function toResult(
  name,
  code,
  { passed = 0, failed = 0, failures = [], minutes } = {},
) {
  return {
    minutes,
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
