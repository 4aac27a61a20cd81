import { toJson } from '../json';
import { ArrayValue, type Path } from './attributes';

/**
 * Paths per attribute set: callers may write the same attributes in several orders, and each order
 * that finds room is a path of its own. Further orders are read carefully every time.
 */
const PATHS_PER_SET = 4;

/** A series as the trie sees it: it leaves through all of its paths at once. */
export interface Member {
  /** Most series have one path: an array for it would be 56 bytes. */
  path: Path | undefined;
  furtherPaths: Path[] | undefined;
  /** The set in canonical order, as JSON. */
  text: string;
}

/**
 * From attributes to a series without leaving JavaScript and without allocating.
 *
 * A node remembers the key that usually comes next and maps its values to children; another key at
 * the same node takes the slow branch. `{a, b}` and `{b, a}` have different paths to one series: a
 * gauge keeps the last value only if both write to one cell. Values are told apart as a Map does:
 * `1` is not `'1'`.
 *
 * A hit only ever follows own attributes along paths that {@link AttributeTrie.lead} made from
 * valid ones; odd values and hostile objects miss and are read carefully.
 */
export class AttributeTrie<S extends Member> {
  private readonly root = new TrieNode<S>();
  private readonly sets = new Map<string, S>();
  private sparePaths: number;
  /** Keys that no stream keeps. */
  private ignored: Set<string> | undefined = undefined;
  /** Every value by key, once the trie is full: a set with another one is certainly new. */
  private values: Map<string, Set<unknown>> | undefined = undefined;
  /** Sets added since `values` was built; what has left since then is still in it. */
  private added = 0;

  constructor(
    /** Sets before further ones go to the overflow series. */
    readonly limit: number,
    /** Whether keys may turn out to be ignored. */
    private readonly filtered: boolean,
    /** The series of sets beyond the limit, or `undefined` where there is room after all. */
    private readonly overflow: () => S | undefined,
  ) {
    this.sparePaths = limit * (PATHS_PER_SET - 1);
  }

  get size(): number {
    return this.sets.size;
  }

  get isFull(): boolean {
    return this.sets.size >= this.limit;
  }

  /** The series of these attributes, or `undefined` when they need the careful reading. */
  find(attributes: object): S | undefined {
    if (typeof attributes !== 'object') {
      return undefined;
    }
    let node = this.root;
    try {
      for (const key in attributes) {
        // V8 folds this into the loop for plain objects: it costs nothing, and inherited keys
        // (a polluted prototype) must not lead to another set's series.
        if (!hasOwn.call(attributes, key)) {
          continue;
        }
        const value = (attributes as Record<string, unknown>)[key];
        const child =
          key === node.key
            ? node.usual(value)
            : node.others?.get(key)?.get(value);
        if (child !== undefined) {
          node = child;
        } else if (
          value !== undefined &&
          value !== null &&
          !this.ignored?.has(key)
        ) {
          return this.isFull && this.isNew(key, value)
            ? this.overflow()
            : undefined;
        }
      }
    } catch {
      return undefined;
    }
    return node.series;
  }

  /** The series of a set that was read carefully, by the order given. */
  get(path: Path): S | undefined {
    let node: TrieNode<S> | undefined = this.root;
    for (let at = 0; node && at < path.length; at += 2) {
      node = node.child(path[at] as string, path[at + 1]);
    }
    return node?.series;
  }

  /** The series of a set in canonical order. */
  getSet(text: string): S | undefined {
    return this.sets.get(text);
  }

  /** Takes a new set in. The caller has seen that the trie is not full. */
  add(path: Path, series: S): void {
    this.sets.set(series.text, series);
    this.grow(path, series);
    if (this.values) {
      // Values of sets that left pile up in here; starting over now and then bounds them.
      this.added++;
      this.values = this.added > this.limit ? undefined : this.values;
      this.remember(path);
    }
  }

  /** Makes another order of attributes lead to a known series, while there is room. */
  lead(path: Path, series: S): void {
    if (this.sparePaths > 0) {
      this.sparePaths--;
      this.grow(path, series);
    }
  }

  private grow(path: Path, series: S): void {
    if (series.path) {
      series.furtherPaths ??= [];
      series.furtherPaths.push(path);
    } else {
      series.path = path;
    }
    let node = this.root;
    for (let at = 0; at < path.length; at += 2) {
      const key = path[at] as string;
      node = node.child(key, path[at + 1]) ?? node.grow(key, path[at + 1]);
    }
    node.series = series;
  }

