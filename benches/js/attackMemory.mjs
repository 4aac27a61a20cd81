// One side under a cardinality attack, in a process of its own. Prints what it held on the way.
import assert from 'node:assert/strict';
import { fillYoung, settled } from './resident.mjs';
import * as sides from './sides.mjs';
import { instrumentName, seriesKey } from './workload.mjs';

const { name, early, sets, series } = JSON.parse(process.argv[2]);
const side = sides[name]();
const counter = side.instrument('counter', 0);

function attack(from, to) {
  for (let i = from; i < to; i++) {
    counter.add(1, { route: '/login', user: `user-${i}` });
  }
}

fillYoung();
attack(0, early);
const before = await settled();
attack(early, sets);
const after = await settled();

const totals = await side.read();
assert.equal(totals.size, series + 1, `${name}: number of series`);
const overflow = { 'otel.metric.overflow': true };
const beyond = totals.get(seriesKey(instrumentName(0), overflow));
assert.equal(beyond.sum, sets - series, `${name}: overflow`);
let all = 0;
for (const { sum } of totals.values()) {
  all += sum;
}
assert.equal(all, sets, `${name}: total`);
await side.close();

console.log(JSON.stringify({ before: before.rss, after: after.rss }));
