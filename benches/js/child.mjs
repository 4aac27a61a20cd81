// Cases in processes of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Runs a script of this folder with options; what it prints is its answer, as JSON. */
export async function runChild(
  script,
  options,
  { flags = [], node = process.execPath } = {},
) {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(
    node,
    ['--expose-gc', ...flags, file, JSON.stringify(options)],
    // The process's own provider stays idle: a side makes its own.
    { env: { ...process.env, OTEL_METRICS_EXPORTER: 'none' } },
  );
  return JSON.parse(stdout);
}
