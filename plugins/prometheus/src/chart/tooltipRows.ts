import {
  type RangeSeries,
  samplesOf,
} from '@nativestage/backstage-plugin-prometheus-common';

/** A series at the crosshair. */
export interface TooltipRow {
  /** Where the series is in the data. */
  index: number;
  value: number;
}

export interface TooltipRows {
  rows: TooltipRow[];
  /** How many series have a value here and are not among the rows. */
  more: number;
}

/** As many as are taken in at a glance. */
export const MAX_ROWS = 10;

/**
 * The series that have a value at that place, largest first. Of many, those that come before and
 * after the focused one.
 *
 * @param maxRows `Infinity` for all of them
 */
export function tooltipRows(
  series: Pick<RangeSeries, 'values' | 'nonFinite'>[],
  at: number,
  isShown: (index: number) => boolean,
  focused?: number,
  maxRows = MAX_ROWS,
): TooltipRows {
  const all: TooltipRow[] = [];
  series.forEach((each, index) => {
    const value = samplesOf(each)[at] ?? null;
    if (value !== null && isShown(index)) {
      all.push({ index, value });
    }
  });
  all.sort((a, b) => compare(b.value, a.value) || a.index - b.index);
  const place = Math.max(
    0,
    all.findIndex(({ index }) => index === focused),
  );
  const from = Math.max(0, Math.min(place - maxRows / 2, all.length - maxRows));
  const rows = all.slice(from, from + maxRows);
  return { rows, more: all.length - rows.length };
}

/** Ascending, with NaN before all others. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  }
  return a === b ? 0 : a - b;
}
