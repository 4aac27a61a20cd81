// What a record costs whose series exists, and one beyond the cardinality limit, in a process of its
// own. Prints the times of both on both sides.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { alternate } from './measure.mjs';
import { openTelemetry, ours } from './sides.mjs';

/** Records of one round. */
const RECORDS = 50_000;
/** Fewer than the limit, so that each side keeps them all. */
const KNOWN = 1500;
const LIMIT = 2000;

let unknown = 0;

/** Strings of their own, made before the clock runs: hashing them is a part of a record. */
const users = number =>
  Array.from({ length: RECORDS }, (_, i) =>
    Buffer.from(`user-${number(i)}`).toString('latin1'),
  );

const KINDS = {
  'known set': () => users(i => 10_000_000 + (i % KNOWN)),
  'beyond the limit': () => users(() => 20_000_000 + unknown++),
};

const compile = () =>
  new Function(
    'counter',
    'users',
    `for (let i = 0; i < ${RECORDS}; i++) {
       counter.add(1, { route: '/login', user: users[i] });
     }`,
  );

function makeSides(make) {
  const side = make();
  const counter = side.instrument('counter', 0);
  compile()(
    counter,
    users(i => 10_000_000 + (i % KNOWN)),
  );
  compile()(
    counter,
    users(i => 30_000_000 + (i % LIMIT)),
  );
  let rounds = 2;
  return Object.entries(KINDS).map(([kind, draw]) => {
    const loop = compile();
    let next = draw();
    return {
      name: `${side.name}: ${kind}`,
      run() {
        loop(counter, next);
        rounds++;
        return RECORDS;
      },
      async check() {
        next = draw();
        const totals = [...(await side.read()).values()];
        const sum = totals.reduce((all, total) => all + total.sum, 0);
        assert.equal(sum, rounds * RECORDS, side.name);
      },
      close: side.close,
    };
  });
}

const sides = [ours, openTelemetry].flatMap(makeSides);
const times = await alternate(sides, { warmUp: 5, rounds: 15 });
for (const side of sides) {
  await side.close();
}
console.log(JSON.stringify(times));
