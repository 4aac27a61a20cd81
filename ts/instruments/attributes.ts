/**
 * The slow, careful reading of attributes: runs when a set is seen for the first time or is odd.
 * Nothing a caller passes may throw from here.
 */
import type { AttributeValue, Attributes } from '@opentelemetry/api';
import { toJson } from '../common/json';
import { shortened } from '../common/text';

export type Primitive = string | number | boolean;

/** An array among the values. It equals nothing that a caller passes: arrays are read carefully. */
export class ArrayValue {
  constructor(
    /** As JSON: equal arrays have equal texts, and it holds on to nothing that a caller passed. */
    readonly text: string,
  ) {}

  static of(items: Primitive[]): ArrayValue {
    return new ArrayValue(toJson(items.map(encodeValue)));
  }
}

/** The valid attributes of a set in one order: `[key, value, key, value, …]`. */
export type Path = (Primitive | ArrayValue)[];

/** The set of what exceeds a cardinality limit (Metrics SDK specification, "Overflow attribute"). */
export const OVERFLOW: Path = ['otel.metric.overflow', true];

/** What bounds the texts of attributes, in characters. */
export interface SizeLimits {
  /** Of a value, or of each text in an array. */
  value: number;
  /** Of a set. */
  set: number;
  /** Of all sets of an instrument. */
  instrument: number;
}

/** Characters that a set may ever have: as JSON, where each may need six, it must be a string. */
const LARGEST_SET = 2 ** 26;

export const UNLIMITED: SizeLimits = {
  value: Infinity,
  set: LARGEST_SET,
  instrument: Infinity,
};

/** Characters that the sets of an instrument may have in all, whatever the other limits are. */
const ROOM = 2 ** 22;

/** Characters that a set has beside one value of the longest. */
const BESIDE = 256;

/** The limits that follow from how many sets there may be, and how long a value. */
export function sizeLimits(sets: number, value: number): SizeLimits {
  const instrument = Math.max(ROOM, sets * (value + BESIDE));
  return { value, set: Math.min(instrument, LARGEST_SET), instrument };
}

/** Characters of a set. */
export function sizeOf(path: Path): number {
  let size = 0;
  for (const part of path) {
    if (typeof part === 'string') {
      size += part.length;
    } else if (part instanceof ArrayValue) {
      size += part.text.length;
    }
  }
  return size;
}

/** Characters of a key: Mimir takes as many. Without the end, another key could be equal to it. */
export const LONGEST_KEY = 1024;

/** What an attribute counts in a set's size beside its texts. */
const SMALL = 8;

export interface Reading {
  path: Path;
  /** There are no attributes to speak of: these are no object, or one that cannot be listed. */
  isNoSet?: true;
  /** The set is larger than it may be, and was not read to its end. */
  isTooLarge?: true;
  /** The first key or value that is not an attribute, for the report. */
  invalid?: string;
  /** The first attribute of which a part was left out, for the report. */
  cut?: string;
}

/** Reads own enumerable attributes in the order given. Leaves out `null` and `undefined`. */
export function readAttributes(
  attributes: object,
  keeps: (key: string) => boolean,
  limits = UNLIMITED,
): Reading {
  if (typeof attributes !== 'object') {
    const invalid = `attributes of type ${typeof attributes}`;
    return { path: [], isNoSet: true, invalid };
  }
  let keys: string[];
  try {
    keys = Object.keys(attributes);
  } catch {
    const invalid = 'attributes that cannot be listed';
    return { path: [], isNoSet: true, invalid };
  }
  // Of the right length, because it may be kept.
  const reading: Reading = { path: new Array<Path[number]>(2 * keys.length) };
  const { path } = reading;
  let length = 0;
  let size = 0;
  for (const key of keys) {
    let value: unknown;
    try {
      value = (attributes as Record<string, unknown>)[key];
    } catch {
      reading.invalid ??= `attribute ${shown(key)}, whose getter throws`;
      continue;
    }
    if (value === null || value === undefined) {
      continue;
    }
    if (key.length > LONGEST_KEY) {
      reading.invalid ??= `attribute ${shown(key)}, whose key has ${key.length} characters`;
      continue;
    }
    if (!keeps(key)) {
      continue;
    }
    let valid: Primitive | ArrayValue | undefined;
    size += key.length + SMALL;
    if (typeof value === 'string') {
      valid = cut(value, limits.value);
      size += valid.length;
      if (valid !== value) {
        reading.cut ??= `attribute ${shown(key)}`;
      }
    } else if (isPrimitive(value)) {
      valid = value;
    } else {
      const array = readArray(value, limits);
      valid = array?.value;
      size += array?.size ?? 0;
      if (array?.isCut) {
        reading.cut ??= `a text in attribute ${shown(key)}`;
      }
    }
    if (size > limits.set) {
      return { ...reading, path: [], isTooLarge: true };
    }
    if (valid !== undefined && key !== '') {
      path[length++] = key;
      path[length++] = valid;
    } else {
      reading.invalid ??= `attribute ${shown(key)} of type ${describe(value)}`;
    }
  }
  path.length = length;
  return reading;
}

