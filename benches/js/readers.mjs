// What a second reader costs at each record: nothing here, because values are handed over once.
import { median } from './measure.mjs';
import { runCase } from './record.mjs';
import { runAlone } from './section.mjs';

// More than for one record: what is compared differs by less than processes do.
const PROCESSES = 5;

export async function benchReaders() {
  const rows = [];
  const targets = [];
  for (const kind of ['counter', 'histogram']) {
    const options = { site: 'mono', kind, attributes: 2 };
    const runs = { 1: [], 2: [] };
    for (let i = 0; i < PROCESSES; i++) {
      for (const readers of [1, 2]) {
        runs[readers].push(await runCase({ ...options, readers }));
      }
    }
    for (const side of runs[1][0].names) {
      const [one, two] = [1, 2].map(readers =>
        median(runs[readers].map(({ times }) => times[side])),
      );
      rows.push({
        case: `${kind}, 2 attributes: ${side}`,
        'one reader, ns': one.toFixed(1),
        'two readers, ns': two.toFixed(1),
        'two ÷ one': (two / one).toFixed(2),
      });
      if (side === 'ours') {
        const what = `${kind}: two readers ÷ one`;
        targets.push({ what, found: two / one, atMost: 1.1 });
      }
    }
  }
  return {
    meaning:
      'Whether a program pays for being scraped and pushing at once. The JS SDK adds each value up once for every reader; here values are handed over once, and another thread does the rest.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchReaders);
