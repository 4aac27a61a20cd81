// Many series, each recorded once in turn: the same for every side.

const INSTRUMENTS = 10;
const PREFIX = 'bench_instrument_';

/** 14 boundaries: 15 buckets. */
const BOUNDARIES = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

const ROUTES = Array.from({ length: 10 }, (_, i) => `/entities/:kind/${i}`);
const STATUSES = [200, 201, 204, 304, 400, 401, 404, 409, 500, 503];

/** The limit of one instrument: the JS SDK keeps one place of it for the overflow series. */
export const cardinalityLimit = series => series / INSTRUMENTS + 1;

/**
 * @param kind - `counter` or `histogram`.
 * @param series - In thousands: ten instruments with ten routes and ten statuses each, and as many
 *   tenants as it takes.
 */
export function seriesWork({ meter, kind, series }) {
  const instruments = Array.from({ length: INSTRUMENTS }, (_, i) =>
    kind === 'counter'
      ? meter.createCounter(PREFIX + i)
      : meter.createHistogram(PREFIX + i, {
          advice: { explicitBucketBoundaries: BOUNDARIES },
        }),
  );
  const method = kind === 'counter' ? 'add' : 'record';
  const tenants = Array.from(
    { length: series / 1000 },
    (_, i) => `tenant-${i}`,
  );
  const recorded = { points: 0, count: 0, sum: 0 };
  let next = 0;
  return {
    recorded,
    /** Records in the next `amount` series, beginning anew after the last. */
    record(amount) {
      for (let i = 0; i < amount; i++) {
        const at = Math.floor(next / INSTRUMENTS);
        // Sums of powers of two are exact in any order.
        const value = (1 + (next % 7)) / 8;
        const attributes = {
          tenant: tenants[Math.floor(at / 100)],
          route: ROUTES[at % 10],
          status: STATUSES[Math.floor(at / 10) % 10],
        };
        instruments[next % INSTRUMENTS][method](value, attributes);
        recorded.sum += value;
        next = next + 1 === series ? 0 : next + 1;
      }
      recorded.count += amount;
      recorded.points = Math.min(recorded.count, series);
    },
  };
}

/** What the sink found of the work's metrics, of all instruments together. */
export function workTotals(totals) {
  const all = { points: 0, count: 0, sum: 0 };
  for (const [name, { points, count, sum }] of Object.entries(totals)) {
    if (name.startsWith(PREFIX)) {
      all.points += points;
      all.count += count;
      all.sum += sum;
    }
  }
  return all;
}