  /** Takes a set away, and the nodes that led only to it. */
  delete(series: S): void {
    if (this.sets.get(series.text) !== series) {
      return;
    }
    this.sets.delete(series.text);
    const { path, furtherPaths = [] } = series;
    this.sparePaths += furtherPaths.length;
    for (const left of [path!, ...furtherPaths]) {
      this.prune(left);
    }
    series.path = undefined;
    series.furtherPaths = undefined;
  }

  private prune(path: Path): void {
    const way = [this.root];
    for (let at = 0; at < path.length; at += 2) {
      const child = way[at / 2].child(path[at] as string, path[at + 1]);
      way.push(child!);
    }
    way[way.length - 1].series = undefined;
    for (
      let depth = way.length - 1;
      depth > 0 && way[depth].isBare();
      depth--
    ) {
      const at = 2 * depth - 2;
      way[depth - 1].remove(path[at] as string, path[at + 1]);
    }
  }

  /** Skips a key from now on. */
  ignore(key: string): void {
    this.ignored ??= new Set();
    this.ignored.add(key);
  }

  /** Every series, in the order they came. */
  series(): S[] {
    return [...this.sets.values()];
  }

  /**
   * At a miss in a full trie: whether the set is certainly new, so that it need not be read. A
   * known set in an unknown order is not; nor is one with a key that may have to be ignored, or with
   * text that another stands for.
   */
  private isNew(key: string, value: unknown): boolean {
    const type = typeof value;
    if (
      (type !== 'string' && type !== 'number' && type !== 'boolean') ||
      key === '' ||
      hasEquals(key) ||
      (type === 'string' && hasEquals(value as string))
    ) {
      return false;
    }
    if (!this.values) {
      this.values = new Map();
      this.added = 0;
      for (const { path } of this.sets.values()) {
        // Every path of a set has the same keys and values, but for lone surrogates.
        this.remember(path!);
      }
    }
    const known = this.values.get(key);
    return known ? !known.has(value) : !this.filtered;
  }

  private remember(path: Path): void {
    for (let at = 0; at < path.length; at += 2) {
      const key = path[at] as string;
      const value = path[at + 1];
      const known = this.values?.get(key);
      if (known) {
        known.add(value);
      } else {
        this.values?.set(key, new Set([value]));
      }
    }
  }
}

