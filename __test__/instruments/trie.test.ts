import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  type Path,
  readAttributes,
  wellFormed,
} from '../../ts/instruments/attributes';
import { AttributeTrie, NOWHERE } from '../../ts/instruments/trie';

// The trie alone, with sets that are few enough to meet again: thousands of runs a second, where the
// tests through the public entry points manage dozens.

type Entries = [string, unknown][];

const KEYS = ['a', 'b', 'c', '\ud800', '\ufffd'];

/** What a node keeps in different places: texts or not, the mark of a free field, arrays and theirs. */
const VALUES = [
  ...['', '\0', 'x', 'y', 'z', 'v', '0', 'NaN', '["x"]', '[]'],
  ...['\ud800', '\udfff', '\ufffd'],
  ...[0, -0, 1, 2, 3, NaN, Infinity, true, false],
  ...[['x'], ['["x"]'], [], [0], [NaN], ['\ud800']],
];

const set: fc.Arbitrary<Entries> = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom<unknown>(...VALUES)),
  { selector: ([key]) => key, maxLength: 3 },
);

/** One key, so that a node has many children of every kind. */
const oneKey: fc.Arbitrary<Entries> = fc.tuple(
  fc.tuple(fc.constant('a'), fc.constantFrom<unknown>(...VALUES)),
);

const step = fc.record({
  type: fc.constantFrom(
    ...['record', 'record', 'record', 'remove', 'clear'].flatMap(type =>
      type === 'clear' ? [type] : [type, type, type],
    ),
  ),
  set: fc.oneof(set, oneKey),
});

/** What a set is, told apart by its entries alone. */
function oracleText(entries: Entries): string {
  const wellFormed = (value: unknown): unknown =>
    typeof value === 'string'
      ? `text ${value.toWellFormed()}`
      : Array.isArray(value)
        ? value.map(wellFormed)
        : String(value);
  const byKey = new Map(
    entries.map(([key, value]) => [key.toWellFormed(), wellFormed(value)]),
  );
  return JSON.stringify([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether the path can be found without careful reading. */
function isDirect(entries: Entries): boolean {
  const isPlain = (part: unknown) =>
    typeof part !== 'string' || (part !== '\0' && part.isWellFormed());
  return entries.every(
    ([key, value]) => !Array.isArray(value) && isPlain(key) && isPlain(value),
  );
}

const OVERFLOW = 1_000_000;

/** A trie as an instrument uses it, beside a Map that tells sets apart. */
class Resolver {
  /** What is lost while attributes are read. */
  readonly lost: Path[] = [];
  readonly trie: AttributeTrie;
  readonly slots = new Map<string, number>();
  private next = 0;

  constructor(limit: number, overflow = OVERFLOW) {
    this.trie = new AttributeTrie(limit, false, {
      beyondLimit: () => overflow,
      lost: path => this.lost.push(path),
    });
  }

  record(entries: Entries): number {
    const attributes = Object.fromEntries(entries);
    const hit = this.trie.find(attributes);
    const path = read(attributes);
    const known = this.trie.get(path);
    const careful = this.resolve(entries, path);
    assert.ok(hit === NOWHERE || hit === careful, 'a hit reads as a miss does');
    if (known !== NOWHERE && isDirect(entries)) {
      assert.equal(hit, careful, 'the second time is a hit');
    }
    return careful;
  }

  private resolve(entries: Entries, path: Path): number {
    const text = oracleText(entries);
    const set = this.slots.get(text) ?? NOWHERE;
    const known = this.trie.get(path);
    if (known !== NOWHERE) {
      assert.equal(known, set);
      return known;
    }
    const reordered = this.trie.getReordered(path);
    assert.equal(reordered, set, 'found in whatever order it comes');
    if (reordered !== NOWHERE) {
      this.trie.lead(path, reordered);
      return reordered;
    }
    if (this.trie.isFull) {
      return OVERFLOW;
    }
    const slot = this.next++;
    this.slots.set(text, slot);
    this.trie.add(path, slot);
    return slot;
  }

  /** @param entries - In any order. */
  remove(entries: Entries): void {
    const slot = this.slots.get(oracleText(entries));
    if (slot !== undefined) {
      this.slots.delete(oracleText(entries));
      this.trie.delete(read(Object.fromEntries(entries)), slot);
    }
  }

  isBare(): boolean {
    // The nodes are private; that they go is what this is about.
    const { root } = this.trie as unknown as { root: { isBare(): boolean } };
    return root.isBare();
  }
}

/** Unless keys become equal, of which the last counts. */
function isEqualReversed(entries: Entries): boolean {
  return (
    new Set(entries.map(([key]) => key.toWellFormed())).size === entries.length
  );
}

function read(attributes: object): Path {
  return wellFormed(readAttributes(attributes, () => true).path);
}

for (const limit of [1, 3, 8, 1000]) {
  test(`a trie of ${limit} sets finds what a Map of texts would`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const it = new Resolver(limit);
        const sets = new Map<number, Entries>();
        for (const { type, set: entries } of steps) {
          const known = it.slots.get(oracleText(entries));
          if (type === 'record') {
            const found = it.record(entries);
            if (known !== undefined || it.slots.size > limit) {
              assert.equal(found, known);
            } else if (found !== OVERFLOW) {
              assert.equal(it.slots.get(oracleText(entries)), found);
              sets.set(found, entries);
            } else {
              assert.equal(it.slots.size, limit);
            }
          } else if (type === 'remove') {
            it.remove(
              isEqualReversed(entries) ? [...entries].reverse() : entries,
            );
            const after = it.trie.find(Object.fromEntries(entries));
            assert.ok(after === NOWHERE || after === OVERFLOW);
          } else {
            [...it.slots.values()].forEach(slot => it.remove(sets.get(slot)!));
          }
          assert.deepEqual(it.trie.slots(), new Set(it.slots.values()));
          assert.equal(it.trie.size, it.slots.size);
        }
        [...it.slots.values()].forEach(slot => it.remove(sets.get(slot)!));
        assert.ok(it.isBare(), 'nodes are left of sets that have gone');
      }),
      { numRuns: 500 },
    );
  });
}

