import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { formatLabels } from './labels';

/** What a spreadsheet takes for the start of a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * A table as RFC 4180 has it: a line for each timestamp in ISO 8601, a column for each series with
 * its labels as the header. Gaps are empty. A header that a spreadsheet would run as a formula gets
 * an apostrophe in front.
 */
export function toCsv({
  timestamps,
  series,
}: Pick<RangeResult, 'timestamps' | 'series'>): string {
  const header = [
    'time',
    ...series.map(({ labels }) => text(formatLabels(labels) || 'value')),
  ];
  const rows = timestamps.map((timestamp, index) => [
    new Date(timestamp * 1000).toISOString(),
    ...series.map(({ values }) => values[index] ?? ''),
  ]);
  return [header, ...rows].map(cells => `${cells.join(',')}\r\n`).join('');
}

function text(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless)
    ? `"${harmless.replaceAll('"', '""')}"`
    : harmless;
}
