/** What a series comes to. All are missing where it has nothing but gaps. */
export interface Summary {
  /** The newest value that is not a gap; it may be NaN. */
  last?: number;
  /** The others are of all values but NaN. */
  min?: number;
  max?: number;
  mean?: number;
}

/** @param values - with infinities and NaN in their places */
export function summarise(values: (number | null)[]): Summary {
  let last: number | undefined;
  let min = Infinity;
  let max = -Infinity;
  let mean = 0;
  let count = 0;
  for (const value of values) {
    last = value ?? last;
    if (value !== null && !Number.isNaN(value)) {
      min = Math.min(min, value);
      max = Math.max(max, value);
      count++;
      // A running mean: the sum of values near 1e308 would be infinite.
      mean += value / count - mean / count;
    }
  }
  if (last === undefined || count === 0) {
    return last === undefined ? {} : { last };
  }
  return { last, min, max, mean: Number.isFinite(mean) ? mean : min + max };
}
