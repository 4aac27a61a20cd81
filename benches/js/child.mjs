// Cases in processes of their own, and the benchmarks on their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Runs a script of this folder with options; what it prints is its answer, as JSON. */
export async function runChild(script, options, flags = []) {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    ...flags,
    fileURLToPath(new URL(script, import.meta.url)),
    JSON.stringify(options),
  ]);
  return JSON.parse(stdout);
}

/** `node name.mjs` prints the tables of that benchmark alone. */
export async function runAlone(url, bench) {
  if (process.argv[1] !== fileURLToPath(url)) {
    return;
  }
  const { title, meaning, rows, targets } = await bench();
  console.log(`${title}: ${meaning}`);
  console.table(rows);
  console.table(targets);
}
