import type { Pair } from './attributes';

/**
 * Leaves per attribute set: callers may write the same attributes in several orders, and each order
 * that finds room is a leaf of its own. Further orders are read carefully every time.
 */
const LEAVES_PER_SET = 4;

/** A series as the trie sees it: it leaves through all of its leaves at once. */
export interface Member<S extends Member<S>> {
  leaves: TrieNode<S>[];
  /** The set in canonical order, as JSON. */
  text: string;
}

/**
 * From attributes to a series without leaving JavaScript and without allocating.
 *
 * A node remembers the key that usually comes next and maps its values to children; another key at
 * the same node takes the slow branch. `{a, b}` and `{b, a}` reach different leaves that hold one
 * series: a gauge keeps the last value only if both write to one cell. Values are told apart as a
 * Map does: `1` is not `'1'`.
 *
 * A hit only ever follows own attributes along nodes that {@link AttributeTrie.lead} made from
 * valid ones; odd values and hostile objects miss and are read carefully.
 */
export class AttributeTrie<S extends Member<S>> {
  private root = new TrieNode<S>(undefined, undefined);
  private readonly sets = new Map<string, S>();
  private spareLeaves: number;
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
    this.spareLeaves = limit * (LEAVES_PER_SET - 1);
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
        let child: TrieNode<S> | undefined;
        if (key === node.key) {
          child = node.usual(value);
        } else {
          child = node.others?.get(key)?.get(value);
        }
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
  get(pairs: Pair[]): S | undefined {
    let node: TrieNode<S> | undefined = this.root;
    for (const pair of pairs) {
      node = node.child(pair);
      if (node === undefined) {
        return undefined;
      }
    }
    return node.series;
  }

  /** The series of a set in canonical order. */
  getSet(text: string): S | undefined {
    return this.sets.get(text);
  }

  /** Takes a new set in. The caller has seen that the trie is not full. */
  add(pairs: Pair[], series: S): void {
    this.sets.set(series.text, series);
    this.grow(pairs, series);
    if (this.values) {
      // Values of sets that left pile up in here; starting over now and then bounds them.
      this.added++;
      this.values = this.added > this.limit ? undefined : this.values;
      for (const pair of pairs) {
        this.remember(pair.key, pair.value);
      }
    }
  }

  /** Makes another order of attributes lead to a known series, while there is room. */
  lead(pairs: Pair[], series: S): void {
    if (this.spareLeaves > 0) {
      this.spareLeaves--;
      this.grow(pairs, series);
    }
  }

  private grow(pairs: Pair[], series: S): void {
    let node = this.root;
    for (const pair of pairs) {
      node = node.child(pair) ?? node.grow(pair);
    }
    node.series = series;
    series.leaves.push(node);
  }

