import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Prometheus } from '../../../../__test__/support/Prometheus';
import { prometheus, without } from '../../../../__test__/support/tools';
import { quote, unquote } from './strings';

const CASES: [literal: string, value: string | undefined][] = [
  ['"a"', 'a'],
  ["'a'", 'a'],
  ['`a\\n`', 'a\\n'],
  ['"\\a\\b\\f\\n\\r\\t\\v\\\\\\""', '\x07\b\f\n\r\t\v\\"'],
  [`'\\''`, "'"],
  ['"\\x41\\101\\u00e9\\U0001F600"', 'AAé😀'],
  ['""', ''],
  ['"a', undefined],
  ['"a\\"', undefined],
  ['"a"b"', undefined],
  ['"a\nb"', undefined],
  ['"\\q"', undefined],
  [`"\\'"`, undefined],
  [`'\\"'`, undefined],
  ['"\\xff"', undefined],
  ['"\\377"', undefined],
  ['"\\ud800"', undefined],
  ['"\\u12"', undefined],
  ['"\\A"', undefined],
  ['`a`b`', undefined],
  ['a', undefined],
  ['', undefined],
];

for (const [literal, value] of CASES) {
  test(`${literal} says ${JSON.stringify(value)}`, () => {
    assert.equal(unquote(literal), value);
  });
}

test('what is quoted is read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.equal(unquote(quote(text)), text.toWellFormed());
    }),
  );
});

const skip = without(prometheus(3).server);

test('Prometheus reads strings as we do', { skip }, async t => {
  const server = await Prometheus.serve(t, {});
  const read = async (literal: string) => {
    const tree = await server.parse(literal);
    return (tree as { val?: string } | undefined)?.val;
  };
  for (const [literal, value] of CASES.filter(([text]) => text !== '')) {
    // We refuse more: bytes that are no text, and half surrogate pairs.
    if (value !== undefined) {
      assert.equal(await read(literal), value, literal);
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async text => {
      assert.equal(await read(quote(text)), text.toWellFormed());
    }),
    { numRuns: 300 },
  );
});
