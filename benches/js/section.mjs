// What a benchmark gives back: `{ title, meaning, rows, targets }`. Rows are those of a table; a
// target is `{ what, found, atLeast?, atMost?, unit? }`.
import { pathToFileURL } from 'node:url';

export function isMissed({ found, atLeast = -Infinity, atMost = Infinity }) {
  // Said so that NaN, which nothing was measured for, misses.
  return !(found >= atLeast && found <= atMost);
}

export function describeTarget({ what, found, atLeast, atMost, unit = '' }) {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return `${what}: ${found.toPrecision(3)}${unit} (${bound}${unit})`;
}

/** Runs and prints one benchmark when its module is what Node was started with. */
export async function runAlone(importMeta, bench) {
  if (importMeta.url !== pathToFileURL(process.argv[1]).href) {
    return;
  }
  const section = await bench(...process.argv.slice(2));
  console.log(`${section.title}\n${section.meaning}`);
  console.table(section.rows);
  for (const target of section.targets) {
    const missed = isMissed(target);
    console.log(`${missed ? 'missed' : 'met'}: ${describeTarget(target)}`);
    process.exitCode ||= missed ? 1 : 0;
  }
}