  /** Takes a set away, and the nodes that led only to it. */
  delete(series: S): void {
    if (this.sets.get(series.text) !== series) {
      return;
    }
    this.sets.delete(series.text);
    this.spareLeaves += series.leaves.length - 1;
    for (const leaf of series.leaves) {
      leaf.series = undefined;
      let node = leaf;
      while (node.parent && !node.series && node.isBare()) {
        const parent: TrieNode<S> = node.parent;
        parent.prune(node);
        node = parent;
      }
    }
    series.leaves = [];
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
   * known set in an unknown order is not; nor is one with a key that may have to be ignored.
   */
  private isNew(key: string, value: unknown): boolean {
    const type = typeof value;
    if (
      (type !== 'string' && type !== 'number' && type !== 'boolean') ||
      key === ''
    ) {
      return false;
    }
    if (!this.values) {
      this.values = new Map();
      this.added = 0;
      for (const { pair } of this.root.below()) {
        // Arrays are read carefully anyway.
        if (pair && pair.text === undefined) {
          this.remember(pair.key, pair.value);
        }
      }
    }
    const known = this.values.get(key);
    return known ? !known.has(value) : !this.filtered;
  }

  private remember(key: string, value: unknown): void {
    const known = this.values?.get(key);
    if (known) {
      known.add(value);
    } else {
      this.values?.set(key, new Set([value]));
    }
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its receiver
const hasOwn = Object.prototype.hasOwnProperty;

type Children<S extends object> = Map<unknown, TrieNode<S>>;

/**
 * The first four values of a node's usual key lie in fields, further ones in a Map. Early values are
 * the frequent ones and most nodes never have a fifth; a Map costs more than four comparisons, above
 * all when it is not in the cache: 5 attributes of 758 series took 160 ns with Maps alone, 80 with
 * the fields.
 *
 * The fields hold strings or anything else, never both: V8 compares a string with a string in place,
 * and calls out where the types vary (66 ns instead of 74). What the fields cannot find is in the
 * Map: the other kind, NaN, and the empty string, which marks a free field of strings.
 */
export class TrieNode<S extends object> {
  // Every field is set at once, so that all nodes have one shape. What a hit reads comes first: 5 %
  // at megamorphic call sites, because fewer cache lines are read.
  /** The key that usually comes next; the values below are its. */
  key: string | undefined = undefined;
  series: S | undefined = undefined;
  /** The fields hold strings. */
  private isText = false;
  private value0: unknown = undefined;
  private child0: TrieNode<S> | undefined = undefined;
  private value1: unknown = undefined;
  private child1: TrieNode<S> | undefined = undefined;
  private value2: unknown = undefined;
  private child2: TrieNode<S> | undefined = undefined;
  private value3: unknown = undefined;
  private child3: TrieNode<S> | undefined = undefined;
  private children: Children<S> | undefined = undefined;
  /** Every other key that has come next. */
  others: Map<string, Children<S>> | undefined = undefined;
  /** Arrays, by key and canonical text: equal arrays are different objects. */
  private arrays: Children<S> | undefined = undefined;
  readonly parent: TrieNode<S> | undefined;
  readonly pair: Pair | undefined;

  constructor(parent: TrieNode<S> | undefined, pair: Pair | undefined) {
    this.parent = parent;
    this.pair = pair;
  }

  /** The child for a value of the usual key. */
  usual(value: unknown): TrieNode<S> | undefined {
    let child: TrieNode<S> | undefined;
    // The branches read alike and are not: in the first V8 only ever sees strings.
    if (typeof value === 'string') {
      if (this.isText) {
        if (value === this.value0) {
          child = this.child0;
        } else if (value === this.value1) {
          child = this.child1;
        } else if (value === this.value2) {
          child = this.child2;
        } else if (value === this.value3) {
          child = this.child3;
        }
      }
    } else if (!this.isText) {
      if (value === this.value0) {
        child = this.child0;
      } else if (value === this.value1) {
        child = this.child1;
      } else if (value === this.value2) {
        child = this.child2;
      } else if (value === this.value3) {
        child = this.child3;
      }
    }
    return child ?? this.children?.get(value);
  }

  child(pair: Pair): TrieNode<S> | undefined {
    if (pair.text !== undefined) {
      return this.arrays?.get(arrayKey(pair));
    }
    return pair.key === this.key
      ? this.usual(pair.value)
      : this.others?.get(pair.key)?.get(pair.value);
  }

  grow(pair: Pair): TrieNode<S> {
    const child = new TrieNode<S>(this, pair);
    if (pair.text !== undefined) {
      this.arrays ??= new Map();
      this.arrays.set(arrayKey(pair), child);
    } else if (this.key === undefined || this.key === pair.key) {
      this.growUsual(pair, child);
    } else {
      this.others ??= new Map();
      const children =
        this.others.get(pair.key) ?? new Map<unknown, TrieNode<S>>();
      this.others.set(pair.key, children.set(pair.value, child));
    }
    return child;
  }

  private growUsual({ key, value }: Pair, child: TrieNode<S>): void {
    const isText = typeof value === 'string';
    if (this.key === undefined) {
      this.key = key;
      this.isText = isText;
      this.value0 = this.value1 = this.value2 = this.value3 = this.free;
    }
    const fits = isText === this.isText && value !== '' && !Number.isNaN(value);
    if (fits && !this.child0) {
      this.value0 = value;
      this.child0 = child;
    } else if (fits && !this.child1) {
      this.value1 = value;
      this.child1 = child;
    } else if (fits && !this.child2) {
      this.value2 = value;
      this.child2 = child;
    } else if (fits && !this.child3) {
      this.value3 = value;
      this.child3 = child;
    } else {
      this.children ??= new Map();
      this.children.set(value, child);
    }
  }

  /** The value of a field that is free. */
  private get free(): string | undefined {
    return this.isText ? '' : undefined;
  }

  prune(child: TrieNode<S>): void {
    const pair = child.pair!;
    if (pair.text !== undefined) {
      this.arrays!.delete(arrayKey(pair));
    } else if (pair.key === this.key) {
      this.pruneUsual(pair.value, child);
    } else {
      const children = this.others!.get(pair.key)!;
      children.delete(pair.value);
      if (children.size === 0) {
        this.others!.delete(pair.key);
      }
    }
  }

  private pruneUsual(value: unknown, child: TrieNode<S>): void {
    if (child === this.child0) {
      this.value0 = this.free;
      this.child0 = undefined;
    } else if (child === this.child1) {
      this.value1 = this.free;
      this.child1 = undefined;
    } else if (child === this.child2) {
      this.value2 = this.free;
      this.child2 = undefined;
    } else if (child === this.child3) {
      this.value3 = this.free;
      this.child3 = undefined;
    } else {
      this.children!.delete(value);
    }
  }

  isBare(): boolean {
    return this.descendants().next().done === true;
  }

  /** Every node below. */
  *below(): Generator<TrieNode<S>> {
    const stack = [...this.descendants()];
    for (let node = stack.pop(); node; node = stack.pop()) {
      yield node;
      // One by one: a spread of a hundred thousand arguments overflows the stack.
      for (const child of node.descendants()) {
        stack.push(child);
      }
    }
  }

  *descendants(): Generator<TrieNode<S>> {
    for (const child of [this.child0, this.child1, this.child2, this.child3]) {
      if (child) {
        yield child;
      }
    }
    yield* this.children?.values() ?? [];
    yield* this.arrays?.values() ?? [];
    for (const children of this.others?.values() ?? []) {
      yield* children.values();
    }
  }
}

function arrayKey(pair: Pair): string {
  return JSON.stringify([pair.key, pair.text]);
}
