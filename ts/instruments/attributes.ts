/**
 * The slow, careful reading of attributes: runs when a set is seen for the first time or is odd.
 * Nothing a caller passes may throw from here.
 */
import { toJson } from '../json';

export type Primitive = string | number | boolean;

/** An array among the values. It equals nothing that a caller passes: arrays are read carefully. */
export class ArrayValue {
  /** As JSON: equal arrays have equal texts. */
  readonly text: string;

  constructor(readonly items: unknown[]) {
    this.text = toJson(items);
  }
}

/** The valid attributes of a set in one order: `[key, value, key, value, …]`. */
export type Path = (Primitive | ArrayValue)[];

export interface Reading {
  path: Path;
  /** The first key or value that is not an attribute, for the report. */
  invalid?: string;
}

/** Reads own enumerable attributes in the order given. Leaves out `null` and `undefined`. */
export function readAttributes(
  attributes: object,
  keeps: (key: string) => boolean,
): Reading {
  if (typeof attributes !== 'object') {
    return { path: [], invalid: `attributes of type ${typeof attributes}` };
  }
  let invalid: string | undefined;
  let keys: string[];
  try {
    keys = Object.keys(attributes);
  } catch {
    return { path: [], invalid: 'attributes that cannot be listed' };
  }
  // Of the right length, because it may be kept.
  const path = new Array<Path[number]>(2 * keys.length);
  let length = 0;
  for (const key of keys) {
    let value: unknown;
    try {
      value = (attributes as Record<string, unknown>)[key];
    } catch {
      invalid ??= `attribute ${shown(key)}, whose getter throws`;
      continue;
    }
    if (value === null || value === undefined || !keeps(key)) {
      continue;
    }
    const valid = key === '' ? undefined : readValue(value);
    if (valid !== undefined) {
      path[length++] = key;
      path[length++] = valid;
    } else {
      invalid ??= `attribute ${shown(key)} of type ${describe(value)}`;
    }
  }
  path.length = length;
  return { path, invalid };
}

function readValue(value: unknown): Primitive | ArrayValue | undefined {
  if (isPrimitive(value)) {
    return value;
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
    return uniform ? new ArrayValue(items.map(encodeValue)) : undefined;
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

/** A key for a message: keys come from anywhere, and log lines are short. */
function shown(key: string): string {
  return JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key);
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'object or mixed array' : typeof value;
}

/** Attributes up to which a set is sorted by insertion. */
const FEW = 16;

/**
 * A set as the engine reads it: the JSON list `[key, value, key, value, …]`, sorted by key, with the
 * last value of a repeated key (keys may become equal when lone surrogates are replaced).
 */
export function canonicalText(path: Path): string {
  if (path.length <= 2 * FEW && path.every(isPlain)) {
    const text = toJson(sortedByKey(path));
    // Lone surrogates are written like this, and little else: what has them takes the other way.
    if (!text.includes('\\ud')) {
      return text;
    }
  }
  const entries = new Map<string, unknown>();
  for (let at = 0; at < path.length; at += 2) {
    const value = path[at + 1];
    entries.set(
      (path[at] as string).toWellFormed(),
      value instanceof ArrayValue ? value.items : encodeValue(value),
    );
  }
  return toJson([...entries].sort(([a], [b]) => (a < b ? -1 : 1)).flat(1));
}

/** Whether JSON has the value, lone surrogates apart. */
function isPlain(value: Primitive | ArrayValue): boolean {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object';
}

function sortedByKey(path: Path): Path {
  const sorted: Path = [];
  for (let from = 0; from < path.length; from += 2) {
    let at = from;
    for (; at > 0 && sorted[at - 2] > path[from]; at -= 2) {
      sorted[at] = sorted[at - 2];
      sorted[at + 1] = sorted[at - 1];
    }
    sorted[at] = path[from];
    sorted[at + 1] = path[from + 1];
  }
  return sorted;
}

/** Attributes whose order fits a small integer, and bits of each one's place. */
const ORDERED = 8;
const PLACE_BITS = 3;

/**
 * A path beside the text of its set: its order alone, as one number, where the text tells the rest
 * (an array for three attributes is 96 bytes).
 */
export type KeptPath = Path | number;

export function keepPath(path: Path, text: string): KeptPath {
  if (
    path.length > 2 * ORDERED ||
    !path.every(isPlain) ||
    // It may stand for a lone surrogate.
    text.includes('\ufffd')
  ) {
    return path;
  }
  let order = 0;
  for (let at = 0; at < path.length; at += 2) {
    let place = 0;
    for (let other = 0; other < path.length; other += 2) {
      place += path[other] < path[at] ? 1 : 0;
    }
    order |= place << ((at / 2) * PLACE_BITS);
  }
  return order;
}

/** The path that was kept. */
export function keptPath(kept: KeptPath, text: string): Path {
  if (typeof kept !== 'number') {
    return kept;
  }
  const sorted = JSON.parse(text) as Path;
  return sorted.map((_, at) => {
    const place = (kept >> ((at >> 1) * PLACE_BITS)) % (1 << PLACE_BITS);
    return sorted[2 * place + (at % 2)];
  });
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
