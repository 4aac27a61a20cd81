import type { Unit } from '@nativestage/backstage-plugin-prometheus-common';

/** Lines across the plot; more are a grid that nobody reads. */
const MOST = 7;

const STRIDES = [1, 2, 5, 10, 20, 50, 100];

/** What a logarithmic axis of that unit counts in powers of: bytes have prefixes of 1024. */
export function logBase(unit?: Unit): 2 | 10 {
  return unit === 'bytes' || unit === 'bytes/s' ? 2 : 10;
}

/** From where to where the axis goes: whole powers. What is not above zero is not on it. */
export function logRange(
  min: number | null,
  max: number | null,
  base: 2 | 10,
): [min: number, max: number] {
  if (min === null || max === null || !(min > 0)) {
    return [1, base === 2 ? 1024 : 10];
  }
  const from = base ** Math.floor(exponentOf(min, base));
  const to = base ** Math.ceil(exponentOf(max, base));
  return [from, to > from ? to : from * base];
}

/** Where its lines are: all at powers, the same number of them apart. */
export function logSplits(min: number, max: number, base: 2 | 10): number[] {
  const from = Math.ceil(exponentOf(min, base) - 1e-9);
  const to = Math.floor(exponentOf(max, base) + 1e-9);
  const stride = STRIDES.find(each => (to - from) / each <= MOST) ?? to - from;
  const first = Math.ceil(from / stride) * stride;
  const splits: number[] = [];
  for (let exponent = first; exponent <= to; exponent += stride) {
    splits.push(Number((base ** exponent).toPrecision(15)));
  }
  return splits;
}

function exponentOf(value: number, base: 2 | 10): number {
  return base === 2 ? Math.log2(value) : Math.log10(value);
}
