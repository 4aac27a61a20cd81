// What one `add` or `record` costs beside the OpenTelemetry JS SDK and prom-client.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median, ratio } from './measure.mjs';

const SCRIPT = fileURLToPath(new URL('recordCase.mjs', import.meta.url));

/** How many times cheaper than the JS SDK and than prom-client; without labels: as cheap. */
const targets = ({ site, attributes }) => ({
  'JS SDK': site === 'mono' ? 20 : 15,
  'prom-client': attributes === 0 ? 1 : 6,
});

const cases = ['mono', 'mega'].flatMap(site =>
  ['counter', 'histogram'].flatMap(kind =>
    [0, 2, 5].map(attributes => ({ site, kind, attributes })),
  ),
);

/** Runs every case; returns the rows of the table and what missed its target. */
export async function benchRecord(filter = '') {
  const rows = [];
  const missed = [];
  for (const options of cases) {
    const { site, kind, attributes } = options;
    const title = `${site} ${kind}, ${attributes} attributes`;
    if (!title.includes(filter)) {
      continue;
    }
    const { times, series } = await runCase(options);
    const row = { case: title, series };
    const loop = times['loop alone'];
    for (const [side, rounds] of Object.entries(times)) {
      row[`${side} ns`] = median(rounds).toFixed(1);
    }
    // Of the few nanoseconds of a record without attributes the loop around it would be half.
    const cost = side => times[side].map((time, round) => time - loop[round]);
    for (const [rival, target] of Object.entries(targets(options))) {
      const found = ratio(cost(rival), cost('ours'));
      row[`× ${rival}`] = `${found.toFixed(1)} (≥ ${target})`;
      if (found < target) {
        missed.push(
          `${title}: ${found.toFixed(2)} × ${rival}, target ${target}`,
        );
      }
    }
    rows.push(row);
  }
  return {
    rows,
    missed,
    summary:
      'nanoseconds are of this run, with the loop around them; × is the median of the ratios of its rounds, without the loop and with the making of the attribute objects',
  };
}

async function runCase(options) {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    SCRIPT,
    JSON.stringify(options),
  ]);
  return JSON.parse(stdout);
}