test('a key that was new once is known later', () => {
  const it = new Resolver(2);
  it.record([['a', 'x']]);
  it.record([['b', 'y']]);
  assert.equal(it.trie.find({ c: 1 }), OVERFLOW);
  it.remove([['a', 'x']]);
  const known = it.record(Object.entries({ b: 'y', c: 1 }));
  assert.notEqual(known, OVERFLOW);
  assert.equal(it.trie.find({ c: 1, b: 'y' }), NOWHERE, 'it must be read');
});

test('a full trie has a known set read that a hit does not find', () => {
  const full = (...sets: Record<string, unknown>[]) => {
    const it = new Resolver(sets.length);
    sets.forEach(set => it.record(Object.entries(set)));
    return it.trie;
  };
  const ordered = full({ k: 'x', b: 1 }, { b: 1, k: 'y' });
  assert.equal(ordered.find({ b: 1, k: 'x' }), NOWHERE, 'another order');
  assert.equal(ordered.find({ b: 1, k: 'z' }), OVERFLOW);
  const marked = full({ k: '\0' });
  assert.equal(marked.find({ k: '\0' }), NOWHERE, 'the mark of a free field');
  assert.equal(marked.find({ k: '\x01' }), OVERFLOW);
});

for (const amount of [0, 1, 7, 8, 9, 20]) {
  test(`a set of ${amount} attributes leaves by every order it came in`, () => {
    const it = new Resolver(10);
    const set: Entries = Array.from({ length: amount }, (_, i) => [
      `key${i}`,
      i,
    ]);
    const half = amount >> 1;
    const orders = [
      set,
      [...set].reverse(),
      [...set.slice(half), ...set.slice(0, half)],
    ];
    for (const order of orders) {
      const found = it.record(order);
      assert.equal(it.trie.find(Object.fromEntries(order)), found);
    }
    it.remove(set.slice(1).concat(set.slice(0, 1)));
    assert.ok(it.isBare());
  });
}

test('a set of as many attributes as a set may have leaves in no time', () => {
  const it = new Resolver(10);
  const set: Entries = Array.from({ length: 50_000 }, (_, i) => [`key${i}`, i]);
  it.record(set);
  it.record([...set].reverse());
  const before = process.cpuUsage();
  it.remove(set);
  const { user } = process.cpuUsage(before);
  assert.ok(it.isBare());
  assert.ok(user < 5_000_000, `${user} µs`);
});

test('what left while it was being read is told, and what stayed is found', () => {
  const it = new Resolver(100);
  const sets = Array.from({ length: 20 }, (_, i): Entries => [['a', i]]);
  const slots = sets.map(set => it.record(set));
  const removing = (from: number, to: number) => ({
    a: 5,
    get z() {
      sets.slice(from, to).forEach(set => it.remove(set));
      return undefined;
    },
  });
  assert.equal(it.trie.find(removing(0, 3)), slots[5]);
  assert.deepEqual(it.lost, []);
  assert.equal(it.trie.find(removing(3, 8)), NOWHERE);
  assert.deepEqual(it.lost, [['a', 5]]);
  it.record(sets[5]);
  // Too many to remember: it is read again.
  assert.equal(it.trie.find(removing(6, 20)), NOWHERE);
  assert.equal(it.lost.length, 1);
});