interface ReadArray {
  /** Not made where the array is larger than a set may be: as JSON it may be too long for a string. */
  value?: ArrayValue;
  size: number;
  isCut: boolean;
}

/**
 * What stands for null and undefined in arrays, which the API's type allows and OTLP's arrays of one type
 * do not have: the places of the others may be those of another array (common specification, "AnyValue").
 */
const EMPTY = { string: '', number: 0, boolean: false };

/** An array as an attribute, where it is one. */
function readArray(value: unknown, limits: SizeLimits): ReadArray | undefined {
  try {
    if (!Array.isArray(value)) {
      return undefined;
    }
    if (value.length > limits.set) {
      return { size: value.length, isCut: false };
    }
    // Each is read once, holes too.
    const given = Array.from(
      { length: value.length },
      (_, at) => (value as unknown[])[at],
    );
    const some = given.find(item => item !== null && item !== undefined);
    const type = typeof (some ?? '');
    const items = given.map(item => item ?? EMPTY[type as keyof typeof EMPTY]);
    const isUniform = (list: unknown[]): list is Primitive[] =>
      list.every(item => isPrimitive(item) && typeof item === type);
    if (!isUniform(items)) {
      return undefined;
    }
    const kept = items.map(item =>
      typeof item === 'string' ? cut(item, limits.value) : item,
    );
    const size = kept.reduce<number>(
      (sum, item) => sum + (typeof item === 'string' ? item.length : SMALL),
      kept.length,
    );
    return {
      value: size > limits.set ? undefined : ArrayValue.of(kept),
      size,
      isCut: kept.some((item, at) => !Object.is(item, items[at])),
    };
  } catch {
    // It throws where it is read.
    return undefined;
  }
}

/**
 * A text without what is beyond so many characters. Those outside the basic plane count as one and are
 * never halved (common specification, "Attribute limits").
 */
export function cut(text: string, length: number): string {
  if (text.length <= length) {
    return text;
  }
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return end === text.length ? text : text.slice(0, end);
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
  return JSON.stringify(shortened(key, 64));
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'object or mixed array' : typeof value;
}

/**
 * The same set with lone surrogates replaced, as the engine has it: keys that become equal by that are
 * one, with the last value.
 */
export function wellFormed(path: Path): Path {
  const isFine = (part: Path[number]) =>
    typeof part !== 'string' || part.isWellFormed();
  if (path.every(isFine)) {
    return path;
  }
  const entries = new Map<Path[number], Path[number]>();
  const mend = (part: Path[number]) =>
    typeof part === 'string' ? part.toWellFormed() : part;
  for (let at = 0; at < path.length; at += 2) {
    entries.set(mend(path[at]), mend(path[at + 1]));
  }
  return [...entries].flat(1);
}

/** What is, as JSON, a set as the engine reads and writes it: `[key, value, key, value, …]`. */
export type JsonSet = unknown[];

/** A set for the engine, which takes it in any order. */
export function toJsonSet(path: Path): JsonSet {
  return path.every(isPlain) ? path : path.map(encode);
}

export function writeSet(path: Path): string {
  return toJson(toJsonSet(path));
}

/** The set that the engine wrote, in its order. */
export function readSet(set: JsonSet): Path {
  return set.map(value =>
    Array.isArray(value) ? new ArrayValue(toJson(value)) : decode(value),
  );
}

/** Attributes as their author knows them. */
export function attributesOf(set: JsonSet): Attributes {
  const attributes: Attributes = Object.create(null) as Attributes;
  for (let at = 0; at < set.length; at += 2) {
    const value = set[at + 1];
    attributes[set[at] as string] = Array.isArray(value)
      ? (value.map(decode) as AttributeValue)
      : decode(value);
  }
  return attributes;
}

/** JSON has no NaN and no infinities. */
function decode(value: unknown): Primitive {
  return isPrimitive(value)
    ? value
    : Number((value as { double: string }).double);
}

/** A text that equal sets have in common, and no others. */
export function textOfSet(path: Path): string {
  const entries: [Path[number], Path[number]][] = [];
  for (let at = 0; at < path.length; at += 2) {
    entries.push([path[at], path[at + 1]]);
  }
  return writeSet(entries.sort(([a], [b]) => (a < b ? -1 : 1)).flat(1));
}

/** Whether JSON has the value as it is. */
function isPlain(value: Primitive | ArrayValue): boolean {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object';
}

function encode(value: Primitive | ArrayValue): unknown {
  return value instanceof ArrayValue
    ? (JSON.parse(value.text) as unknown)
    : encodeValue(value);
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
