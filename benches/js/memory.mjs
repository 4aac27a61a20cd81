// What a series costs in resident memory beside the OpenTelemetry JS SDK.
import { runChild } from './child.mjs';
import { runAlone } from './section.mjs';
import { median } from './measure.mjs';
import { YOUNG } from './resident.mjs';

const RUNS = 3;

const CASES = [
  {
    what: 'counter, 3 attributes',
    options: { kind: 'counter', series: 100_000 },
    fresh: 0.45,
    again: 0.22,
  },
  {
    what: 'histogram of 15 boundaries, 3 attributes',
    options: { kind: 'histogram', series: 100_000 },
    fresh: 0.35,
  },
  {
    what: '50 instruments of 2 000 series, one in five a histogram',
    options: { kind: 'mixed', series: 100_000, instruments: 50 },
    fresh: 0.4,
  },
  {
    what: '10 000 counters of one series',
    options: { kind: 'counter', series: 10_000, instruments: 10_000 },
  },
];
const SIDES = { ours: 'ours', openTelemetry: 'JS SDK' };

/** Bytes per series of one side: the medians of several processes. */
function perSeries(runs, series) {
  const bytes = what => Math.round(median(runs.map(what)) / series);
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
  for (const { what, options, fresh, again } of CASES) {
    const runs = { ours: [], openTelemetry: [] };
    for (let run = 0; run < RUNS; run++) {
      for (const name of Object.keys(SIDES)) {
        runs[name].push(
          await runChild(
            'memoryCase.mjs',
            { name, ...options },
            { flags: YOUNG },
          ),
        );
      }
    }
    for (const [name, side] of Object.entries(SIDES)) {
      rows.push({ case: what, side, ...perSeries(runs[name], options.series) });
    }
    const [ours, theirs] = rows.slice(-2);
    const target = (key, suffix, atMost) =>
      atMost === undefined
        ? []
        : [
            {
              what: `memory of a series, ${what}${suffix}, against the JS SDK`,
              found: ours[key] / theirs[key],
              atMost,
            },
          ];
    targets.push(
      ...target('B / series', '', fresh),
      ...target('recorded again', ', recorded again', again),
    );
  }
  return {
    meaning:
      'Resident bytes that each series adds to a process, after a collection and garbage collection, and once every series was recorded to again. ' +
      'The other columns say where they are after the collection: objects of V8 within its heap, typed arrays, and the rest, which is native.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchMemory);
