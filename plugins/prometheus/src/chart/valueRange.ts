import uPlot from 'uplot';

export interface ValueRangeOptions {
  /** Whether zero has to be in sight: areas grow from there. */
  fromZero?: boolean;
  /** Values to take in, if that does not squeeze the series. */
  near?: number[];
  /** Values to take in, whatever that does to the series. */
  within?: number[];
}

/** How far outside the series a threshold may be, as a share of what they span. */
const REACH = 1;

/** The share of the span that is left free above and below. */
const PADDING = 0.1;

/**
 * From where to where the value axis goes. Without values, and for zero alone, it is 0 to 1; a
 * constant is drawn in the middle. An axis that comes near zero begins there.
 */
export function valueRange(
  min: number | null,
  max: number | null,
  { fromZero = false, near = [], within = [] }: ValueRangeOptions = {},
): [min: number, max: number] {
  if (min === null || max === null) {
    return [0, 1];
  }
  const seen = [min, max, ...within, ...(fromZero ? [0] : [])];
  const low = Math.min(...seen);
  const high = Math.max(...seen);
  if (low === 0 && high === 0) {
    return [0, 1];
  }
  const reach = REACH * (high - low || Math.abs(high));
  const all = [
    low,
    high,
    ...near.filter(value => value >= low - reach && value <= high + reach),
  ];
  const lowest = Math.min(...all);
  const highest = Math.max(...all);
  const [from, to] = uPlot.rangeNum(lowest, highest, PADDING, true);
  // uPlot rounds to 24 decimals: what is smaller would be outside.
  return [Math.min(from ?? lowest, lowest), Math.max(to ?? highest, highest)];
}
