import { type BaseUnit, SYMBOLS, type Unit } from './Unit';

/** From which magnitude on a value is shown with that factor and symbol, largest first. */
type Scale = [from: number, factor: number, symbol: string][];

const SI: Scale = [
  [1e24, 1e24, 'Y'],
  [1e21, 1e21, 'Z'],
  [1e18, 1e18, 'E'],
  [1e15, 1e15, 'P'],
  [1e12, 1e12, 'T'],
  [1e9, 1e9, 'G'],
  [1e6, 1e6, 'M'],
  [1e3, 1e3, 'k'],
  [0, 1, ''],
];

const BINARY: Scale = [
  [2 ** 80, 2 ** 80, 'Yi'],
  [2 ** 70, 2 ** 70, 'Zi'],
  [2 ** 60, 2 ** 60, 'Ei'],
  [2 ** 50, 2 ** 50, 'Pi'],
  [2 ** 40, 2 ** 40, 'Ti'],
  [2 ** 30, 2 ** 30, 'Gi'],
  [2 ** 20, 2 ** 20, 'Mi'],
  [2 ** 10, 2 ** 10, 'Ki'],
  [0, 1, ''],
];

const DURATION: Scale = [
  [86_400, 86_400, 'd'],
  [3600, 3600, 'h'],
  [60, 60, 'min'],
  [1, 1, 's'],
  [1e-3, 1e-3, 'ms'],
  [1e-6, 1e-6, 'µs'],
  [0, 1e-9, 'ns'],
];

/** Significant digits: what fits an axis, and no more than a pixel shows. */
const DIGITS = 3;

/**
 * A value for an axis or a tooltip: three significant digits, with a prefix, as in `1.5 MiB`,
 * `12.3 %`, `250 ms`, `1.2k`, `3.4k/s`. A moment is in the viewer's zone, as `2026-01-31 09:30`. `–`
 * stands for a gap.
 */
export function formatValue(
  value: number | null | undefined,
  unit: Unit = 'count',
): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '-∞';
  }
  const perSecond = unit.endsWith('/s');
  const base = (perSecond ? unit.slice(0, -2) : unit) as BaseUnit;
  return format(value, base, perSecond) + (perSecond ? '/s' : '');
}

function format(value: number, unit: BaseUnit, perSecond: boolean): string {
  if (unit === 'ratio' || unit === 'percent') {
    return `${digits(unit === 'ratio' ? value * 100 : value)} %`;
  }
  if (unit === 'timestamp') {
    return formatMoment(value) ?? `${digits(value)} s`;
  }
  // A second per second is a share of one: minutes and days would only hide that.
  if (unit === 'seconds' && !perSecond && value !== 0) {
    return withSymbol(value, DURATION, '');
  }
  return withSymbol(value, unit === 'bytes' ? BINARY : SI, SYMBOLS[unit]);
}

function withSymbol(value: number, scale: Scale, symbol: string): string {
  const [, factor, prefix] = step(value, scale);
  const suffix = prefix + symbol;
  // A bare prefix stands close to its number, as people write 1.2k.
  const space = suffix === '' || (symbol === '' && scale === SI) ? '' : ' ';
  return digits(value / factor) + space + suffix;
}

/** Of the value as it will be shown: 999.9 has three digits only as 1k. */
function step(value: number, scale: Scale): Scale[number] {
  const isReached = ([from, factor]: Scale[number]) =>
    rounded(Math.abs(value) / factor) >= from / factor;
  return scale.find(isReached) ?? scale[scale.length - 1];
}

function digits(value: number): string {
  const shown = rounded(value);
  return Math.abs(shown) >= 1e6 || (shown !== 0 && Math.abs(shown) < 1e-3)
    ? shown.toExponential().replace('+', '')
    : String(shown);
}

/** 1023 bytes have no larger unit, and are not 1020. */
function rounded(value: number): number {
  const size = Math.abs(value);
  return size >= 1000 && size < 1e6
    ? Math.round(value)
    : Number(value.toPrecision(DIGITS));
}

/** Of a year with four digits, in the viewer's zone. */
function formatMoment(seconds: number): string | undefined {
  const date = new Date(seconds * 1000);
  const year = date.getFullYear();
  if (!(year >= 1000 && year <= 9999)) {
    return undefined;
  }
  const [month, day, hours, minutes] = [
    date.getMonth() + 1,
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
  ].map(part => String(part).padStart(2, '0'));
  return `${year}-${month}-${day} ${hours}:${minutes}`;
}
