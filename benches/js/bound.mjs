// What a bound counter costs beside the cell write that it is, and a record beside both.
import assert from 'node:assert/strict';
import { alternate, median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';
import { ours } from './sides.mjs';
import { instrumentName, POOL, seriesKey } from './workload.mjs';

const WARM_UP = 5;
const ROUNDS = 15;
const LAPS = 1024;

/** Compiled for each side, as in workload.mjs. */
const compile = statement =>
  new Function(
    'target',
    'values',
    'index',
    `for (let i = 0; i < ${LAPS * POOL}; i++) {
       const value = values[i & ${POOL - 1}];
       ${statement};
     }`,
  );

export async function benchBound() {
  const values = Array.from({ length: POOL }, (_, i) => 1 + (i % 3));
  const perRound = LAPS * values.reduce((sum, value) => sum + value, 0);
  const attributes = { method: 'GET', status: 200 };
  const side = ours();
  const bound = side.instrument('counter', 0).bind(attributes);
  const cells = new Float64Array(4096);
  const index = 7;
  let rounds = 0;

  const sides = [
    ['bare cell', cells, 'target[index] += value'],
    ['bound', bound, 'target.add(value)'],
  ].map(([name, target, statement]) => {
    const loop = compile(statement);
    return {
      name,
      run() {
        loop(target, values, index);
        return LAPS * POOL;
      },
    };
  });
  sides[1].check = async () => {
    rounds++;
    const total = (await side.read()).get(
      seriesKey(instrumentName(0), attributes),
    );
    assert.equal(total.sum, rounds * perRound);
  };
  const times = await alternate(sides, { warmUp: WARM_UP, rounds: ROUNDS });
  assert.equal(cells[index], (WARM_UP + ROUNDS) * perRound);
  await side.close();

  return {
    meaning:
      'What is left where even looking up the attributes is too much: `bind` once, then add.',
    rows: Object.entries(times).map(([name, time]) => ({
      case: name,
      ns: median(time).toFixed(2),
    })),
    targets: [
      {
        what: 'bound counter ÷ `cells[i] += value`',
        found: ratio(times.bound, times['bare cell']),
        atMost: 2,
      },
    ],
  };
}

await runAlone(import.meta, benchBound);
