// One side under delta temporality while series come and go, in a process of its own. Prints what
// the process held after each minute.
import assert from 'node:assert/strict';
import { fillYoung, running } from './resident.mjs';
import * as sides from './sides.mjs';

const { name, minutes, series } = JSON.parse(process.argv[2]);
/** Adds to each series of a minute. */
const ADDS = 3;

const side = sides[name]({
  delta: true,
  // A series without values is kept for some minutes.
  cardinalityLimit: 10 * series,
});
const counter = side.instrument('counter', 0);

fillYoung();
const samples = [];
for (let minute = 0; minute < minutes; minute++) {
  for (let add = 0; add < ADDS; add++) {
    for (let i = 0; i < series; i++) {
      counter.add(1, { job: `job-${minute}-${i}`, state: 'done' });
    }
  }
  const totals = [...(await side.read()).values()];
  assert.equal(totals.length, series, `${name}: series of minute ${minute}`);
  assert.ok(
    totals.every(({ sum }) => sum === ADDS),
    `${name}: sums of minute ${minute}`,
  );
  samples.push(await running());
}
await side.close();
console.log(JSON.stringify(samples));
