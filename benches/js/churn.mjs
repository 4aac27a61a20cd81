// Memory while series come and go for hours.
import { runChild } from './child.mjs';
import { runAlone } from './section.mjs';
import { median } from './measure.mjs';
import { MEGABYTE, YOUNG } from './resident.mjs';

const MINUTES = 500;
const SERIES = 2000;
const EARLY = [50, 100];
const LATE = [450, 500];
/** Growth that counts as none: the larger of the two. */
const SHARE = 0.05;
const LEAST = 5;

/** Megabytes in the middle of a span of minutes. */
const during = (samples, [from, to], key) =>
  median(samples.slice(from, to).map(sample => sample[key])) / MEGABYTE;

export async function benchChurn() {
  const rows = [];
  const targets = [];
  for (const [name, side] of [
    ['ours', 'ours'],
    ['openTelemetry', 'JS SDK'],
  ]) {
    const options = { name, minutes: MINUTES, series: SERIES };
    const samples = await runChild('churnCase.mjs', options, { flags: YOUNG });
    const row = { side };
    for (const [key, what] of [
      ['rss', 'resident'],
      ['heapUsed', 'V8 objects'],
    ]) {
      const early = during(samples, EARLY, key);
      const late = during(samples, LATE, key);
      row[`${what} MB, minutes ${EARLY.join('–')}`] = early.toFixed(1);
      row[`${what} MB, minutes ${LATE.join('–')}`] = late.toFixed(1);
      if (name === 'ours') {
        targets.push({
          what: `${what} memory grown in ${LATE[0] - EARLY[0]} minutes of churn`,
          found: late - early,
          atMost: Math.max(LEAST, SHARE * early),
          unit: 'MB',
        });
      }
    }
    rows.push(row);
  }
  return {
    meaning:
      `${SERIES} new series a minute under delta temporality for ${MINUTES} simulated minutes, ${(MINUTES * SERIES) / 1e6} million in all, each exported once: ` +
      'what the process holds early and late.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchChurn);
