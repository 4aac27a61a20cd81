// One side's histogram that is recorded in without a pause, in a process of its own. Prints
// nanoseconds a record.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import * as sides from './sides.mjs';

const { name, attributes, records } = JSON.parse(process.argv[2]);
const side = sides[name]();
const histogram = side.instrument('histogram', 0);

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const STATUSES = [200, 201, 204, 304, 400, 401, 404, 500];

const record = {
  0: count => {
    for (let i = 0; i < count; i++) {
      histogram.record((i & 15) / 2);
    }
  },
  2: count => {
    for (let i = 0; i < count; i++) {
      histogram.record((i & 15) / 2, {
        method: METHODS[i & 3],
        status: STATUSES[(i >> 2) & 7],
      });
    }
  },
}[attributes];

record(1_000_000);
await side.read();
const cpu = process.cpuUsage();
const start = performance.now();
record(records);
const loop = performance.now() - start;
// What the engine has not taken on yet is part of what the records cost.
const counted = [...(await side.read()).values()];
const { user, system } = process.cpuUsage(cpu);
assert.equal(
  counted.reduce((sum, { count }) => sum + count, 0),
  records + 1_000_000,
);
await side.close();
console.log(
  JSON.stringify({
    loop: (loop * 1e6) / records,
    cpu: ((user + system) * 1e3) / records,
  }),
);
