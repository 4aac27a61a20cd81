// What the first record of a new series costs.
import assert from 'node:assert/strict';
import { alternate, median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';
import { openTelemetry, ours, prometheusClient } from './sides.mjs';

const SERIES = 1500;
const KEYS = ['tenant', 'route'];

const compile = call =>
  new Function(
    'instrument',
    'tenants',
    `for (let i = 0; i < tenants.length; i++) {
       ${call('instrument', '1', "{ tenant: tenants[i], route: '/entities/:kind' }")};
     }`,
  );

/** Every round makes an instrument of its own, and all its series for the first time. */
export async function benchSetup() {
  const sides = [ours, openTelemetry, prometheusClient].map(make => {
    const side = make();
    const loop = compile(side.call('counter'));
    const tenants = Array.from({ length: SERIES }, (_, i) => `tenant-${i}`);
    let rounds = 0;
    let instrument = side.instrument('counter', rounds, KEYS);
    return {
      name: side.name,
      close: side.close,
      run() {
        loop(instrument, tenants);
        return SERIES;
      },
      async check() {
        rounds++;
        const found = await side.read();
        assert.equal(found.size, rounds * SERIES, side.name);
        for (const [series, { sum }] of found) {
          assert.equal(sum, 1, `${side.name}: ${series}`);
        }
        instrument = side.instrument('counter', rounds, KEYS);
      },
    };
  });
  const times = await alternate(sides, { warmUp: 4, rounds: 11 });
  for (const side of sides) {
    await side.close();
  }
  return {
    meaning:
      'What a program pays when an attribute set comes up for the first time: the series is made, named and handed over. A counter with two attributes.',
    rows: Object.entries(times).map(([name, time]) => ({
      case: name,
      ns: median(time).toFixed(0),
    })),
    targets: [
      {
        what: 'first record of a series ÷ JS SDK 2',
        found: ratio(times.ours, times['JS SDK 2']),
        atMost: 1,
      },
    ],
  };
}

await runAlone(import.meta, benchSetup);
