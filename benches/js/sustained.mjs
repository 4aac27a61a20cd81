// What a histogram's record costs where there is no end of them, so that no queue hides the engine.
import { runChild } from './child.mjs';
import { median } from './measure.mjs';
import { runAlone } from './section.mjs';

const RECORDS = 10_000_000;
const RUNS = 3;
const SIDES = { ours: 'ours', openTelemetry: 'JS SDK 2' };

/** @param node - The Node to run on. */
export async function benchSustained(node = process.execPath) {
  const rows = [];
  const targets = [];
  for (const attributes of [0, 2]) {
    const runs = { ours: [], openTelemetry: [] };
    for (let run = 0; run < RUNS; run++) {
      for (const name of Object.keys(SIDES)) {
        const options = { name, attributes, records: RECORDS };
        runs[name].push(await runChild('sustainedCase.mjs', options, { node }));
      }
    }
    const of = (name, what) => median(runs[name].map(run => run[what]));
    for (const [name, side] of Object.entries(SIDES)) {
      rows.push({
        case: `histogram, ${attributes} attributes`,
        side,
        'event loop, ns': of(name, 'loop').toFixed(1),
        'all threads, CPU ns': of(name, 'cpu').toFixed(1),
      });
    }
    if (attributes === 0) {
      targets.push({
        what: 'a sustained record without attributes, on the event loop',
        found: of('ours', 'loop'),
        atMost: 12,
        unit: ' ns',
      });
    } else {
      targets.push({
        what: 'processor time of all threads for a sustained record with 2 attributes, of the JS SDK’s',
        found: of('ours', 'cpu') / of('openTelemetry', 'cpu'),
        atMost: 1 / 15,
      });
    }
  }
  return {
    meaning: `What each of ${RECORDS} records costs that follow each other without a pause: on the event loop, where the engine's queue is full and the program waits for it, and in processor time of all threads.`,
    rows,
    targets,
  };
}

await runAlone(import.meta, benchSustained);
