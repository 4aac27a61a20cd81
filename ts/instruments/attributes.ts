/**
 * The slow, careful reading of attributes: runs when a set is seen for the first time or is odd.
 * Nothing a caller passes may throw from here.
 */

export type Primitive = string | number | boolean;
export type AttributeList = Primitive[];

/** One valid attribute: a primitive, or an array of one type with its canonical text. */
export interface Pair {
  key: string;
  value: Primitive | AttributeList;
  /** Set for arrays: tells apart what a Map cannot, because arrays are equal by identity only. */
  text?: string;
}

export interface Reading {
  pairs: Pair[];
  /** The first key or value that is not an attribute, for the report. */
  invalid?: string;
}

const NOTHING: Reading = { pairs: [] };

/** Reads own enumerable attributes in the order given. Leaves out `null` and `undefined`. */
export function readAttributes(
  attributes: object,
  keeps: (key: string) => boolean,
): Reading {
  if (typeof attributes !== 'object') {
    return { pairs: [], invalid: `attributes of type ${typeof attributes}` };
  }
  const pairs: Pair[] = [];
  let invalid: string | undefined;
  let keys: string[];
  try {
    keys = Object.keys(attributes);
  } catch {
    return { ...NOTHING, invalid: 'attributes that cannot be listed' };
  }
  for (const key of keys) {
    let value: unknown;
    try {
      value = (attributes as Record<string, unknown>)[key];
    } catch {
      invalid ??= `attribute ${JSON.stringify(key)}, whose getter throws`;
      continue;
    }
    if (value === null || value === undefined || !keeps(key)) {
      continue;
    }
    const pair = key === '' ? undefined : readPair(key, value);
    if (pair) {
      pairs.push(pair);
    } else {
      invalid ??= `attribute ${JSON.stringify(key)} of type ${describe(value)}`;
    }
  }
  return { pairs, invalid };
}

function readPair(key: string, value: unknown): Pair | undefined {
  if (isPrimitive(value)) {
    return { key, value };
  }
  try {
    if (!Array.isArray(value)) {
      return undefined;
    }
    // null and undefined elements are allowed by the API's type and carry nothing.
    const items = (value as unknown[]).filter(
      item => item !== null && item !== undefined,
    );
    const type = typeof items[0];
    const uniform = items.every(
      (item): item is Primitive => isPrimitive(item) && typeof item === type,
    );
    if (!uniform) {
      return undefined;
    }
    const list: AttributeList = items;
    return { key, value: list, text: JSON.stringify(list.map(encodeValue)) };
  } catch {
    return undefined;
  }
}

function isPrimitive(value: unknown): value is Primitive {
  return (
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  );
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'object or mixed array' : typeof value;
}

/**
 * A set as the engine reads it: the JSON list `[key, value, key, value, …]`, sorted by key, with the
 * last value of a repeated key (keys may become equal when lone surrogates are replaced).
 */
export function canonicalText(pairs: Pair[]): string {
  let entries = pairs.map(({ key, value }): [string, unknown] => [
    key.toWellFormed(),
    Array.isArray(value) ? value.map(encodeValue) : encodeValue(value),
  ]);
  const ascending = entries.every(
    ([key], index) => index === 0 || entries[index - 1][0] < key,
  );
  if (!ascending) {
    entries = [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1));
  }
  return JSON.stringify(entries.flat(1));
}

/** JSON has no NaN and no infinities, and Rust's strings no lone surrogates. */
function encodeValue(value: Primitive): unknown {
  if (typeof value === 'string') {
    return value.toWellFormed();
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { double: String(value) };
  }
  return value;
}
