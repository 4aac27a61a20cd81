// What V8 takes for a value on a 64-bit machine, in bytes. Rather too much than too little: that
// strings are shared, and that small integers need no box, is not looked for.
const STRING = 24;
const NUMBER = 16;
const ARRAY = 48;
const OBJECT = 56;
const SLOT = 8;
/** With a share of the hidden class, which unusual names do not share. */
const PROPERTY = 96;

const WIDE = /[^\0-\xff]/;

/** About how much memory a value takes that is made of JSON's kinds. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') {
    return sizeOfString(value);
  }
  if (typeof value === 'number') {
    return NUMBER;
  }
  if (Array.isArray(value)) {
    return (value as unknown[]).reduce<number>(
      (bytes, element) => bytes + SLOT + sizeOf(element),
      ARRAY,
    );
  }
  return typeof value === 'object' && value !== null
    ? Object.entries(value).reduce(
        (bytes, [key, property]) =>
          bytes + PROPERTY + sizeOfString(key) + sizeOf(property),
        OBJECT,
      )
    : 0;
}

/** A string with one letter beyond Latin-1 takes two bytes for each. */
export function sizeOfString(text: string): number {
  return STRING + (WIDE.test(text) ? 2 * text.length : text.length);
}

/** A column of samples: numbers beside gaps are boxed. Without a look at each of them. */
export function sizeOfColumn(values: (number | null)[]): number {
  return ARRAY + values.length * (values.includes(null) ? SLOT + NUMBER : SLOT);
}
