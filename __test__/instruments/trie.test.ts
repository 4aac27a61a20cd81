import assert from 'node:assert/strict';
import test from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  canonicalText,
  type KeptPath,
  keptPath,
  readAttributes,
  type Path,
} from '../../ts/instruments/attributes';
import { AttributeTrie, Member } from '../../ts/instruments/trie';

class Series extends Member {
  path: KeptPath | undefined = undefined;
  furtherPaths: KeptPath[] | undefined = undefined;

  constructor(readonly text: string) {
    super();
  }
}

// The trie alone, with sets that are few enough to meet again: thousands of runs a second, where the
// tests through the public entry points manage dozens.

type Set = [string, unknown][];

const KEYS = ['a', 'b', 'c', '\ud800', '\ufffd'];

/** What a node keeps in different places: texts or not, the mark of a free field, arrays and theirs. */
const VALUES = [
  ...['', '\0', 'x', 'y', 'z', 'v', '0', 'NaN', '["x"]', '[]'],
  ...['\ud800', '\udfff', '\ufffd'],
  ...[0, -0, 1, 2, 3, NaN, Infinity, true, false],
  ...[['x'], ['["x"]'], [], [0], [NaN], ['\ud800']],
];

const set: fc.Arbitrary<Set> = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom<unknown>(...VALUES)),
  { selector: ([key]) => key, maxLength: 3 },
);

/** One key, so that a node has many children of every kind. */
const oneKey: fc.Arbitrary<Set> = fc.tuple(
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
function oracleText(entries: Set): string {
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
function isDirect(entries: Set): boolean {
  return entries.every(([, value]) => !Array.isArray(value) && value !== '\0');
}

for (const limit of [1, 3, 8, 1000]) {
  test(`a trie of ${limit} sets finds what a Map of texts would`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const overflow = new Series('overflow');
        const trie = new AttributeTrie<Member>(limit, false, () => overflow);
        const oracle = new Map<string, Member>();
        for (const { type, set: entries } of steps) {
          const known = oracle.get(oracleText(entries));
          if (type === 'record') {
            const found = resolve(trie, overflow, entries);
            if (known || oracle.size >= limit) {
              assert.equal(found, known ?? overflow);
            } else {
              assert.ok(![...oracle.values()].includes(found));
              oracle.set(oracleText(entries), found);
            }
          } else if (type === 'remove') {
            if (known) {
              trie.delete(known);
              oracle.delete(oracleText(entries));
            }
            const after = trie.find(Object.fromEntries(entries));
            assert.ok(after === undefined || after === overflow);
          } else {
            trie.series().forEach(series => trie.delete(series));
            oracle.clear();
          }
          assert.deepEqual(trie.series(), [...oracle.values()]);
        }
        trie.series().forEach(series => trie.delete(series));
        assert.ok(isBare(trie), 'nodes are left of sets that have gone');
      }),
      { numRuns: 500 },
    );
  });
}

test('a key that was new once is known later', () => {
  const overflow = new Series('overflow');
  const trie = new AttributeTrie<Member>(2, false, () => overflow);
  const [a] = [{ a: 'x' }, { b: 'y' }].map(set =>
    resolve(trie, overflow, Object.entries(set)),
  );
  assert.equal(trie.find({ c: 1 }), overflow);
  trie.delete(a);
  const known = resolve(trie, overflow, Object.entries({ b: 'y', c: 1 }));
  assert.notEqual(known, overflow);
  assert.equal(trie.find({ c: 1, b: 'y' }), undefined, 'it must be read');
});

test('a full trie has a known set read that a hit does not find', () => {
  const overflow = new Series('overflow');
  const full = (...sets: Record<string, unknown>[]) => {
    const trie = new AttributeTrie<Member>(sets.length, false, () => overflow);
    sets.forEach(set => resolve(trie, overflow, Object.entries(set)));
    return trie;
  };
  const ordered = full({ k: 'x', b: 1 }, { b: 1, k: 'y' });
  assert.equal(ordered.find({ b: 1, k: 'x' }), undefined, 'another order');
  assert.equal(ordered.find({ b: 1, k: 'z' }), overflow);
  const marked = full({ k: '\0' });
  assert.equal(marked.find({ k: '\0' }), undefined, 'the mark of a free field');
  assert.equal(marked.find({ k: '\x01' }), overflow);
});

for (const amount of [0, 1, 7, 8, 9, 20]) {
  test(`a set of ${amount} attributes leaves by every order it came in`, () => {
    const trie = new AttributeTrie<Member>(10, false, () => undefined);
    const set: Set = Array.from({ length: amount }, (_, i) => [`key${i}`, i]);
    const half = amount >> 1;
    const orders = [
      set,
      [...set].reverse(),
      [...set.slice(half), ...set.slice(0, half)],
    ];
    const [series] = orders.map(order => {
      const found = resolve(trie, new Series('overflow'), order);
      assert.equal(trie.find(Object.fromEntries(order)), found);
      return found;
    });
    trie.delete(series);
    assert.ok(isBare(trie));
  });
}

/** As an instrument does it. */
function resolve(
  trie: AttributeTrie<Member>,
  overflow: Member,
  entries: Set,
): Member {
  const attributes = Object.fromEntries(entries);
  const hit = trie.find(attributes);
  const { path } = readAttributes(attributes, () => true);
  const careful = resolvePath(trie, overflow, path);
  assert.ok(hit === undefined || hit === careful, 'a hit reads as a miss does');
  const kept = [careful.path, ...(careful.furtherPaths ?? [])];
  const isKept = kept.some(
    one =>
      one !== undefined && isDeepStrictEqual(keptPath(one, careful.text), path),
  );
  if (isKept && isDirect(entries)) {
    assert.equal(trie.find(attributes), careful, 'the second time is a hit');
  }
  return careful;
}

function resolvePath(
  trie: AttributeTrie<Member>,
  overflow: Member,
  path: Path,
): Member {
  const known = trie.get(path);
  if (known) {
    return known;
  }
  const text = canonicalText(path);
  const reordered = trie.getSet(text);
  if (reordered) {
    trie.lead(path, reordered);
    return reordered;
  }
  if (trie.isFull) {
    return overflow;
  }
  const series = new Series(text);
  trie.add(path, series);
  return series;
}

// The nodes are private; that they go is what this is about.
function isBare(trie: unknown): boolean {
  return (trie as { root: { isBare(): boolean } }).root.isBare();
}
