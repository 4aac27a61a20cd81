// What a second reader costs at each record: nothing here, because values are handed over once.
import { median } from './measure.mjs';
import { runCase } from './record.mjs';
import { runAlone } from './section.mjs';

const PROCESSES = 5;

export async function benchReaders() {
  const rows = [];
  const targets = [];
  for (const kind of ['counter', 'histogram']) {
    const options = { site: 'mono', kind, attributes: 2, readers: true };
    const runs = [];
    for (let i = 0; i < PROCESSES; i++) {
      runs.push(await runCase(options));
    }
    for (const side of ['ours', 'JS SDK']) {
      const [one, two] = [`${side}, one reader`, `${side}, two readers`];
      const time = name => median(runs.map(({ times }) => times[name]));
      const more = median(runs.map(({ ratios }) => ratios[two] / ratios[one]));
      rows.push({
        case: `${kind}, 2 attributes: ${side}`,
        'one reader, ns': time(one).toFixed(1),
        'two readers, ns': time(two).toFixed(1),
        'two ÷ one': more.toFixed(2),
      });
      if (side === 'ours') {
        const what = `${kind}: two readers ÷ one`;
        targets.push({ what, found: more, atMost: 1.1 });
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
