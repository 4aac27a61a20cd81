import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { samplesOf } from '@nativestage/backstage-plugin-prometheus-common';
import { RangeScanner, type Scanned } from './RangeScanner';

const RANGE = { start: 1000, end: 1060, step: 15 };

describe('RangeScanner', () => {
  test('reads what JSON.parse reads, wherever the chunks end', () => {
    const label = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        'values',
        '"values":[[1,"2"]]',
        '\\',
        '\\"values\\":[',
        ']',
      ),
    );
    const number = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.double({ min: -1e6, max: 1e6 }),
      fc.integer().map(digits => digits / 1000),
    );
    const value = fc.oneof(
      number.map(String),
      fc.constantFrom(
        'NaN',
        '+Inf',
        '-Inf',
        '1e+06',
        '-0',
        '0.1',
        '5e-324',
        '123456789012345.6',
        '.5',
      ),
    );
    const series = fc.record({
      metric: fc.dictionary(label, label),
      values: fc.uniqueArray(
        fc.tuple(
          fc.integer({ min: 0, max: 4 }).map(step => 1000 + step * 15),
          value,
        ),
        { selector: ([at]) => at },
      ),
    });
    const answer = fc.record({
      warnings: fc.array(label),
      data: fc.record({ result: fc.array(series, { maxLength: 4 }) }),
    });
    fc.assert(
      fc.property(
        answer,
        fc.boolean(),
        fc.array(fc.nat()),
        (body, pretty, cuts) => {
          const text = JSON.stringify(body, undefined, pretty ? 1 : undefined);
          const { skeleton, columns, nonFinite } = scan(text, cuts);
          assert.deepEqual(
            columns,
            body.data.result.map(({ values }) => column(values)),
          );
          assert.deepEqual(
            columns.map((values, at) =>
              samplesOf({ values, nonFinite: nonFinite[at] }),
            ),
            body.data.result.map(({ values }) => column(values, true)),
          );
          const expected = JSON.parse(text) as typeof body;
          expected.data.result.forEach((one, index) =>
            Object.assign(one, { values: index }),
          );
          assert.deepEqual(skeleton, expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('leaves the samples of surplus series out', () => {
    const text =
      '{"result":[{"values":[[1000,"1"]]},{"values":[[1000,"2"]]},{"values":[]}]}';
    const { columns, skeleton } = scan(text, [], 1);
    assert.deepEqual(columns, [[1, null, null, null, null]]);
    assert.deepEqual(skeleton, {
      result: [{ values: 0 }, { values: 1 }, { values: 2 }],
    });
  });

  test('leaves gaps where there is no sample, and ignores samples off the range', () => {
    const { columns } = scan(
      '{"values":[[985,"9"],[1015,"1"],[1030.001,"2"],[1075,"9"]]}',
    );
    assert.deepEqual(columns, [[null, 1, 2, null, null]]);
  });

  for (const text of [
    '{"values":[1]}',
    '{"values":[[1,2,3]]}',
    '{"values":[["a"]]}',
    '{"values":[[1,"2"',
    '{"values":[[1000,"1"]]',
    '{"values":[{"a":1}]}',
    `{"values":[[1,"${'1'.repeat(1000)}"]]}`,
    '{"a',
    'null null',
    '<html>',
    '',
  ]) {
    test(`refuses ${text.slice(0, 30) || 'nothing'}`, () => {
      assert.throws(() => scan(text), SyntaxError);
    });
  }

  test('fails on any bytes only with a SyntaxError', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '"values":[',
        '[1,"',
        '"]',
        ']',
        '\\',
        '"',
        '[',
        ',',
        ':',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat()),
        (pieces, cuts) => {
          try {
            scan(pieces.join(''), cuts);
          } catch (error) {
            assert.ok(error instanceof SyntaxError, String(error));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function scan(text: string, cuts: number[] = [], maxSeries = 100): Scanned {
  const bytes = Buffer.from(text);
  const places = cuts
    .map(cut => cut % (bytes.length + 1))
    .sort((a, b) => a - b);
  const scanner = new RangeScanner(RANGE, maxSeries);
  [0, ...places].forEach((from, index) =>
    scanner.write(bytes.subarray(from, places[index] ?? bytes.length)),
  );
  return scanner.end();
}

/** @param isComplete - whether infinities and NaN are there */
function column(
  values: [number, string][],
  isComplete = false,
): (number | null)[] {
  const drawn = Array.from<number | null>({ length: 5 }).fill(null);
  for (const [timestamp, text] of values) {
    const value = Number(text.replace(/Inf$/, 'Infinity'));
    drawn[(timestamp - RANGE.start) / RANGE.step] =
      isComplete || Number.isFinite(value) ? value : null;
  }
  return drawn;
}
