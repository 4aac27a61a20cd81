import { toJson } from '../common/json';
import {
  ArrayValue,
  type Path,
  type SizeLimits,
  sizeOf,
  UNLIMITED,
} from './attributes';
import { KeyOrders } from './KeyOrders';
import { KnownValues } from './KnownValues';

/**
 * Paths per attribute set, on average: callers may write the same attributes in several orders, and
 * each order that finds room is a path of its own. Further orders are read carefully every time.
 */
const PATHS_PER_SET = 4;

/**
 * No slot. It is larger than any, so that a record asks once whether there is a cell, and the largest
 * small integer everywhere.
 */
export const NOWHERE = 2 ** 30 - 1;

/** Sets that left last are remembered, while attributes are being read whose code may remove some. */
const REMEMBERED = 8;

/** What a trie asks of its instrument. */
export interface TrieOwner {
  /** The slot of sets beyond the limit, or {@link NOWHERE} where there is room after all. */
  beyondLimit(): number;
  /** Attributes led to a set, and left the trie while they were being read. */
  lost(path: Path): void;
}

/**
 * From attributes to a slot without leaving JavaScript and without allocating.
 *
 * A node remembers the key that usually comes next and maps its values to children; another key at
 * the same node takes the slow branch. A path ends in the slot of its set: in place of a node, unless
 * other paths go on from there. `{a, b}` and `{b, a}` have different paths to one slot: a gauge keeps
 * the last value only if both write to one cell. Values are told apart as a Map does: `1` is not `'1'`.
 *
 * A hit only ever follows own attributes along paths that {@link AttributeTrie.add} and
 * {@link AttributeTrie.lead} made from valid ones; odd values and hostile objects miss and are read
 * carefully.
 */
export class AttributeTrie {
  private readonly root = new TrieNode();
  private sparePaths: number;
  private readonly orders = new KeyOrders();
  /** Keys that no stream keeps. */
  private ignored: Set<string> | undefined = undefined;
  /** Once the trie is full. */
  private known: KnownValues | undefined = undefined;
  /** Sets added since `known` was built; what has left since then is still in it. */
  private added = 0;

  /** How many sets there are. */
  size = 0;
  /** Characters of all sets. */
  private characters = 0;
  /** A field, because a hit's code has room for little more (V8 inlines 920 bytes of bytecode). */
  isFull: boolean;
  /** How many sets have left. */
  private removals = 0;
  /** Those that left last. */
  private readonly removed: { path: Path; slot: number }[] = [];
  private isAbandoned = false;

  constructor(
    /** Sets before further ones go to the overflow series. */
    readonly limit: number,
    /** Whether keys may turn out to be ignored. */
    private readonly filtered: boolean,
    private readonly owner: TrieOwner,
    private readonly sizes: SizeLimits = UNLIMITED,
  ) {
    this.sparePaths = limit * (PATHS_PER_SET - 1);
    this.isFull = limit === 0;
  }

  /** The slot of these attributes, or {@link NOWHERE} when they need the careful reading. */
  find(attributes: object): number {
    if (typeof attributes !== 'object') {
      return NOWHERE;
    }
    let node: TrieNode | number = this.root;
    let before = this.removals;
    try {
      for (const key in attributes) {
        // V8 folds this into the loop for plain objects: it costs nothing, and inherited keys
        // (a polluted prototype) must not lead to another set's series.
        if (!hasOwn.call(attributes, key)) {
          continue;
        }
        const value = (attributes as Record<string, unknown>)[key];
        const child: TrieNode | number | undefined =
          typeof node === 'number'
            ? undefined
            : key === node.key
              ? node.usual(value)
              : node.more?.rest?.others?.get(key)?.get(value);
        if (child !== undefined) {
          node = child;
          before = this.removals;
        } else if (
          value !== undefined &&
          value !== null &&
          !this.ignored?.has(key)
        ) {
          return this.isFull && this.isNew(key, value, node)
            ? this.owner.beyondLimit()
            : NOWHERE;
        }
      }
    } catch {
      return NOWHERE;
    }
    return before === this.removals && !this.isAbandoned
      ? slotOf(node)
      : this.still(node, before);
  }

