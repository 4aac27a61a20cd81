// Samples of the last three hours that are easily shown wrongly.

const STEP = 15;
const HOURS = 3;

/** A value by how many seconds ago it was; `undefined` where there is no sample. */
type ValueAt = (ago: number) => number | undefined;

/** More than are drawn, each of its number. */
const MANY = Object.fromEntries(
  Array.from({ length: 600 }, (_, n): [string, ValueAt] => [
    `shop_many{n="${n}"}`,
    ago => (ago <= 600 ? n : undefined),
  ]),
);

const SERIES: Record<string, ValueAt> = {
  ...MANY,
  'shop_odd{kind="infinite"}': ago => (ago % 600 < 300 ? Infinity : 3),
  'shop_odd{kind="undefined"}': ago => (ago < 1800 ? NaN : 4),
  'shop_queue_length{queue="web"}': () => 7,
  shop_queries_total: ago => 3e6 - 40 * ago,
  shop_requests_total: ago => 3e6 - 20 * ago,
  shop_keys: () => 3.5e15,
  process_start_time_seconds: () => Date.UTC(2026, 0, 31, 9, 5) / 1000,
};

/** Samples that end now, as OpenMetrics text. */
export function difficultSamples(now: number): string {
  const end = Math.floor(now / STEP) * STEP;
  const lines = Object.entries(SERIES).flatMap(([series, valueAt]) =>
    Array.from({ length: (HOURS * 3600) / STEP + 1 }, (_, index) => {
      const ago = HOURS * 3600 - index * STEP;
      const value = valueAt(ago);
      return value === undefined
        ? ''
        : `${series} ${toText(value)} ${end - ago}\n`;
    }),
  );
  return `${lines.join('')}# EOF\n`;
}

function toText(value: number): string {
  return Math.abs(value) === Infinity
    ? `${value > 0 ? '+' : '-'}Inf`
    : String(value);
}
