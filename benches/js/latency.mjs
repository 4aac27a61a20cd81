// What exports do to the latency of an HTTP server, beside one without metrics and the JS SDK.
import assert from 'node:assert/strict';
import { startChild, withChildren } from './children.mjs';
import { assertReceived } from './exportRounds.mjs';
import { median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';

const SERIES = 100_000;
const RATE = 500;
const WARM_UP = 2 * RATE;
const MEASURED = 8 * RATE;
const ROUNDS = 5;
const SIDES = ['none', 'ours', 'JS SDK'];

/** How much longer than without metrics the slowest hundredth may take. */
const TARGET = 1.1;

/** A fresh server under load: its latencies, after all it recorded has arrived. */
function runServer(side) {
  const starts = ['sink.mjs', 'latencyServer.mjs', 'latencyLoad.mjs'];
  return withChildren(
    starts.map(script => () => startChild(script)),
    async (sink, server, load) => {
      const url = await sink.ask('listen');
      const port = await server.ask('start', { side, series: SERIES, url });
      await server.ask('flush');
      await server.ask('keepTouching', SERIES / 1000);
      const total = WARM_UP + MEASURED;
      const options = { port, rate: RATE, warmUp: WARM_UP, total };
      const latencies = await load.ask('load', options);
      assert.equal(latencies.answered, MEASURED);

      const { requests, recorded } = await server.ask('finish');
      assert.equal(requests, total);
      if (side !== 'none') {
        const received = await sink.ask('takeLast', SERIES);
        assertReceived(side, received, recorded, 'counter');
        assert.equal(received.totals.requests.sum, total);
        assert.equal(received.totals.duration.count, total);
      }
      return latencies;
    },
  );
}

export async function benchLatency() {
  const found = Object.fromEntries(SIDES.map(side => [side, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < SIDES.length; i++) {
      const side = SIDES[(i + round) % SIDES.length];
      found[side].push(await runServer(side));
    }
  }
  const of = (side, what) => found[side].map(round => round[what]);
  const slower = side => ratio(of(side, 'p99'), of('none', 'p99'));
  return {
    meaning:
      `${RATE} requests a second, each counted and timed, while ${SERIES} series change and are exported every ` +
      'second: how long requests take, from the moment they were due.',
    rows: SIDES.map(side => ({
      case: side === 'none' ? 'without metrics' : side,
      'p50 ms': median(of(side, 'p50')).toFixed(2),
      'p99 ms': median(of(side, 'p99')).toFixed(2),
      'max ms': median(of(side, 'max')).toFixed(2),
      'p99 × without': slower(side).toFixed(2),
    })),
    targets: [
      {
        what: `p99 latency while ${SERIES} series are exported every second, of that without metrics`,
        found: slower('ours'),
        atMost: TARGET,
        unit: ' ×',
      },
    ],
  };
}

await runAlone(import.meta, benchLatency);
