import { LONGEST_KEY } from './attributes';

/** What a key's attributes are in the sets of a trie. */
interface KnownKey {
  // V8 calls out for a Set where it looks a Map up in place.
  readonly values: Map<unknown, true>;
  /** The only node that the key goes on from, if it is one. */
  node: object | undefined;
}

/**
 * Every value of a full trie's sets, by key: a set with another one is certainly new. What an
 * attack costs a record is asking here.
 */
export class KnownValues {
  private readonly keys = new Map<string, KnownKey>();
  /** Some are texts that others may be equal to. */
  private hasReplaced = false;
  /** The key asked for last, which an attack asks for again and again, and what is known of it. */
  private askedKey: string | undefined = undefined;
  private asked: KnownKey | undefined = undefined;

  /**
   * @param filtered - Whether keys that are not known may turn out to be ignored.
   * @param longest - Characters of a value; a longer one counts without its end.
   */
  constructor(
    private readonly filtered: boolean,
    private readonly longest: number,
  ) {}

  /**
   * Takes in an attribute that leads from a node to a child. The value of an array is `undefined`: a
   * set with one is never certainly new.
   */
  add(key: string, value: unknown, node: object): void {
    this.hasReplaced ||= isReplaced(key) || isReplaced(value);
    const known = this.keys.get(key);
    if (known) {
      known.values.set(value, true);
      known.node = known.node === node ? node : undefined;
    } else {
      this.keys.set(key, { values: new Map([[value, true]]), node });
      this.askedKey = undefined;
    }
  }

  /**
   * Whether a set with this attribute is certainly new, so that it need not be read. One with a key
   * that may have to be ignored is not, nor one with text that another stands for.
   *
   * @param node - Does not lead on with it.
   */
  isNew(key: string, value: unknown, node: object | undefined): boolean {
    const type = typeof value;
    if (type !== 'string' && type !== 'number' && type !== 'boolean') {
      return false;
    }
    if (typeof value === 'string' && value.length > this.longest) {
      return false;
    }
    if (this.hasReplaced && (isReplaced(key) || isReplaced(value))) {
      return false;
    }
    if (key !== this.askedKey) {
      this.askedKey = key;
      this.asked = this.keys.get(key);
    }
    const known = this.asked;
    if (!known) {
      return !this.filtered && key !== '' && key.length <= LONGEST_KEY;
    }
    return (
      (node !== undefined && node === known.node) ||
      known.values.get(value) === undefined
    );
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
