type Values = (number | null)[];

/** One series of a stack: it reaches from `bases` to `tops`. */
export interface Layer {
  bases: number[];
  tops: Values;
}

/**
 * Puts series on top of one another in their order, negative values downwards from zero. A gap stays
 * a gap in its own series, and counts as nothing for those above it. What is hidden takes no room.
 */
export function stack(
  series: Values[],
  isShown: (index: number) => boolean,
): Layer[] {
  const length = series[0]?.length ?? 0;
  const above = new Array<number>(length).fill(0);
  const below = new Array<number>(length).fill(0);
  return series.map((values, index) => {
    const bases = new Array<number>(length).fill(0);
    if (!isShown(index)) {
      return { bases, tops: values };
    }
    const tops = values.map((value, at) => {
      const sums = (value ?? 0) < 0 ? below : above;
      bases[at] = sums[at];
      if (value === null) {
        return null;
      }
      sums[at] += value;
      return sums[at];
    });
    return { bases, tops };
  });
}
