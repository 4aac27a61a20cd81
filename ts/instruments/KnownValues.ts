import type { Path } from './attributes';

/**
 * Every value of a full trie's sets, by key: a set with another one is certainly new. What an
 * attack costs a record is asking here.
 */
export class KnownValues {
  // V8 calls out for a Set where it looks a Map up in place.
  private readonly values = new Map<string, Map<unknown, true>>();
  /** Some are texts that others may be equal to. */
  private hasReplaced = false;
  /** The key asked for last, which an attack asks for again and again, and its values. */
  private askedKey: string | undefined = undefined;
  private askedValues: Map<unknown, true> | undefined = undefined;

  /** @param filtered - Whether keys that are not known may turn out to be ignored. */
  constructor(private readonly filtered: boolean) {}

  add(path: Path): void {
    for (let at = 0; at < path.length; at += 2) {
      const key = path[at] as string;
      const value = path[at + 1];
      this.hasReplaced ||= isReplaced(key) || isReplaced(value);
      const known = this.values.get(key);
      if (known) {
        known.set(value, true);
      } else {
        this.values.set(key, new Map([[value, true]]));
        this.askedKey = undefined;
      }
    }
  }

  /**
   * Whether a set with this attribute is certainly new, so that it need not be read. One with a key
   * that may have to be ignored is not, nor one with text that another stands for.
   */
  isNew(key: string, value: unknown): boolean {
    const type = typeof value;
    if (type !== 'string' && type !== 'number' && type !== 'boolean') {
      return false;
    }
    if (this.hasReplaced && (isReplaced(key) || isReplaced(value))) {
      return false;
    }
    if (key !== this.askedKey) {
      this.askedKey = key;
      this.askedValues = this.values.get(key);
    }
    const known = this.askedValues;
    return known
      ? known.get(value) === undefined
      : !this.filtered && key !== '';
  }
}

/**
 * Whether this is text that other text may be equal to: lone surrogates become U+FFFD, in the reading
 * that a hit skips.
 */
function isReplaced(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    (!value.isWellFormed() || value.includes('\ufffd'))
  );
}
