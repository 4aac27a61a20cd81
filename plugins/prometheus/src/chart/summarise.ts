/** What a series comes to. All are missing where it has nothing but gaps. */
export interface Summary {
  /** The newest value that is not a gap. */
  last?: number;
  min?: number;
  max?: number;
  mean?: number;
}

export function summarise(values: (number | null)[]): Summary {
  let last: number | undefined;
  let min = Infinity;
  let max = -Infinity;
  let mean = 0;
  let count = 0;
  for (const value of values) {
    if (value !== null) {
      last = value;
      min = Math.min(min, value);
      max = Math.max(max, value);
      count++;
      // A running mean: the sum of values near 1e308 would be infinite.
      mean += value / count - mean / count;
    }
  }
  return last === undefined ? {} : { last, min, max, mean };
}
