import type { Pair } from './attributes';

/**
 * From attributes to a series without leaving JavaScript and without allocating.
 *
 * A node remembers the key that usually comes next and maps its values to children; another key at
 * the same node takes the slow branch. `{a, b}` and `{b, a}` reach different leaves; the engine
 * knows that they are one series. Values are told apart as a Map does: `1` is not `'1'`.
 *
 * A hit only ever follows nodes that {@link AttributeTrie.insert} made from own, valid attributes,
 * so inherited keys, odd values and hostile objects cannot hit; they miss and are read carefully.
 */
export class AttributeTrie<S extends object> {
  private root = new TrieNode<S>(undefined, undefined);
  private leaves = 0;
  /** Keys that no stream keeps. */
  private ignored: Set<string> | undefined = undefined;

  constructor(
    /** Leaves before further sets go to the overflow series. */
    private readonly capacity: number,
    private readonly overflow: () => S,
  ) {}

  get isFull(): boolean {
    return this.leaves >= this.capacity;
  }

  /** The series of these attributes, or `undefined` when they need the careful reading. */
  find(attributes: object): S | undefined {
    let node = this.root;
    try {
      for (const key in attributes) {
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
          return this.isFull && isNewSet(attributes, key, value)
            ? this.overflow()
            : undefined;
        }
      }
    } catch {
      return undefined;
    }
    return node.series;
  }

  /** The leaf of a set that was read carefully, if there is one. */
  get(pairs: Pair[]): TrieNode<S> | undefined {
    let node: TrieNode<S> | undefined = this.root;
    for (const pair of pairs) {
      node = node.child(pair);
      if (node === undefined) {
        return undefined;
      }
    }
    return node.series && node;
  }

  /** Makes a leaf. The caller has seen that the trie is not full and gives it its series. */
  insert(pairs: Pair[]): TrieNode<S> {
    let node = this.root;
    for (const pair of pairs) {
      node = node.child(pair) ?? node.grow(pair);
    }
    this.leaves++;
    return node;
  }

  /** Takes a leaf's series away, and the nodes that led only to it. */
  delete(leaf: TrieNode<S>): void {
    leaf.series = undefined;
    this.leaves--;
    let node = leaf;
    while (node.parent && !node.series && node.isBare()) {
      const parent: TrieNode<S> = node.parent;
      parent.prune(node);
      node = parent;
    }
  }

  /** Skips a key from now on. */
  ignore(key: string): void {
    this.ignored ??= new Set();
    this.ignored.add(key);
  }

  /** Every series, in no particular order. */
  *series(): Generator<S> {
    const stack = [this.root];
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (node.series) {
        yield node.series;
      }
      stack.push(...node.descendants());
    }
  }

  reset(): void {
    this.root = new TrieNode<S>(undefined, undefined);
    this.leaves = 0;
  }
}

/**
 * At a miss in a full trie: whether the set is certainly new, because an own, plain attribute led
 * off the known paths. Everything else needs the careful reading to know.
 */
function isNewSet(attributes: object, key: string, value: unknown): boolean {
  const type = typeof value;
  return (
    (type === 'string' || type === 'number' || type === 'boolean') &&
    key !== '' &&
    Object.prototype.hasOwnProperty.call(attributes, key)
  );
}

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
  private readonly pair: Pair | undefined;

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
