// One case in a process of its own, so that inline caches know nothing but this case. Prints as JSON
// what a record of each side costs, and how often ours goes into it.
import assert from 'node:assert/strict';
import { alternate, median, ratio } from './measure.mjs';
import {
  nothing,
  openTelemetry,
  ours,
  readingAlone,
  rivals,
  served,
} from './sides.mjs';
import { compileLoop, expected, POOL, workload } from './workload.mjs';

const options = JSON.parse(process.argv[2]);
const work = workload(options);
// Long enough to time, short enough that a round's samples fit the engine's queue of 64 blocks:
// recording is measured, not how fast the engine takes off what no program records at this rate.
const laps = options.attributes === 0 ? 384 : 64;

const chosen = async () => {
  if (options.floor) {
    return [readingAlone(), openTelemetry(options)];
  }
  if (options.readers) {
    return [
      await served(1),
      await served(2),
      openTelemetry({ name: 'JS SDK, one reader' }),
      openTelemetry({ name: 'JS SDK, two readers', readers: 2 }),
    ];
  }
  return [ours(), ...(await rivals())];
};

const sides = [...(await chosen()), nothing()].map(side => {
  const instruments = work.shapes.map((keys, shape) =>
    side.instrument(work.kind, shape, keys),
  );
  const loop = compileLoop(work, side.call(work.kind));
  let done = 0;
  return {
    name: side.name,
    close: side.close,
    run() {
      loop(instruments, work, laps);
      done += laps;
      return laps * POOL;
    },
    check:
      side.read &&
      (async () =>
        assertSame(side.name, await side.read(), expected(work, done))),
  };
});

/** Every series must have been counted in full, and no other. */
function assertSame(name, found, wanted) {
  assert.equal(found.size, wanted.size, `${name}: number of series`);
  for (const [series, { count, sum }] of wanted) {
    const total = found.get(series);
    assert.ok(total, `${name}: ${series} is missing`);
    assert.equal(total.sum, sum, `${name}: sum of ${series}`);
    if (work.kind === 'histogram') {
      assert.equal(total.count, count, `${name}: count of ${series}`);
    }
  }
}

const times = await alternate(sides, {
  // Node 24 compiles a loop for good after half a million turns.
  warmUp: 12,
  rounds: 11,
});
for (const side of sides) {
  await side.close();
}

// Of the few nanoseconds of a record without attributes the loop around it would be half.
const { 'loop alone': loop, ...recording } = times;
const names = Object.keys(recording);
const costs = Object.fromEntries(
  names.map(name => [name, times[name].map((time, i) => time - loop[i])]),
);
const forEach = value =>
  Object.fromEntries(names.map(name => [name, value(costs[name])]));
console.log(
  JSON.stringify({
    names,
    times: forEach(median),
    ratios: forEach(cost => ratio(cost, costs[names[0]])),
    series: expected(work, 1).size,
  }),
);
