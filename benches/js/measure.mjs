import { execFileSync } from 'node:child_process';
import os from 'node:os';

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs all sides in turn, another one first each round, so that a slow moment of the machine meets
 * them all. Returns the times of each, round by round, in nanoseconds per operation.
 *
 * @param sides - `{ name, run(): operations, check?(): Promise }`
 */
export async function alternate(sides, { warmUp, rounds }) {
  const times = Object.fromEntries(sides.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (let i = 0; i < sides.length; i++) {
      const { name, run, check } = sides[(i + round + warmUp) % sides.length];
      // One side's garbage is not collected at another's expense.
      globalThis.gc();
      const start = process.hrtime.bigint();
      const operations = run();
      const time = Number(process.hrtime.bigint() - start);
      await check?.();
      if (round >= 0) {
        times[name].push(time / operations);
      }
    }
  }
  return times;
}

/** The median of the ratios of each round: what `slow` costs in units of `fast`. */
export function ratio(slow, fast) {
  return median(slow.map((time, round) => time / fast[round]));
}

/** @param node - The Node that was measured. */
export function machine(node) {
  const cpus = os.cpus();
  const print = 'process.version + ", V8 " + process.versions.v8';
  const version = execFileSync(node, ['-p', print], { encoding: 'utf8' });
  return `${cpus[0].model.trim()} × ${cpus.length}, ${os.platform()} ${os.arch()}, Node ${version.trim()}`;
}