  /**
   * The slot of a node, although sets have left: its own may be one of them, because reading attributes
   * may run the program's code. That is then told to the owner, so that no getter runs twice.
   *
   * @param before - The removals when the node was found.
   */
  private still(node: TrieNode | number, before: number): number {
    const slot = slotOf(node);
    if (typeof node === 'number') {
      const since = this.removals - before;
      if (since > this.removed.length) {
        return NOWHERE;
      }
      const removed = this.removed
        .slice(this.removed.length - since)
        .find(one => one.slot === slot);
      if (removed) {
        this.owner.lost(removed.path);
        return NOWHERE;
      }
    }
    if (!this.isAbandoned || slot === NOWHERE) {
      return slot;
    }
    this.owner.lost(this.paths(new Set([slot])).get(slot)!);
    return NOWHERE;
  }

  /** The slot of a set that came in another order before. */
  getReordered(path: Path): number {
    const first = this.orders.inFirstOrder(path);
    return first === path ? NOWHERE : this.get(first);
  }

  /** The slot of a set that was read carefully, by the order given. */
  get(path: Path): number {
    let node: TrieNode | number | undefined = this.root;
    for (let at = 0; at < path.length; at += 2) {
      if (!(node instanceof TrieNode)) {
        return NOWHERE;
      }
      node = node.child(path[at] as string, path[at + 1]);
    }
    return node === undefined ? NOWHERE : slotOf(node);
  }

  /** Takes a new set in. The caller has seen that the trie is not full. */
  add(path: Path, slot: number): void {
    const first = this.orders.inFirstOrder(path);
    this.orders.add(first);
    this.size++;
    this.measure(sizeOf(path));
    if (this.known) {
      // Values of sets that left pile up in here; starting over now and then bounds them.
      this.added++;
      this.known = this.added > this.limit ? undefined : this.known;
    }
    this.grow(first, slot);
    if (first !== path) {
      this.lead(path, slot);
    }
  }

  private measure(characters: number): void {
    this.characters += characters;
    this.isFull =
      this.size >= this.limit || this.characters >= this.sizes.instrument;
  }

  /** Makes another order of attributes lead to a known set, while there is room. */
  lead(path: Path, slot: number): void {
    if (this.sparePaths > 0) {
      this.sparePaths--;
      this.grow(path, slot);
    }
  }

  private grow(path: Path, slot: number): void {
    if (path.length === 0) {
      this.root.slot = slot;
      return;
    }
    let node = this.root;
    const last = path.length - 2;
    for (let at = 0; ; at += 2) {
      const key = path[at] as string;
      const value = path[at + 1];
      this.known?.add(key, comparable(value), node);
      if (at === last) {
        node.end(key, value, slot);
        return;
      }
      node = node.way(key, value);
    }
  }

  /**
   * Takes a set away, by every order that leads to its slot, and the nodes that led only to it.
   *
   * @param path - The set, in any order.
   */
  delete(path: Path, slot: number): void {
    const ways = this.ways(path, slot);
    if (ways.length === 0) {
      return;
    }
    this.orders.remove(path);
    this.removals++;
    this.removed.push({ path, slot });
    if (this.removed.length > REMEMBERED) {
      this.removed.shift();
    }
    this.size--;
    this.sparePaths += ways.length - 1;
    this.measure(-sizeOf(path));
    ways.forEach(prune);
  }

  /** The steps that lead to a set's slot. */
  private ways(path: Path, slot: number): Step[] {
    const set = new Map<string, Path[number]>();
    for (let at = 0; at < path.length; at += 2) {
      set.set(path[at] as string, path[at + 1]);
    }
    const found: Step[] = [];
    // Not by recursion: a path may be longer than the stack is deep.
    const open = [startAt(this.root)];
    for (let step = open.pop(); step; step = open.pop()) {
      if (step.depth === set.size) {
        if (slotOf(step.end) === slot) {
          found.push(step);
        }
      } else if (step.end instanceof TrieNode) {
        for (const [key, value, child] of step.end.childrenIn(set)) {
          open.push(further(step, key, value, child));
        }
      }
    }
    return found;
  }

