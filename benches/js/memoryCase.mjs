// One side's memory for many series of one instrument, in a process of its own. Prints what the
// process holds more than before, in bytes.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { fillYoung, settled } from './resident.mjs';
import * as sides from './sides.mjs';

/** The specification's default: 15 boundaries. */
const BOUNDARIES = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000,
];

const { name, kind, series, instruments = 1 } = JSON.parse(process.argv[2]);
const each = series / instruments;
const side = sides[name]({
  // The JS SDK keeps one set less than it is told to.
  cardinalityLimit: each + 16,
  boundaries: BOUNDARIES,
});

/** A string of its own, as out of a request: equal to others, shared with none. */
const fresh = text => Buffer.from(text, 'latin1').toString('latin1');

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

/** Of several instruments one in five is a histogram. */
const kindOf = number =>
  kind === 'mixed' ? (number % 5 === 4 ? 'histogram' : 'counter') : kind;

const made = [];
function instrument(number) {
  return (made[number] ??= side.instrument(kindOf(number), number));
}

/** Series multiply as they do in programs: tenants × 25 routes × 4 methods. */
function record(from, to) {
  for (let i = from; i < to; i++) {
    const number = Math.floor(i / each);
    const at = i % each;
    const attributes = {
      tenant: fresh(`tenant-${Math.floor(at / 100)}`),
      route: fresh(`/entities/:kind/${Math.floor(at / 4) % 25}`),
      method: fresh(METHODS[at % 4]),
    };
    if (kindOf(number) === 'counter') {
      instrument(number).add(1, attributes);
    } else {
      instrument(number).record(at % 100, attributes);
    }
  }
}

// With a first series and a first collection all code, buffers and threads are there.
record(0, 1);
await side.collect();
fillYoung();
const before = await settled();

record(1, series);
await side.collect();
const collected = await settled();

record(0, series);
const again = await settled();

const totals = [...(await side.read()).values()];
assert.equal(totals.length, series, `${name}: number of series`);
const counted = totals.reduce((all, { count, sum }) => all + (count ?? sum), 0);
assert.equal(counted, 2 * series, `${name}: number of records`);
await side.close();

console.log(
  JSON.stringify({
    collected: collected.rss - before.rss,
    again: again.rss - before.rss,
    objects: collected.heapUsed - before.heapUsed,
    heap: collected.heapTotal - before.heapTotal,
    arrayBuffers: collected.arrayBuffers - before.arrayBuffers,
  }),
);
