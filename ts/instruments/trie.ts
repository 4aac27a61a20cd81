import { toJson } from '../json';
import {
  ArrayValue,
  keepPath,
  type KeptPath,
  keptPath,
  type Path,
  type SizeLimits,
  sizeOf,
  UNLIMITED,
} from './attributes';
import { KnownValues } from './KnownValues';

/**
 * Paths per attribute set, on average: callers may write the same attributes in several orders, and
 * each order that finds room is a path of its own. Further orders are read carefully every time.
 */
const PATHS_PER_SET = 4;

/**
 * A series as the trie sees it: it is the node at the end of its paths, unless others go on from
 * there, and it leaves through all of its paths at once.
 */
export abstract class Member {
  /** Most series have one path: an array for it would be 56 bytes. Outside the trie it has none. */
  abstract path: KeptPath | undefined;
  abstract furtherPaths: KeptPath[] | undefined;
  /** The set in canonical order, as JSON. */
  abstract readonly text: string;

  // What a hit reads of a node. They are not fields: they would be 24 bytes of every series.
  get series(): this {
    return this;
  }

  get key(): undefined {
    return undefined;
  }

  get more(): undefined {
    return undefined;
  }
}

/**
 * From attributes to a series without leaving JavaScript and without allocating.
 *
 * A node remembers the key that usually comes next and maps its values to children; another key at
 * the same node takes the slow branch. `{a, b}` and `{b, a}` have different paths to one series: a
 * gauge keeps the last value only if both write to one cell. Values are told apart as a Map does:
 * `1` is not `'1'`.
 *
 * A hit only ever follows own attributes along paths that {@link AttributeTrie.add} and {@link AttributeTrie.lead} made from
 * valid ones; odd values and hostile objects miss and are read carefully.
 */
export class AttributeTrie<S extends Member> {
  private readonly root = new TrieNode<S>();
  private readonly sets = new Map<string, S>();
  private sparePaths: number;
  /** Keys that no stream keeps. */
  private ignored: Set<string> | undefined = undefined;
  /** Once the trie is full. */
  private known: KnownValues | undefined = undefined;
  /** Sets added since `known` was built; what has left since then is still in it. */
  private added = 0;

  /** Characters of all sets. */
  private characters = 0;
  /** A field, because a hit's code has room for little more (V8 inlines 920 bytes of bytecode). */
  isFull: boolean;

  constructor(
    /** Sets before further ones go to the overflow series. */
    readonly limit: number,
    /** Whether keys may turn out to be ignored. */
    private readonly filtered: boolean,
    /** The series of sets beyond the limit, or `undefined` where there is room after all. */
    private readonly overflow: () => S | undefined,
    private readonly sizes: SizeLimits = UNLIMITED,
  ) {
    this.sparePaths = limit * (PATHS_PER_SET - 1);
    this.isFull = limit === 0;
  }

  get size(): number {
    return this.sets.size;
  }

