// A cardinality attack: every record brings attributes that were never seen.
import { runChild } from './child.mjs';
import { runAlone } from './section.mjs';
import { median, ratio } from './measure.mjs';
import { MEGABYTE, YOUNG } from './resident.mjs';

const SETS = 10_000_000;
const EARLY = 1_000_000;
const GROWTH = 5;

/** Series that each side keeps under its default limit of 2 000, besides overflow. */
const SIDES = [
  { name: 'ours', side: 'ours', series: 2000 },
  { name: 'openTelemetry', side: 'JS SDK 2', series: 1999 },
];

export async function benchAttack() {
  const times = await runChild('attackCost.mjs', {});
  const rows = [];
  for (const { name, side, series } of SIDES) {
    const options = { name, series, early: EARLY, sets: SETS };
    const memory = await runChild('attackMemory.mjs', options, {
      flags: YOUNG,
    });
    const cost = kind => times[`${side}: ${kind}`];
    rows.push({
      side,
      'MB at 1 million': (memory.before / MEGABYTE).toFixed(1),
      'MB at 10 million': (memory.after / MEGABYTE).toFixed(1),
      'MB grown': ((memory.after - memory.before) / MEGABYTE).toFixed(1),
      'known set ns': median(cost('known set')).toFixed(0),
      'beyond the limit ns': median(cost('beyond the limit')).toFixed(0),
      '× a known set': ratio(
        cost('beyond the limit'),
        cost('known set'),
      ).toFixed(2),
    });
  }
  return {
    meaning:
      `${SETS / 1e6} million distinct attribute sets hit one counter with the default limit of 2 000: what the process holds after the first million and after all, ` +
      'and what a record beyond the limit costs beside one of a known set with the same shape of object.',
    rows,
    targets: [
      {
        what: 'memory grown from 1 to 10 million attacking sets',
        found: Number(rows[0]['MB grown']),
        atMost: GROWTH,
        unit: 'MB',
      },
      {
        what: 'a record beyond the limit against one of a known set',
        found: Number(rows[0]['× a known set']),
        atMost: 1,
      },
    ],
  };
}

await runAlone(import.meta, benchAttack);
