// Cases in processes of their own.
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
