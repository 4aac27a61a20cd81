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
 * Returns by side what each of the `exports` measured, and each of the `gaps`; of the JS SDK, when it
 * could not, why.
 */
export function exportRounds({
  kind,
  series,
  exports,
  gaps = 0,
  isCold = false,
}) {
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
    const found = Object.fromEntries(
      sides.map(({ name }) => [name, { exports: [], gaps: [] }]),
    );
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
      const options = { side: side.name, kind, series, isCold, url };
      await take(side, 'start', options);
    }
    const warm = warmUp(series);
    for (let round = 0; round < warm + exports + gaps; round++) {
      const what = round < warm + exports ? 'exports' : 'gaps';
      for (let i = 0; i < sides.length; i++) {
        const side = sides[(i + round) % sides.length];
        const measured = await take(side, QUESTIONS[what]);
        const received = await sink.ask('take');
        if (measured) {
          assertReceived(side.name, received, measured.recorded, kind);
        }
        if (measured && round >= warm) {
          found[side.name][what].push({ ...measured, bytes: received.bytes });
        }
      }
    }
    return found;
  });
}

/** Of `exportCase.mjs`. */
const QUESTIONS = { exports: 'export', gaps: 'longestGap' };

/** Every series must have arrived once, with all that was recorded in it. */
export function assertReceived(side, { totals }, recorded, kind) {
  const { points, count, sum } = workTotals(totals);
  assert.equal(points, recorded.points, `${side}: data points`);
  assert.equal(sum, recorded.sum, `${side}: sum`);
  if (kind === 'histogram') {
    assert.equal(count, recorded.count, `${side}: count`);
  }
}
