// Exports of the sides in turn, each held against what the sink received.
import assert from 'node:assert/strict';
import { ChildEnded, startChild, withChildren } from './children.mjs';
import { workTotals } from './seriesWork.mjs';

/** What V8 has not compiled costs several times as much, which exports of few series show. */
const warmUp = series => (series < 100_000 ? 10 : 2);

/** The largest heap that the JS SDK gets, in megabytes, and its time. */
const HEAP = 8192;
const MINUTES = 10;

/**
 * Returns by side what each round measured, or, of the JS SDK, why there is nothing.
 *
 * @param question - What of `exportCase.mjs` a round consists of.
 */
export function exportRounds({ kind, series, rounds, question = 'export' }) {
  const starts = [
    () => startChild('sink.mjs', { heap: HEAP }),
    () => startChild('exportCase.mjs', { heap: HEAP, minutes: MINUTES }),
    () => startChild('exportCase.mjs', { heap: HEAP, minutes: MINUTES }),
  ];
  return withChildren(starts, async (sink, ours, jsSdk) => {
    const url = await sink.ask('listen');
    const sides = [
      { name: 'ours', child: ours },
      { name: 'JS SDK', child: jsSdk },
    ];
    const found = { ours: [], 'JS SDK': [] };
    const take = async ({ name, child }, question, ...args) => {
      if (found[name].failed) {
        return undefined;
      }
      try {
        return await child.ask(question, ...args);
      } catch (error) {
        if (name === 'ours' || !(error instanceof ChildEnded)) {
          throw error;
        }
        found[name] = { failed: error.message };
        return undefined;
      }
    };
    for (const side of sides) {
      await take(side, 'start', { side: side.name, kind, series, url });
    }
    const warm = warmUp(series);
    for (let round = -warm; round < rounds; round++) {
      for (let i = 0; i < sides.length; i++) {
        const side = sides[(i + round + warm) % sides.length];
        const measured = await take(side, question);
        const received = await sink.ask('take');
        if (measured) {
          assertReceived(side.name, received, measured.recorded, kind);
        }
        if (measured && round >= 0) {
          found[side.name].push({ ...measured, bytes: received.bytes });
        }
      }
    }
    return found;
  });
}

/** Every series must have arrived once, with all that was recorded in it. */
export function assertReceived(side, { totals }, recorded, kind) {
  const { points, count, sum } = workTotals(totals);
  assert.equal(points, recorded.points, `${side}: data points`);
  assert.equal(sum, recorded.sum, `${side}: sum`);
  if (kind === 'histogram') {
    assert.equal(count, recorded.count, `${side}: count`);
  }
}