/** Whether other text may be equal: lone surrogates become U+FFFD, in the reading that a hit skips. */
function hasEquals(text: string): boolean {
  return !text.isWellFormed() || text.includes('\ufffd');
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its receiver
const hasOwn = Object.prototype.hasOwnProperty;

/** Marks a free field of strings: an attribute with this value is always read carefully. */
const FREE = '\0';

/**
 * The first four values of a node's usual key lie in fields, further ones in a Map: early values are
 * the frequent ones, most nodes never have a fifth, and a Map costs more than four comparisons, above
 * all when it is not in the cache (5 attributes of 758 series took 160 ns with Maps alone, 80 with
 * the fields). Two of the four are in the node, the others in an object of their own: most nodes
 * have one child, and with small nodes more of them are in the cache (5 % less for 5 attributes).
 *
 * The fields hold strings or anything else, never both: V8 compares a string with a string in place,
 * and calls out where the types vary (66 ns instead of 74). What the fields cannot find is in the
 * Map: the other kind, NaN, and {@link FREE}.
 */
class TrieNode<S> {
  // Every field is set at once, so that all nodes have one shape. What a hit reads comes first:
  // 5 % at megamorphic call sites, because fewer cache lines are read.
  /** The series whose path ends here. */
  series: S | undefined = undefined;
  /** The key that usually comes next; the values are its. */
  key: string | undefined = undefined;
  /** The fields hold strings. */
  private isText = false;
  private value0: unknown = undefined;
  private child0: TrieNode<S> | undefined = undefined;
  private value1: unknown = undefined;
  private child1: TrieNode<S> | undefined = undefined;
  private more: MoreChildren<S> | undefined = undefined;
  /** Children of every other key that has come next. */
  others: Map<string, Map<unknown, TrieNode<S>>> | undefined = undefined;

  /** The child for a value of the usual key. */
  usual(value: unknown): TrieNode<S> | undefined {
    // The branches read alike and are not: in the first V8 only ever sees strings.
    if (typeof value === 'string') {
      if (this.isText) {
        if (value === this.value0) {
          return this.child0;
        }
        return value === this.value1 ? this.child1 : this.more?.ofText(value);
      }
    } else if (!this.isText) {
      if (value === this.value0) {
        return this.child0;
      }
      return value === this.value1 ? this.child1 : this.more?.of(value);
    }
    return this.more?.values?.get(value);
  }

  /** The child for a key and a value, also for those that a hit cannot find. */
  child(key: string, value: unknown): TrieNode<S> | undefined {
    if (value instanceof ArrayValue) {
      return this.more?.arrays?.get(arrayKey(key, value));
    }
    if (key !== this.key) {
      return this.others?.get(key)?.get(value);
    }
    return value === FREE ? this.more?.values?.get(value) : this.usual(value);
  }

  /** Makes the child for a key and a value. */
  grow(key: string, value: unknown): TrieNode<S> {
    const child = new TrieNode<S>();
    if (value instanceof ArrayValue) {
      this.more ??= new MoreChildren(this.free);
      this.more.arrays ??= new Map();
      this.more.arrays.set(arrayKey(key, value), child);
    } else if (this.key === undefined || this.key === key) {
      this.growUsual(key, value, child);
    } else {
      this.others ??= new Map();
      const children = this.others.get(key) ?? new Map<unknown, TrieNode<S>>();
      this.others.set(key, children.set(value, child));
    }
    return child;
  }

  private growUsual(key: string, value: unknown, child: TrieNode<S>): void {
    const isText = typeof value === 'string';
    if (this.key === undefined) {
      this.key = key;
      this.isText = isText;
      this.value0 = this.value1 = this.free;
      this.more?.mark(this.free);
    }
    const fits =
      isText === this.isText && value !== FREE && !Number.isNaN(value);
    if (fits && !this.child0) {
      this.value0 = value;
      this.child0 = child;
    } else if (fits && !this.child1) {
      this.value1 = value;
      this.child1 = child;
    } else {
      this.more ??= new MoreChildren(this.free);
      this.more.grow(value, child, fits);
    }
  }

  /** The value of a field that is free. */
  private get free(): string | undefined {
    return this.isText ? FREE : undefined;
  }

  /** Takes the child for a key and a value away. */
  remove(key: string, value: unknown): void {
    if (value instanceof ArrayValue) {
      this.more!.arrays!.delete(arrayKey(key, value));
    } else if (key === this.key) {
      this.removeUsual(key, value);
    } else {
      const children = this.others!.get(key)!;
      children.delete(value);
      if (children.size === 0) {
        this.others!.delete(key);
      }
    }
  }

  private removeUsual(key: string, value: unknown): void {
    const child = this.child(key, value)!;
    if (child === this.child0) {
      this.value0 = this.free;
      this.child0 = undefined;
    } else if (child === this.child1) {
      this.value1 = this.free;
      this.child1 = undefined;
    } else {
      this.more!.remove(value, child, this.free);
    }
  }

  /** No path ends here or goes on from here. */
  isBare(): boolean {
    return !(
      this.series ||
      this.child0 ||
      this.child1 ||
      this.others?.size ||
      this.more?.isUsed()
    );
  }
}

/** A node's children beyond the second. */
class MoreChildren<S> {
  private value2: unknown;
  private child2: TrieNode<S> | undefined = undefined;
  private value3: unknown;
  private child3: TrieNode<S> | undefined = undefined;
  /** Values that the fields have no room for or cannot find. */
  values: Map<unknown, TrieNode<S>> | undefined = undefined;
  /** Arrays of any key, by key and canonical text: equal arrays are different objects. */
  arrays: Map<string, TrieNode<S>> | undefined = undefined;

  /** @param free - Marks a field that is free. */
  constructor(free: string | undefined) {
    this.value2 = this.value3 = free;
  }

  mark(free: string | undefined): void {
    this.value2 = this.value3 = free;
  }

  ofText(value: string): TrieNode<S> | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  of(value: unknown): TrieNode<S> | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  grow(value: unknown, child: TrieNode<S>, fits: boolean): void {
    if (fits && !this.child2) {
      this.value2 = value;
      this.child2 = child;
    } else if (fits && !this.child3) {
      this.value3 = value;
      this.child3 = child;
    } else {
      this.values ??= new Map();
      this.values.set(value, child);
    }
  }

  remove(value: unknown, child: TrieNode<S>, free: string | undefined): void {
    if (child === this.child2) {
      this.value2 = free;
      this.child2 = undefined;
    } else if (child === this.child3) {
      this.value3 = free;
      this.child3 = undefined;
    } else {
      this.values!.delete(value);
    }
  }

  isUsed(): boolean {
    return Boolean(
      this.child2 || this.child3 || this.values?.size || this.arrays?.size,
    );
  }
}

function arrayKey(key: string, { text }: ArrayValue): string {
  return toJson([key, text]);
}
