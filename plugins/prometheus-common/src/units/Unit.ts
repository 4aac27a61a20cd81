/**
 * What a value counts. `ratio` is 1 for all, `percent` 100; a `timestamp` is a moment, in seconds since
 * 1970.
 */
export type BaseUnit =
  | 'count'
  | 'seconds'
  | 'timestamp'
  | 'bytes'
  | 'bits'
  | 'ratio'
  | 'percent'
  | 'celsius'
  | 'volts'
  | 'amperes'
  | 'watts'
  | 'joules'
  | 'grams'
  | 'meters';

/** A unit, or a unit per second. */
export type Unit = BaseUnit | `${BaseUnit}/s`;

/** What stands behind a value; `count`, `ratio`, and units with prefixes of their own, have none. */
export const SYMBOLS: Record<BaseUnit, string> = {
  count: '',
  seconds: 's',
  timestamp: '',
  bytes: 'B',
  bits: 'b',
  ratio: '%',
  percent: '%',
  celsius: '°C',
  volts: 'V',
  amperes: 'A',
  watts: 'W',
  joules: 'J',
  grams: 'g',
  meters: 'm',
};

export const BASE_UNITS = Object.keys(SYMBOLS) as BaseUnit[];

/** Reads a unit from a configuration file, an annotation or Prometheus' metadata. */
export function toUnit(text: string): Unit | undefined {
  const [base, ...rest] = text.trim().toLowerCase().split('/');
  if (!BASE_UNITS.includes(base as BaseUnit)) {
    return undefined;
  }
  if (rest.length === 0) {
    return base as BaseUnit;
  }
  return rest.length === 1 && rest[0] === 's' && base !== 'timestamp'
    ? `${base as BaseUnit}/s`
    : undefined;
}
