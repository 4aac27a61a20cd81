import {
  type RangeResult,
  samplesOf,
} from '@nativestage/backstage-plugin-prometheus-common';
import { formatLabels } from './labels';

/**
 * A table as RFC 4180 has it: a line for each timestamp in ISO 8601, a column for each series with
 * its labels as the header. Gaps are empty. No cell is a formula to a spreadsheet: what is written of
 * labels begins with a plain name or a brace, and the rest are numbers and times.
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
    ...series.map(each => number(samplesOf(each)[index] ?? null)),
  ]);
  return [header, ...rows].map(cells => `${cells.join(',')}\r\n`).join('');
}

/** `+Inf`, as Prometheus has it, would be a formula to a spreadsheet. */
function number(value: number | null): string | number {
  if (value === null) {
    return '';
  }
  return Number.isFinite(value) ? value : String(value);
}

function text(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
