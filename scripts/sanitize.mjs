// Runs the Rust tests under a sanitizer. Not part of `npm run check`: it builds everything anew and
// lets a stable compiler take a nightly option.
//
//   node scripts/sanitize.mjs [test filter]
//
// Address only. ThreadSanitizer needs a standard library that was built with it, and so a nightly
// toolchain with its sources; loom tries the orders of threads in `src/engine/gate_tests.rs` instead.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = 'x86_64-unknown-linux-gnu';

// With a target of its own, build scripts and macros are compiled without the flags.
const { code } = await run(
  'cargo',
  ['test', '--lib', '--target', target, ...process.argv.slice(2)],
  {
    cwd: root,
    env: {
      ...process.env,
      CARGO_TARGET_DIR: path.join(
        process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'),
        'sanitize',
      ),
      RUSTC_BOOTSTRAP: '1',
      // `sanitizing` leaves mimalloc out, whose memory the sanitizer cannot see.
      RUSTFLAGS: '-Zsanitizer=address --cfg sanitizing',
    },
  },
);
process.exitCode = code;
