import {
  formatValue,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/**
 * The steps that an axis of that unit may have: powers of two for bytes, as `512 MiB` and not
 * `477 MiB`; minutes, hours and days for moments and longer times; otherwise 1, 2, 2.5 and 5 times powers of ten,
 * which uPlot has by itself.
 */
export function valueIncrements(unit: Unit = 'count'): number[] | undefined {
  if (unit === 'bytes' || unit === 'bytes/s') {
    return [...decimals(-3, 0), ...powersOfTwo(70)];
  }
  if (unit === 'timestamp') {
    return LONG_TIMES;
  }
  return unit === 'seconds' ? [...decimals(-12, 1), ...LONG_TIMES] : undefined;
}

const LONG_TIMES = [
  ...[1, 2, 5, 10, 20, 30].map(minutes => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map(hours => hours * HOUR),
  ...decimals(0, 9).map(days => days * DAY),
];

/** 1, 2 and 5 times each power of ten from that exponent up to, without, the other; and 10 ** to. */
function decimals(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
    .flatMap(exponent =>
      // Parsed, since 5 * 10 ** -9 is not the number next to 5e-9.
      [1, 2, 5].map(factor => Number(`${factor}e${exponent}`)),
    )
    .concat(10 ** to);
}

function powersOfTwo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => 2 ** (index + 1));
}

/**
 * What stands at the axis. Where three digits do not tell neighbours apart, as with 99.97 % and
 * 99.98 %, or 1 000 001 and 1 000 002, all are written out without a prefix.
 */
export function valueLabels(splits: number[], unit: Unit = 'count'): string[] {
  const labels = splits.map(value => formatValue(value, unit));
  return new Set(labels).size === labels.length
    ? labels
    : writtenOut(splits, unit);
}

function writtenOut(splits: number[], unit: Unit): string[] {
  if (unit === 'timestamp') {
    return splits.map(value => String(value));
  }
  // "0 B/s" without the zero is what the unit adds to any number.
  const suffix = formatValue(0, unit).slice(1);
  const factor = unit.startsWith('ratio') ? 100 : 1;
  const step = Math.abs(splits[1] - splits[0]) * factor;
  const digits = Math.min(20, Math.max(0, Math.ceil(-Math.log10(step)) + 1));
  const format = new Intl.NumberFormat(undefined, {
    maximumFractionDigits: digits,
  });
  return splits.map(value => format.format(value * factor) + suffix);
}
