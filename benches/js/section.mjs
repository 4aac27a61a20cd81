// What every benchmark returns, and how one is run alone.
//
// A section has `meaning`, what its rows mean for a user; `rows`, with the same keys each; and
// `targets`: `{ what, found, atLeast | atMost }`.
import { fileURLToPath } from 'node:url';

export const isMet = ({ found, atLeast = -Infinity, atMost = Infinity }) =>
  found >= atLeast && found <= atMost;

export function bound({ atLeast, atMost, unit = '' }) {
  return `${atLeast === undefined ? `≤ ${number(atMost)}` : `≥ ${number(atLeast)}`}${unit}`;
}

export function describeTarget(target) {
  const { what, found, unit = '' } = target;
  return `${what}: ${number(found)}${unit} (${bound(target)})`;
}

/** With at most three digits. */
export function number(value) {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** Prints a section if its module is what Node was started with. */
export async function runAlone({ url }, bench) {
  if (process.argv[1] !== fileURLToPath(url)) {
    return;
  }
  const { rows, targets } = await bench();
  console.table(rows);
  for (const target of targets) {
    console.log(
      `${isMet(target) ? 'met' : 'MISSED'}: ${describeTarget(target)}`,
    );
  }
}
