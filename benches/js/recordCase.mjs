// One case in a process of its own, so that inline caches know nothing but this case. Prints the
// times of all sides as JSON.
import assert from 'node:assert/strict';
import { alternate } from './measure.mjs';
import { nothing, openTelemetry, ours, prometheusClient } from './sides.mjs';
import { compileLoop, expected, POOL, workload } from './workload.mjs';

const options = JSON.parse(process.argv[2]);
const work = workload(options);
// Long enough to time, short enough that a round's samples fit the engine's queue of 64 blocks:
// recording is measured, not how fast the engine takes off what no program records at this rate.
const laps = work.columns.length === 0 ? 384 : 128;

const sides = [ours(), openTelemetry(), prometheusClient(), nothing()].map(
  side => {
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
  },
);

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
  // Node 24 compiles a loop for good after half a million turns: the fifth round.
  warmUp: 8,
  rounds: 11,
});
for (const side of sides) {
  await side.close();
}
console.log(
  JSON.stringify({
    times,
    series: expected(work, 1).size,
    records: laps * POOL,
  }),
);
