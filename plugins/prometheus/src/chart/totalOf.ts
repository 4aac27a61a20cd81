import {
  type RangeSeries,
  samplesOf,
} from '@nativestage/backstage-plugin-prometheus-common';

type Column = Pick<RangeSeries, 'values' | 'nonFinite'>;

/** The sum of what is shown at each time; a gap where none of it has a value. */
export function totalOf(
  series: Column[],
  isShown: (index: number) => boolean,
): (number | null)[] {
  const shown = series.filter((_, index) => isShown(index));
  const length = series[0]?.values.length ?? 0;
  return Array.from({ length }, (_, at) => totalAt(shown, at));
}

/** The sum at one time. */
export function totalAt(shown: Column[], at: number): number | null {
  let total: number | null = null;
  for (const column of shown) {
    const value = samplesOf(column)[at] ?? null;
    total = value === null ? total : (total ?? 0) + value;
  }
  return total;
}