  /** All are gone: who still reads along its paths learns that at their end. */
  abandon(): void {
    this.isAbandoned = true;
  }

  /** A new one that is like this was before its first set. */
  emptied(): AttributeTrie {
    const { limit, filtered, owner, sizes } = this;
    const empty = new AttributeTrie(limit, filtered, owner, sizes);
    empty.ignored = this.ignored;
    return empty;
  }

  /** Skips a key from now on. */
  ignore(key: string): void {
    this.ignored ??= new Set();
    this.ignored.add(key);
  }

  /** The slot of every set, once. */
  slots(): Set<number> {
    const slots = new Set<number>();
    for (const { end } of this.steps()) {
      const slot = slotOf(end);
      if (slot !== NOWHERE) {
        slots.add(slot);
      }
    }
    return slots;
  }

  /** The sets of these slots, as far as there are any, each in one order. */
  paths(slots: ReadonlySet<number>): Map<number, Path> {
    const paths = new Map<number, Path>();
    for (const step of this.steps()) {
      const slot = slotOf(step.end);
      if (slots.has(slot) && !paths.has(slot)) {
        paths.set(slot, pathOf(step));
      }
    }
    return paths;
  }

  /** Every node and every end of a path. */
  private *steps(): Iterable<Step> {
    const open = [startAt(this.root)];
    for (let step = open.pop(); step; step = open.pop()) {
      yield step;
      const { end } = step;
      if (end instanceof TrieNode) {
        const from = step;
        end.forEach((key, value, child) =>
          open.push(further(from, key, value, child)),
        );
      }
    }
  }

  /**
   * At a miss in a full trie: whether the set is certainly new, so that it need not be read. Then
   * nobody sees what else may be invalid in it either.
   */
  private isNew(key: string, value: unknown, node: TrieNode | number): boolean {
    const known = (this.known ??= this.know());
    // A node may have a child that only careful reading finds.
    const from = value === FREE || typeof node === 'number' ? undefined : node;
    return known.isNew(key, value, from);
  }

  private know(): KnownValues {
    const known = new KnownValues(this.filtered, this.sizes.value);
    this.added = 0;
    for (const { end } of this.steps()) {
      if (end instanceof TrieNode) {
        end.forEach((key, value) => known.add(key, comparable(value), end));
      }
    }
    return known;
  }
}

/** A place in a trie, and the way there. */
interface Step {
  end: TrieNode | number;
  /** How many attributes lead here. */
  depth: number;
  /** The step before, and the attribute that led on from there. */
  up: (Step & { end: TrieNode }) | undefined;
  key: string;
  value: Path[number];
}

function startAt(root: TrieNode): Step {
  return { end: root, depth: 0, up: undefined, key: '', value: '' };
}

function further(
  up: Step,
  key: string,
  value: Path[number],
  end: TrieNode | number,
): Step {
  return { end, depth: up.depth + 1, up: up as Step['up'], key, value };
}

function pathOf(step: Step): Path {
  const path: Path = [];
  for (let at: Step = step; at.up; at = at.up) {
    path.push(at.value, at.key);
  }
  return path.reverse();
}

/** Takes a path away, and the nodes that led only to its end. */
function prune(step: Step): void {
  if (step.end instanceof TrieNode) {
    step.end.slot = NOWHERE;
  }
  for (
    let at: Step = step;
    at.up && (typeof at.end === 'number' || at.end.isBare());
    at = at.up
  ) {
    at.up.end.remove(at.key, at.value);
  }
}

/** The slot of a path that ends here. */
function slotOf(end: TrieNode | number): number {
  return typeof end === 'number' ? end : end.slot;
}

