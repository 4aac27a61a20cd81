import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ENOUGH, JsonReader, type Shape } from './JsonReader';

function read(text: string, cuts: number[] = [], shape?: Shape): unknown {
  const bytes = Buffer.from(text);
  const places = cuts
    .map(cut => cut % (bytes.length + 1))
    .sort((a, b) => a - b);
  const reader = new JsonReader(shape);
  [0, ...places].forEach((from, index) =>
    reader.write(bytes.subarray(from, places[index] ?? bytes.length)),
  );
  return reader.end();
}

/** What `JSON.parse` makes of a text, or that it refuses it. */
function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return 'refused';
  }
}

describe('JsonReader', () => {
  test('reads what JSON.parse reads, wherever the chunks end', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }),
        fc.boolean(),
        fc.array(fc.nat()),
        (value, pretty, cuts) => {
          const text = JSON.stringify(value, undefined, pretty ? 1 : undefined);
          assert.deepEqual(read(text, cuts), JSON.parse(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('refuses what JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\0', '\t'],
      ...['"a"', '1', '-', '1e5', '01', '.5', 'true', 'null', 'nul', 'NaN'],
      ...['"\\u00e9"', '"\\ud83d"', '"\\x"', 'é', '{"a":', '[1,', '"a":1'],
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat()),
        (pieces, cuts) => {
          const text = pieces.join('');
          assert.deepEqual(
            outcome(() => read(text, cuts)),
            outcome(() => JSON.parse(text)),
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  for (const text of [
    '{"__proto__":{"a":1},"constructor":2,"a":1,"a":2}',
    '"\\u2028\u2028"',
    ' [ ] ',
    '-0',
    '',
    '[1 2]',
    '{"a":1,}',
    '[,1]',
    '{"a" 1}',
    '{1:2}',
    ']',
    '1 1',
    '"a\nb"',
  ]) {
    test(`does with ${JSON.stringify(text)} as JSON.parse does`, () => {
      for (const cuts of [
        [],
        Array.from({ length: text.length }, (_, at) => at),
      ]) {
        assert.deepEqual(
          outcome(() => read(text, cuts)),
          outcome(() => JSON.parse(text)),
        );
      }
    });
  }

  test('refuses what nests too deep, and numbers without end', () => {
    assert.doesNotThrow(() => read('['.repeat(64) + ']'.repeat(64)));
    for (const text of [
      '['.repeat(65) + ']'.repeat(65),
      '{"a":'.repeat(100_000),
      '1'.repeat(65),
    ]) {
      assert.throws(() => read(text), SyntaxError);
    }
  });

  test('handles elements as they are complete, and knows when there are enough', () => {
    const seen: unknown[] = [];
    const each = (element: unknown) => {
      seen.push(element);
      return seen.length > 2 ? ENOUGH : `${seen.length}`;
    };
    const shape = { keys: { data: { keys: { result: { each } } } } };
    const text = '{"data":{"a":[1],"result":[{"b":[2]},3,[4],';
    for (const cuts of [[], Array.from({ length: 40 }, (_, at) => at)]) {
      seen.length = 0;
      assert.deepEqual(read(text, cuts, shape), {
        data: { a: [1], result: ['1', '2'] },
      });
      assert.deepEqual(seen, [{ b: [2] }, 3, [4]]);
    }
  });

  test('handles elements within elements first', () => {
    const shape: Shape = {
      each: element => ({ outer: element }),
      elements: { keys: { inner: { each: element => ({ inner: element }) } } },
    };
    assert.deepEqual(read('[{"inner":[1,2]}]', [], shape), [
      { outer: { inner: [{ inner: 1 }, { inner: 2 }] } },
    ]);
  });

  test('reads over lists and objects that are to be skipped, whatever is in them', () => {
    const shape: Shape = { keys: { a: { skip: true } } };
    for (const value of [
      '{"a":[{"b":"c"}]}',
      '[[],{}]',
      '["]", "\\"]", "\\\\"]',
      '[]',
    ]) {
      for (const cuts of [[], Array.from({ length: 30 }, (_, at) => at)]) {
        assert.deepEqual(read(`{"a":${value},"b":1}`, cuts, shape), {
          a: true,
          b: 1,
        });
      }
    }
    assert.deepEqual(read('{"a":"b"}', [], shape), { a: 'b' });
    assert.throws(() => read('{"a":[]]}', [], shape), SyntaxError);
    assert.throws(() => read('{"a":[', [], shape), SyntaxError);
  });

  test('takes a long string in many chunks in linear time', () => {
    const time = (length: number) => {
      const chunk = Buffer.alloc(1024, 'a');
      const before = process.cpuUsage();
      const reader = new JsonReader();
      reader.write(Buffer.from('"'));
      for (let at = 0; at < length; at++) {
        reader.write(chunk);
      }
      reader.write(Buffer.from('"'));
      assert.equal((reader.end() as string).length, length * 1024);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    time(1000);
    const [small, large] = [time(2_000), time(16_000)];
    assert.ok(
      large < 24 * small,
      `8 times as much took ${large / small} times`,
    );
  });
});
