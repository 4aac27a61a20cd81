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
  private ignored: Set<string> | undefined;

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
          child = node.children!.get(value);
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

export class TrieNode<S extends object> {
  /** The key that usually comes next; `children` are its values. */
  key: string | undefined;
  children: Children<S> | undefined;
  /** Every other key that has come next. */
  others: Map<string, Children<S>> | undefined;
  /** Arrays, by key and canonical text: equal arrays are different objects. */
  private arrays: Children<S> | undefined;
  series: S | undefined;

  constructor(
    readonly parent: TrieNode<S> | undefined,
    private readonly pair: Pair | undefined,
  ) {}

  child(pair: Pair): TrieNode<S> | undefined {
    if (pair.text !== undefined) {
      return this.arrays?.get(arrayKey(pair));
    }
    const children =
      pair.key === this.key ? this.children : this.others?.get(pair.key);
    return children?.get(pair.value);
  }

  grow(pair: Pair): TrieNode<S> {
    const child = new TrieNode<S>(this, pair);
    this.childrenFor(pair).set(
      pair.text === undefined ? pair.value : arrayKey(pair),
      child,
    );
    return child;
  }

  private childrenFor(pair: Pair): Children<S> {
    if (pair.text !== undefined) {
      this.arrays ??= new Map<unknown, TrieNode<S>>();
      return this.arrays;
    }
    if (this.key === undefined) {
      this.key = pair.key;
      this.children = new Map();
    }
    if (this.key === pair.key) {
      return this.children!;
    }
    this.others ??= new Map();
    let children = this.others.get(pair.key);
    if (!children) {
      children = new Map<unknown, TrieNode<S>>();
      this.others.set(pair.key, children);
    }
    return children;
  }

  prune(child: TrieNode<S>): void {
    const pair = child.pair!;
    if (pair.text !== undefined) {
      this.arrays!.delete(arrayKey(pair));
    } else if (pair.key === this.key) {
      this.children!.delete(pair.value);
    } else {
      const children = this.others!.get(pair.key)!;
      children.delete(pair.value);
      if (children.size === 0) {
        this.others!.delete(pair.key);
      }
    }
  }

  isBare(): boolean {
    return !this.children?.size && !this.others?.size && !this.arrays?.size;
  }

  *descendants(): Generator<TrieNode<S>> {
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
