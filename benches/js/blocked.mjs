// How long one export blocks the event loop, beside the OpenTelemetry JS SDK.
import { exportRounds } from './exportRounds.mjs';
import { median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';

/** Series, and the exports and gaps of which the medians are taken. */
const SIZES = [
  { series: 1_000, exports: 15, gaps: 3 },
  { series: 10_000, exports: 15, gaps: 3 },
  { series: 100_000, exports: 9, gaps: 3 },
  { series: 1_000_000, exports: 3, gaps: 1 },
];

/** How much less than the JS SDK an export must block, and at how many series. */
const TARGET = 100;
const AT = 100_000;

/**
 * How much faster than a copy of the cells the time may grow with their number. A hand-over writes a
 * slot and a value, 16 bytes, for the 8 that a copy writes, and so leaves each cache earlier.
 */
const GROWTH = 1.5;

/** @param most - Leaves out the sizes above. */
export async function benchBlocked(most = Infinity) {
  const rows = [];
  const targets = [];
  const medians = [];
  for (const size of SIZES.filter(({ series }) => series <= most)) {
    const { series } = size;
    const { ours, 'JS SDK': jsSdk } = await exportRounds({
      kind: 'counter',
      ...size,
    });
    const of = (side, what) => side.exports.map(round => round[what]);
    const times = {
      series,
      blocked: median(of(ours, 'blocked')),
      copy: median(of(ours, 'copy')),
    };
    medians.push(times);
    const against = side => ratio(of(side, 'blocked'), of(ours, 'blocked'));
    const blocked = side =>
      side.failed ?? median(of(side, 'blocked')).toFixed(2);
    const longest = side =>
      side.failed ?? median(side.gaps.map(({ gap }) => gap)).toFixed(2);
    rows.push({
      series,
      'ours ms': blocked(ours),
      'JS SDK ms': blocked(jsSdk),
      '× JS SDK': jsSdk.failed ? '' : against(jsSdk).toFixed(0),
      'copy of the cells ms': times.copy.toFixed(3),
      'ours longest ms': longest(ours),
      'JS SDK longest ms': longest(jsSdk),
    });
    if (series === AT) {
      targets.push({
        what: `the event loop blocked by an export of ${series} series, times less than by the JS SDK`,
        found: jsSdk.failed ? NaN : against(jsSdk),
        atLeast: TARGET,
        unit: ' ×',
      });
    }
  }
  for (const [i, to] of medians.entries()) {
    const from = medians[i - 1];
    if (from?.series >= 10_000) {
      targets.push({
        what: `growth of that time from ${from.series} to ${to.series} series beside the growth of a copy`,
        found: to.blocked / from.blocked / (to.copy / from.copy),
        atMost: GROWTH,
        unit: ' ×',
      });
    }
  }
  return {
    title: 'Event loop blocked by one export',
    meaning:
      'All the time in which a program can do nothing else while everything recorded is exported over OTLP, ' +
      'with every series touched since the last export, and the longest such stretch (beyond 1 ms).',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchBlocked);
