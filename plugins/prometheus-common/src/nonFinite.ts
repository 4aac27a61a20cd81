// JSON has no infinities and no NaN, so they stand beside the values.

/** As Prometheus writes them. */
export type NonFiniteValue = '+Inf' | '-Inf' | 'NaN';

/** Where a column has a value that is no finite number; its `values` have `null` there. */
export type NonFinite = Partial<Record<NonFiniteValue, number[]>>;

const NUMBERS: Record<NonFiniteValue, number> = {
  '+Inf': Infinity,
  '-Inf': -Infinity,
  NaN: NaN,
};

/** Reads a sample's value; what is no number at all is NaN. */
export function parseSample(text: string): number {
  if (text === '+Inf' || text === 'Inf') {
    return Infinity;
  }
  return text === '-Inf' ? -Infinity : Number(text);
}

/** What a value is called that is not finite. */
export function nonFiniteName(value: number): NonFiniteValue | undefined {
  if (Number.isFinite(value)) {
    return undefined;
  }
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** Adds a place; `found` may be `undefined` as yet. */
export function addNonFinite(
  found: NonFinite | undefined,
  value: number,
  at: number,
): NonFinite | undefined {
  const name = nonFiniteName(value);
  if (name === undefined) {
    return found;
  }
  const all = found ?? {};
  (all[name] ??= []).push(at);
  return all;
}

interface Column {
  values: (number | null)[];
  nonFinite?: NonFinite;
}

const complete = new WeakMap<Column, (number | null)[]>();

/** The values of a column with its infinities and NaN in their places; nobody may change them. */
export function samplesOf(column: Column): (number | null)[] {
  const { values, nonFinite } = column;
  if (!nonFinite) {
    return values;
  }
  const known = complete.get(column);
  if (known) {
    return known;
  }
  const samples = [...values];
  for (const [name, places] of Object.entries(nonFinite)) {
    for (const at of places) {
      samples[at] = NUMBERS[name as NonFiniteValue];
    }
  }
  complete.set(column, samples);
  return samples;
}

/** The number that a name of {@link NonFiniteValue} stands for. */
export function nonFiniteNumber(name: NonFiniteValue): number {
  return NUMBERS[name];
}