/** A value that others may be equal to: arrays are read carefully. */
function comparable(value: Path[number]): unknown {
  return value instanceof ArrayValue ? undefined : value;
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its receiver
const hasOwn = Object.prototype.hasOwnProperty;

type Visit = (
  key: string,
  value: Path[number],
  child: TrieNode | number,
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
class TrieNode {
  // Every field is set at once, so that all nodes have one shape. What a hit reads comes first:
  // 5 % at megamorphic call sites, because fewer cache lines are read.
  /** The key that usually comes next; the values are its. */
  key: string | undefined = undefined;
  /** The fields hold strings. */
  private isText = false;
  private value0: unknown = undefined;
  private child0: TrieNode | number | undefined = undefined;
  private value1: unknown = undefined;
  private child1: TrieNode | number | undefined = undefined;
  more: MoreChildren | undefined = undefined;

  /** The slot of the path that ends here, although others go on. */
  get slot(): number {
    return this.more?.rest === undefined ? NOWHERE : this.more.rest.slot;
  }

  set slot(slot: number) {
    this.rest.slot = slot;
  }

  /** The child for a value of the usual key. */
  usual(value: unknown): TrieNode | number | undefined {
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

  /** The child for a value of another key. */
  other(key: string, value: unknown): TrieNode | number | undefined {
    return this.more?.rest?.others?.get(key)?.get(value);
  }

  /** The children that a set's attributes lead to. */
  *childrenIn(
    set: Map<string, Path[number]>,
  ): Iterable<[key: string, value: Path[number], child: TrieNode | number]> {
    const { others, arrays } = this.more?.rest ?? {};
    const keys = [this.key, ...(others?.keys() ?? [])];
    if (arrays) {
      const isArray = (key: string) => set.get(key) instanceof ArrayValue;
      keys.push(...[...set.keys()].filter(isArray));
    }
    for (const key of new Set(keys)) {
      const value = key === undefined ? undefined : set.get(key);
      const child = value === undefined ? undefined : this.child(key!, value);
      if (child !== undefined) {
        yield [key!, value!, child];
      }
    }
  }

  /** The child for a key and a value, also for those that a hit cannot find. */
  child(key: string, value: unknown): TrieNode | number | undefined {
    if (value instanceof ArrayValue) {
      return this.more?.rest?.arrays?.get(arrayKey(key, value));
    }
    if (key !== this.key) {
      return this.other(key, value);
    }
    return value === FREE ? this.more?.values?.get(value) : this.usual(value);
  }

  /** The node for a key and a value, made where there is none. */
  way(key: string, value: unknown): TrieNode {
    const child = this.child(key, value);
    if (child instanceof TrieNode) {
      return child;
    }
    const node = new TrieNode();
    if (child !== undefined) {
      node.slot = child;
      this.remove(key, value);
    }
    this.set(key, value, node);
    return node;
  }

  /** Lets the path to a slot end with a key and a value. */
  end(key: string, value: unknown, slot: number): void {
    const child = this.child(key, value);
    if (child instanceof TrieNode) {
      child.slot = slot;
    } else {
      this.set(key, value, slot);
    }
  }

  private set(key: string, value: unknown, child: TrieNode | number): void {
    if (value instanceof ArrayValue) {
      this.rest.arrays ??= new Map();
      this.rest.arrays.set(arrayKey(key, value), child);
    } else if (this.key === undefined || this.key === key) {
      this.setUsual(key, value, child);
    } else {
      const { rest } = this;
      rest.others ??= new Map();
      const children =
        rest.others.get(key) ?? new Map<unknown, TrieNode | number>();
      rest.others.set(key, children.set(value, child));
    }
  }

  private setUsual(
    key: string,
    value: unknown,
    child: TrieNode | number,
  ): void {
    if (this.key === undefined) {
      this.key = key;
      this.isText = typeof value === 'string';
      this.value0 = this.value1 = this.free;
      this.more?.mark(this.free);
    }
    const fits = this.fits(value);
    if (fits && this.child0 === undefined) {
      this.value0 = value;
      this.child0 = child;
    } else if (fits && this.child1 === undefined) {
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

  private get further(): MoreChildren {
    return (this.more ??= new MoreChildren(this.free));
  }

  private get rest(): Rest {
    return (this.further.rest ??= new Rest());
  }

  /** Takes the child for a key and a value away. */
  remove(key: string, value: unknown): void {
    if (value instanceof ArrayValue) {
      this.rest.arrays!.delete(arrayKey(key, value));
    } else if (key === this.key) {
      this.removeUsual(value);
    } else {
      const others = this.rest.others!;
      const children = others.get(key)!;
      children.delete(value);
      if (children.size === 0) {
        others.delete(key);
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
  forEach(visit: Visit): void {
    if (this.child0 !== undefined) {
      visit(this.key!, this.value0 as Path[number], this.child0);
    }
    if (this.child1 !== undefined) {
      visit(this.key!, this.value1 as Path[number], this.child1);
    }
    this.more?.forEach(this.key!, visit);
  }

  /** No path ends here or goes on from here. */
  isBare(): boolean {
    return !(
      this.child0 !== undefined ||
      this.child1 !== undefined ||
      this.more?.isUsed()
    );
  }
}

/** What many nodes do not have: children beyond the second. */
class MoreChildren {
  private value2: unknown;
  private child2: TrieNode | number | undefined = undefined;
  private value3: unknown;
  private child3: TrieNode | number | undefined = undefined;
  /** Values that the fields have no room for or cannot find. */
  values: Map<unknown, TrieNode | number> | undefined = undefined;
  rest: Rest | undefined = undefined;

  /** @param free - Marks a field that is free. */
  constructor(free: string | undefined) {
    this.value2 = this.value3 = free;
  }

  mark(free: string | undefined): void {
    this.value2 = this.value3 = free;
  }

  ofText(value: string): TrieNode | number | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  of(value: unknown): TrieNode | number | undefined {
    if (value === this.value2) {
      return this.child2;
    }
    return value === this.value3 ? this.child3 : this.values?.get(value);
  }

  set(value: unknown, child: TrieNode | number, fits: boolean): void {
    if (fits && this.child2 === undefined) {
      this.value2 = value;
      this.child2 = child;
    } else if (fits && this.child3 === undefined) {
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
  forEach(key: string, visit: Visit): void {
    if (this.child2 !== undefined) {
      visit(key, this.value2 as Path[number], this.child2);
    }
    if (this.child3 !== undefined) {
      visit(key, this.value3 as Path[number], this.child3);
    }
    this.values?.forEach((child, value) =>
      visit(key, value as Path[number], child),
    );
    this.rest?.forEach(visit);
  }

  isUsed(): boolean {
    return Boolean(
      this.child2 !== undefined ||
      this.child3 !== undefined ||
      this.values?.size ||
      this.rest?.isUsed(),
    );
  }
}

/** What few nodes have: a slot of their own, and children that are not of the usual key or are arrays. */
class Rest {
  /** Children of every other key that has come next. */
  others: Map<string, Map<unknown, TrieNode | number>> | undefined = undefined;
  /** Arrays of any key, by key and canonical text: equal arrays are different objects. */
  arrays: Map<string, TrieNode | number> | undefined = undefined;
  /** Of the path that ends at the node. */
  slot = NOWHERE;

  forEach(visit: Visit): void {
    this.others?.forEach((children, key) =>
      children.forEach((child, value) =>
        visit(key, value as Path[number], child),
      ),
    );
    this.arrays?.forEach((child, text) => {
      const [key, items] = JSON.parse(text) as [string, string];
      visit(key, new ArrayValue(items), child);
    });
  }

  isUsed(): boolean {
    return Boolean(
      this.others?.size || this.arrays?.size || this.slot !== NOWHERE,
    );
  }
}

function arrayKey(key: string, { text }: ArrayValue): string {
  return toJson([key, text]);
}
