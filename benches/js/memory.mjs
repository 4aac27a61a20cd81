// What a series costs in resident memory beside the OpenTelemetry JS SDK.
import { runChild } from './child.mjs';
import { runAlone } from './section.mjs';
import { median } from './measure.mjs';
import { YOUNG } from './resident.mjs';

const SERIES = 100_000;
const RUNS = 3;
const TARGET = 2 / 3;

const KINDS = {
  counter: 'counter, 3 attributes',
  histogram: 'histogram of 15 boundaries, 3 attributes',
};
const SIDES = { ours: 'ours', openTelemetry: 'JS SDK' };

/** Bytes per series of one side: the medians of several processes. */
function perSeries(runs) {
  const bytes = what => Math.round(median(runs.map(what)) / SERIES);
  return {
    'B / series': bytes(run => run.collected),
    'recorded again': bytes(run => run.again),
    'V8 objects': bytes(run => run.objects),
    'V8 heap': bytes(run => run.heap),
    'array buffers': bytes(run => run.arrayBuffers),
    native: bytes(run => run.collected - run.heap - run.arrayBuffers),
  };
}

export async function benchMemory() {
  const rows = [];
  const targets = [];
  for (const [kind, what] of Object.entries(KINDS)) {
    const runs = { ours: [], openTelemetry: [] };
    for (let run = 0; run < RUNS; run++) {
      for (const name of Object.keys(SIDES)) {
        const options = { name, kind, series: SERIES };
        runs[name].push(
          await runChild('memoryCase.mjs', options, { flags: YOUNG }),
        );
      }
    }
    for (const [name, side] of Object.entries(SIDES)) {
      rows.push({ case: what, side, ...perSeries(runs[name]) });
    }
    const [ours, theirs] = rows.slice(-2);
    targets.push({
      what: `memory of a series, ${what}, against the JS SDK`,
      found: ours['B / series'] / theirs['B / series'],
      atMost: TARGET,
    });
  }
  return {
    meaning:
      `Resident bytes that each of ${SERIES} series adds to a process, after a collection and garbage collection, and once every series was recorded to again. ` +
      'The other columns say where they are after the collection: objects of V8 within its heap, typed arrays, and the rest, which is native.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchMemory);