  /** The series of these attributes, or `undefined` when they need the careful reading. */
  find(attributes: object): S | undefined {
    if (typeof attributes !== 'object') {
      return undefined;
    }
    let node: TrieNode<S> | S = this.root;
    try {
      for (const key in attributes) {
        // V8 folds this into the loop for plain objects: it costs nothing, and inherited keys
        // (a polluted prototype) must not lead to another set's series.
        if (!hasOwn.call(attributes, key)) {
          continue;
        }
        const value = (attributes as Record<string, unknown>)[key];
        const child: TrieNode<S> | S | undefined =
          key === node.key
            ? node.usual(value)
            : node.more?.others?.get(key)?.get(value);
        if (child !== undefined) {
          node = child;
        } else if (
          value !== undefined &&
          value !== null &&
          !this.ignored?.has(key)
        ) {
          return this.isFull && this.isNew(key, value, node)
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
    let node: TrieNode<S> | S | undefined = this.root;
    for (let at = 0; at < path.length; at += 2) {
      if (!(node instanceof TrieNode)) {
        return undefined;
      }
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
    this.measure(sizeOf(path));
    if (this.known) {
      // Values of sets that left pile up in here; starting over now and then bounds them.
      this.added++;
      this.known = this.added > this.limit ? undefined : this.known;
    }
    this.grow(path, series);
  }

  private measure(characters: number): void {
    this.characters += characters;
    this.isFull =
      this.sets.size >= this.limit || this.characters >= this.sizes.instrument;
  }

  /** Makes another order of attributes lead to a known series, while there is room. */
  lead(path: Path, series: S): void {
    if (this.sparePaths > 0) {
      this.sparePaths--;
      this.grow(path, series);
    }
  }

  private grow(path: Path, series: S): void {
    const kept = keepPath(path, series.text);
    if (series.path === undefined) {
      series.path = kept;
    } else {
      series.furtherPaths ??= [];
      series.furtherPaths.push(kept);
    }
    if (path.length === 0) {
      this.root.series = series;
      return;
    }
    let node = this.root;
    const last = path.length - 2;
    for (let at = 0; ; at += 2) {
      const key = path[at] as string;
      const value = path[at + 1];
      this.known?.add(
        key,
        value instanceof ArrayValue ? undefined : value,
        node,
      );
      if (at === last) {
        node.end(key, value, series);
        return;
      }
      node = node.way(key, value);
    }
  }

  /** Takes a set away, and the nodes that led only to it. */
  delete(series: S): void {
    if (this.sets.get(series.text) !== series) {
      return;
    }
    this.sets.delete(series.text);
    const { path, furtherPaths = [], text } = series;
    this.sparePaths += furtherPaths.length;
    const first = keptPath(path!, text);
    this.measure(-sizeOf(first));
    this.prune(first);
    for (const further of furtherPaths) {
      this.prune(keptPath(further, text));
    }
    series.path = undefined;
    series.furtherPaths = undefined;
  }

  private prune(path: Path): void {
    const way = [this.root];
    let end: TrieNode<S> | S = this.root;
    for (let at = 0; at < path.length; at += 2) {
      end = way[at / 2].child(path[at] as string, path[at + 1])!;
      if (end instanceof TrieNode) {
        way.push(end);
      }
    }
    if (end instanceof TrieNode) {
      end.series = undefined;
    }
    let bare = !(end instanceof TrieNode) || end.isBare();
    for (let at = path.length - 2; at >= 0 && bare; at -= 2) {
      const node = way[at / 2];
      node.remove(path[at] as string, path[at + 1]);
      bare = node.isBare();
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
   * At a miss in a full trie: whether the set is certainly new, so that it need not be read. Then
   * nobody sees what else may be invalid in it either.
   */
  private isNew(key: string, value: unknown, node: TrieNode<S> | S): boolean {
    const known = (this.known ??= this.know());
    // A node may have a child that only careful reading finds.
    return known.isNew(key, value, value === FREE ? undefined : node);
  }

  private know(): KnownValues {
    const known = new KnownValues(this.filtered, this.sizes.value);
    this.added = 0;
    // Not by recursion: a path may be longer than the stack is deep.
    const nodes = [this.root];
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at];
      node.forEach((key, value, child) => {
        known.add(key, value, node);
        if (child instanceof TrieNode) {
          nodes.push(child);
        }
      });
    }
    return known;
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its receiver
const hasOwn = Object.prototype.hasOwnProperty;

type Visit<S extends Member> = (
  key: string,
  /** `undefined` for arrays. */
  value: unknown,
  child: TrieNode<S> | S,
) => void;

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
class TrieNode<S extends Member> {
  // Every field is set at once, so that all nodes have one shape. What a hit reads comes first:
  // 5 % at megamorphic call sites, because fewer cache lines are read.
  /** The key that usually comes next; the values are its. */
  key: string | undefined = undefined;
  /** The fields hold strings. */
  private isText = false;
  private value0: unknown = undefined;
  private child0: TrieNode<S> | S | undefined = undefined;
  private value1: unknown = undefined;
  private child1: TrieNode<S> | S | undefined = undefined;
  more: MoreChildren<S> | undefined = undefined;

  /** The series whose path ends here, although others go on. */
  get series(): S | undefined {
    return this.more?.series;
  }

  set series(series: S | undefined) {
    this.further.series = series;
  }

  /** The child for a value of the usual key. */
  usual(value: unknown): TrieNode<S> | S | undefined {
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
  child(key: string, value: unknown): TrieNode<S> | S | undefined {
    if (value instanceof ArrayValue) {
      return this.more?.arrays?.get(arrayKey(key, value));
    }
    if (key !== this.key) {
      return this.more?.others?.get(key)?.get(value);
    }
    return value === FREE ? this.more?.values?.get(value) : this.usual(value);
  }

  /** The node for a key and a value, made where there is none. */
  way(key: string, value: unknown): TrieNode<S> {
    const child = this.child(key, value);
    if (child instanceof TrieNode) {
      return child;
    }
    const node = new TrieNode<S>();
    if (child) {
      node.series = child;
      this.remove(key, value);
    }
    this.set(key, value, node);
    return node;
  }

  /** Lets the path to a series end with a key and a value. */
  end(key: string, value: unknown, series: S): void {
    const child = this.child(key, value);
    if (child instanceof TrieNode) {
      child.series = series;
    } else {
      this.set(key, value, series);
    }
  }

  private set(key: string, value: unknown, child: TrieNode<S> | S): void {
    if (value instanceof ArrayValue) {
      this.further.arrays ??= new Map();
      this.further.arrays.set(arrayKey(key, value), child);
    } else if (this.key === undefined || this.key === key) {
      this.setUsual(key, value, child);
    } else {
      const { further } = this;
      further.others ??= new Map();
      const children =
        further.others.get(key) ?? new Map<unknown, TrieNode<S> | S>();
      further.others.set(key, children.set(value, child));
    }
  }

  private setUsual(key: string, value: unknown, child: TrieNode<S> | S): void {
    if (this.key === undefined) {
      this.key = key;
      this.isText = typeof value === 'string';
      this.value0 = this.value1 = this.free;
      this.more?.mark(this.free);
    }
    const fits = this.fits(value);
    if (fits && !this.child0) {
      this.value0 = value;
      this.child0 = child;
    } else if (fits && !this.child1) {
      this.value1 = value;
      this.child1 = child;
    } else {
      this.further.set(value, child, fits);
    }
  }

  /** Whether a field can hold the value, so that {@link usual} finds it there. */
  private fits(value: unknown): boolean {
    return (
      (typeof value === 'string') === this.isText &&
      value !== FREE &&
      !Number.isNaN(value)
    );
  }

  /** The value of a field that is free. */
  private get free(): string | undefined {
    return this.isText ? FREE : undefined;
  }

  private get further(): MoreChildren<S> {
    return (this.more ??= new MoreChildren(this.free));
  }

  /** Takes the child for a key and a value away. */
  remove(key: string, value: unknown): void {
    if (value instanceof ArrayValue) {
      this.more!.arrays!.delete(arrayKey(key, value));
    } else if (key === this.key) {
      this.removeUsual(value);
    } else {
      const children = this.more!.others!.get(key)!;
      children.delete(value);
      if (children.size === 0) {
        this.more!.others!.delete(key);
      }
    }
  }

  private removeUsual(value: unknown): void {
    const fits = this.fits(value);
    if (fits && value === this.value0) {
      this.value0 = this.free;
      this.child0 = undefined;
    } else if (fits && value === this.value1) {
      this.value1 = this.free;
      this.child1 = undefined;
    } else {
      this.more!.remove(value, fits, this.free);
    }
  }

  /** Every child, with its key and value. */
  forEach(visit: Visit<S>): void {
    if (this.child0) {
      visit(this.key!, this.value0, this.child0);
    }
    if (this.child1) {
      visit(this.key!, this.value1, this.child1);
    }
    this.more?.forEach(this.key!, visit);
  }

  /** No path ends here or goes on from here. */
  isBare(): boolean {
    return !(this.child0 || this.child1 || this.more?.isUsed());
  }
}

/** What few nodes have: children beyond the second or of other keys, and a series of their own. */
class MoreChildren<S extends Member> {
  private value2: unknown;
  private child2: TrieNode<S> | S | undefined = undefined;
  private value3: unknown;
  private child3: TrieNode<S> | S | undefined = undefined;
  /** Values that the fields have no room for or cannot find. */
  values: Map<unknown, TrieNode<S> | S> | undefined = undefined;
  /** Children of every other key that has come next. */
  others: Map<string, Map<unknown, TrieNode<S> | S>> | undefined = undefined;
  /** Arrays of any key, by key and canonical text: equal arrays are different objects. */
  arrays: Map<string, TrieNode<S> | S> | undefined = undefined;
  /** The series whose path ends at the node. */
  series: S | undefined = undefined;

  /** @param free - Marks a field that is free. */
  constructor(free: string | undefined) {
    this.value2 = this.value3 = free;
  }

  mark(free: string | undefined): void {
    this.value2 = this.value3 = free;
  }

  ofText(value: string): TrieNode<S> | S | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  of(value: unknown): TrieNode<S> | S | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  set(value: unknown, child: TrieNode<S> | S, fits: boolean): void {
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

  remove(value: unknown, fits: boolean, free: string | undefined): void {
    if (fits && value === this.value2) {
      this.value2 = free;
      this.child2 = undefined;
    } else if (fits && value === this.value3) {
      this.value3 = free;
      this.child3 = undefined;
    } else {
      this.values!.delete(value);
    }
  }

  /** @param key - The node's usual one. */
  forEach(key: string, visit: Visit<S>): void {
    if (this.child2) {
      visit(key, this.value2, this.child2);
    }
    if (this.child3) {
      visit(key, this.value3, this.child3);
    }
    this.values?.forEach((child, value) => visit(key, value, child));
    this.others?.forEach((children, other) =>
      children.forEach((child, value) => visit(other, value, child)),
    );
    this.arrays?.forEach((child, text) => {
      const [itsKey] = JSON.parse(text) as [string, string];
      visit(itsKey, undefined, child);
    });
  }

  isUsed(): boolean {
    return Boolean(
      this.child2 ||
      this.child3 ||
      this.values?.size ||
      this.others?.size ||
      this.arrays?.size ||
      this.series,
    );
  }
}

function arrayKey(key: string, { text }: ArrayValue): string {
  return toJson([key, text]);
}
