// Runs the tests under a sanitizer. Not part of `npm run check`: it builds everything anew and lets a
// stable compiler take nightly options.
//
//   node scripts/sanitize.mjs                          all three, one after the other
//   node scripts/sanitize.mjs address [test filter]    the Rust tests under AddressSanitizer, leaks included
//   node scripts/sanitize.mjs node [test file …]       the Node tests with the addon under AddressSanitizer
//   node scripts/sanitize.mjs thread [test filter]     the Rust tests under ThreadSanitizer
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { fetchRust } from './tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// With a target of its own, build scripts and macros are compiled without the flags.
const target = 'x86_64-unknown-linux-gnu';
const directory = path.join(
  process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'),
  'sanitize',
);

// All that load the addon but Backstage's, which compiles TypeScript for minutes before it does.
const NODE_TESTS = [
  'conformance',
  'export',
  'hostile',
  'instruments',
  'lifecycle',
  'reliability',
  'services',
];

const suites = { address, node, thread };
const [wanted, ...rest] = process.argv.slice(2);
if (wanted !== undefined && !Object.hasOwn(suites, wanted)) {
  console.error(`Unknown: ${wanted}; known: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

const failed = [];
for (const [name, suite] of Object.entries(suites)) {
  if ((wanted ?? name) === name && !(await suite(rest))) {
    failed.push(name);
  }
}
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : 'all clean');
process.exitCode = failed.length > 0 ? 1 : 0;

async function address(args) {
  return succeeds(cargo('address', ['test', '--lib', ...args]));
}

/**
 * Loads the addon into an ordinary Node. The sanitizer's runtime has to be there first, and so is
 * preloaded; it then sees whatever Node and the addon hand to each other. Leaks are left out: what
 * JavaScript holds lies in memory that the sanitizer does not look through.
 *
 * Reports decide, and that the addon loads at all. Tests that time something or measure memory may
 * fail here: everything is several times slower, and freed memory is kept for a while.
 */
async function node(files) {
  if (!(await succeeds(cargo('address', ['build', '--lib'])))) {
    return false;
  }
  const addon = path.join(directory, 'metrics.node');
  await cp(
    path.join(directory, target, 'debug/libnativestage_metrics.so'),
    addon,
  );
  const reports = path.join(directory, 'reports');
  await rm(reports, { recursive: true, force: true });
  await mkdir(reports, { recursive: true });
  const options = {
    cwd: root,
    env: {
      ...process.env,
      ASAN_OPTIONS: `detect_leaks=0:log_path=${path.join(reports, 'report')}`,
      LD_PRELOAD: await sharedRuntime('asan'),
      NAPI_RS_NATIVE_LIBRARY_PATH: addon,
    },
  };
  const load = "require('./binding.js').NativeProvider.global()";
  // Tests that fail for want of time are no reports, but some must have run.
  let ran = false;
  if (await succeeds(run(process.execPath, ['-e', load], options))) {
    const tests = files.length > 0 ? files : await testFiles();
    const { output } = await run(
      process.execPath,
      ['--import', 'tsx', '--test', ...tests],
      options,
    );
    ran = /^(ℹ|#) pass [1-9]/m.test(output);
  }
  // A test may expect its program to fail, and not show what it wrote.
  const found = await readdir(reports);
  for (const report of found) {
    console.error(await readFile(path.join(reports, report), 'utf8'));
  }
  console.log(`reports of AddressSanitizer in Node: ${found.length}`);
  return ran && found.length === 0;
}

/**
 * ThreadSanitizer has to see every access, those of the standard library too: that is compiled with
 * it, from the sources that Debian's own compiler comes with.
 */
async function thread(args) {
  const { rustc, libraries } = await fetchRust();
  const archive = await runtime('tsan');
  await cp(archive, path.join(libraries, path.basename(archive)));
  return succeeds(
    cargo('thread', ['test', '--lib', '-Zbuild-std', ...args], {
      RUSTC: rustc,
      TSAN_OPTIONS: `suppressions=${path.join(root, 'scripts/tsan.supp')}`,
    }),
  );
}

async function testFiles() {
  const files = [];
  for (const folder of NODE_TESTS) {
    const inside = path.join('__test__', folder);
    const entries = await readdir(path.join(root, inside));
    files.push(...entries.map(entry => path.join(inside, entry)));
  }
  return files.filter(file => file.endsWith('.test.ts'));
}

/** What Rust's compiler links into programs that it builds with a sanitizer. */
async function runtime(sanitizer) {
  const { output } = await run('rustc', ['--print', 'target-libdir'], {
    quiet: true,
  });
  return path.join(output.trim(), `librustc-stable_rt.${sanitizer}.a`);
}

/** The same as a library that can be preloaded, without what only programs may have. */
async function sharedRuntime(sanitizer) {
  const archive = path.join(directory, `${sanitizer}.a`);
  // Where it finds a library of its usual name, it takes that for another runtime and stops.
  const library = path.join(directory, `${sanitizer}-preload.so`);
  await cp(await runtime(sanitizer), archive);
  await run('ar', ['d', archive, `${sanitizer}_preinit.cpp.o`]);
  await run('cc', [
    '-shared',
    '-o',
    library,
    '-Wl,--whole-archive',
    archive,
    '-Wl,--no-whole-archive',
    ...['-ldl', '-lm', '-lpthread', '-lrt'],
  ]);
  return library;
}

function cargo(sanitizer, args, env = {}) {
  return run('cargo', [...args, '--target', target], {
    cwd: root,
    env: {
      ...process.env,
      CARGO_TARGET_DIR: directory,
      RUSTC_BOOTSTRAP: '1',
      // `sanitizing` leaves mimalloc out, whose memory the sanitizer cannot see.
      RUSTFLAGS: `-Zsanitizer=${sanitizer} --cfg sanitizing`,
      ...env,
    },
  });
}

async function succeeds(running) {
  const { code } = await running;
  return code === 0;
}
