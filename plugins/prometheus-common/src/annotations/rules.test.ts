import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import * as promql from '../../../../__test__/support/promql';
import { splitQueries } from '../promql/scan';
import { AnnotationError } from './AnnotationError';
import { parseRules, readRules } from './rules';

/** What is read of an annotation: queries, each with its dimension. */
const READ: [form: string, text: string, panels: [string, string?][]][] = [
  [
    'the example of the documentation',
    'memUsage|component,node_memory_active_bytes|instance,sum by (instance) (node_cpu_seconds_total)',
    [
      ['memUsage', 'component'],
      ['node_memory_active_bytes', 'instance'],
      ['sum by (instance) (node_cpu_seconds_total)'],
    ],
  ],
  ['one metric', 'memUsage', [['memUsage']]],
  [
    'a recording rule',
    'api_requests_per_second|endpoint',
    [['api_requests_per_second', 'endpoint']],
  ],
  [
    'space around everything',
    '  a | b ,\tc |d  ',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['a trailing comma', 'a,b,', [['a'], ['b']]],
  ['nothing', ' , ,', []],
  ['a bar without a label', 'a|,b', [['a'], ['b']]],
  [
    'commas in groupings',
    'sum by (a,b) (c)|a,d',
    [['sum by (a,b) (c)', 'a'], ['d']],
  ],
  ['two matchers', 'up{a="b",c="d"},e', [['up{a="b",c="d"}'], ['e']]],
  ['a bar in an expression', 'up{a=~"b|c"}|a', [['up{a=~"b|c"}', 'a']]],
  [
    'brackets and bars in strings',
    `up{a=")|,(",b='",|',c=\`,|\\\`}|a`,
    [[`up{a=")|,(",b='",|',c=\`,|\\\`}`, 'a']],
  ],
  ['escaped quotes', 'up{a="\\",|"}|a', [['up{a="\\",|"}', 'a']]],
  ['several arguments', 'clamp(a, 0, 1)|b', [['clamp(a, 0, 1)', 'b']]],
  ['a dimension that needs quotes', 'a|"http.route"', [['a', 'http.route']]],
  [
    'a YAML block',
    'sum by (a) (\n  b\n)|a,\nc\n',
    [['sum by (a) (\n  b\n)', 'a'], ['c']],
  ],
  [
    'comments',
    'a, # first, and | more\nb',
    [['a'], ['# first, and | more\nb']],
  ],
  ['sums', 'a + b, c', [['a + b'], ['c']]],
];

/** What cannot be read, where, and what the author is told. */
const UNREADABLE: [text: string, line: number, column: number, says: RegExp][] =
  [
    ['sum(up', 1, 4, /parenthesis is not closed/],
    ['a,\n  sum(up,b', 2, 6, /parenthesis is not closed/],
    ['up{a="b"', 1, 3, /brace is not closed/],
    ['up[5m', 1, 3, /bracket is not closed/],
    ['a)', 1, 2, /nothing is open/],
    ['sum(a]', 1, 6, /parenthesis before it is still open/],
    ['up{a="b}', 1, 6, /quote is not closed/],
    ['up{a=`b}', 1, 6, /quote is not closed/],
    ['a b', 1, 3, /"b" is not expected here/],
    ['a\nb', 2, 1, /"b" is not expected here/],
    ['a,nope(b)', 1, 7, /no function "nope"/],
    ['a +', 1, 4, /ends too early/],
    ['a,b|c|d', 1, 7, /second "\|"/],
    ['a,|b', 1, 3, /no query before/],
    ['a|b c', 1, 3, /"b c" is not the name of a label/],
    ['a|{b}', 1, 3, /not the name of a label/],
    ['up{a="\\q"}', 1, 6, /escape/],
  ];

describe('parseRules', () => {
  for (const [form, text, panels] of READ) {
    test(`reads ${form}`, () => {
      assert.deepEqual(
        parseRules(text).map(({ query, dimension }) =>
          dimension === undefined ? [query] : [query, dimension],
        ),
        panels,
      );
    });
  }

  for (const [text, line, column, says] of UNREADABLE) {
    test(`shows where ${JSON.stringify(text)} is wrong`, () => {
      assert.throws(
        () => parseRules(text),
        (error: unknown) => {
          assert.ok(error instanceof AnnotationError);
          assert.match(error.problem, says);
          assert.deepEqual([error.line, error.column], [line, column]);
          return true;
        },
      );
    });
  }

  test('says where each query begins', () => {
    assert.deepEqual(
      parseRules('a,\n  b').map(({ position }) => position),
      [
        { offset: 0, line: 1, column: 1 },
        { offset: 5, line: 2, column: 3 },
      ],
    );
  });

  test('draws the place for the author of the catalog file', () => {
    assert.throws(() => parseRules('a,\n\tsum(up,'), {
      message:
        'prometheus.io/rule, line 2, column 5: the parenthesis is not closed\n' +
        '  \tsum(up,\n' +
        '  \t   ^',
    });
  });

  test('shows of a long line only what is near', () => {
    const text = `${'a + '.repeat(500)}b c${' + a'.repeat(500)}`;
    assert.throws(
      () => parseRules(text),
      ({ message }: Error) => message.length < 400 && message.includes('…'),
    );
  });

  test('leaves the grammar alone where another language is spoken', () => {
    assert.equal(
      parseRules('rate(a) default 0, b', { language: 'any' }).length,
      2,
    );
    assert.throws(() => parseRules('rate(a', { language: 'any' }));
  });

  test('keeps the good queries beside the bad ones', () => {
    const { panels, problems } = readRules('a,b c,d|e|f,g,sum(h, i');
    assert.deepEqual(
      panels.map(({ query }) => query),
      ['a', 'g'],
    );
    assert.equal(problems.length, 3);
  });

  test('gives back the queries that were put together', () => {
    const rule = fc.record({
      query: promql.query,
      dimension: fc.option(fc.constantFrom('job', 'le'), { nil: undefined }),
      gap: fc.constantFrom('', ' ', '\n'),
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), rules => {
        const text = rules
          .map(({ query, dimension, gap }) =>
            dimension ? `${query}${gap}|${gap}${dimension}` : query,
          )
          .join(',');
        assert.deepEqual(
          parseRules(text).map(({ query, dimension }) => [query, dimension]),
          rules.map(({ query, dimension }) => [query.trim(), dimension]),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('splits any text so that the pieces join back, and fails only with its own error', () => {
    fc.assert(
      fc.property(
        fc.oneof(promql.splintered, fc.string(), fc.string({ unit: 'binary' })),
        text => {
          const { pieces } = splitQueries(text);
          const joined = pieces.map(
            ({ from, to, separator }) => text.slice(from, to) + separator,
          );
          assert.equal(joined.join(''), text);
          for (const problem of readRules(text).problems) {
            assert.ok(problem instanceof AnnotationError, String(problem));
            assert.ok(problem.offset <= text.length);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('reads a hostile annotation in time that grows with its length', () => {
    for (const part of ['(', '"', '\\"', ',', '|', '{a="', '#', "'`", 'a,']) {
      const start = performance.now();
      readRules(part.repeat(50_000), { language: 'any' });
      const took = performance.now() - start;
      assert.ok(took < 5000, `${part} took ${took} ms`);
    }
  });
});
