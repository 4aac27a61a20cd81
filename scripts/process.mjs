import { spawn } from 'node:child_process';

/**
 * Runs a command, showing its output as it comes unless `quiet`.
 *
 * @returns {Promise<{ code: number, output: string }>} the exit code (1 if a signal ended it or
 *   it could not be started) and everything it wrote
 */
export function run(command, args, { quiet = false, ...options } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const [stream, sink] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding('utf8');
      stream.on('data', text => {
        output += text;
        if (!quiet) {
          sink.write(text);
        }
      });
    }
    child.once('error', error => resolve({ code: 1, output: String(error) }));
    child.once('close', code => resolve({ code: code ?? 1, output }));
  });
}
