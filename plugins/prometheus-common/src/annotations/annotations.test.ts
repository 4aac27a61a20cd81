import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { quote } from '../promql/strings';
import { AnnotationError } from './AnnotationError';
import { parseAlerts } from './alerts';
import { parseLabels } from './labels';

describe('parseAlerts', () => {
  const cases: [text: string, names: 'all' | string[]][] = [
    ['all', 'all'],
    [' all\n', 'all'],
    [
      'High CPU Usage,Memory Exhaustion',
      ['High CPU Usage', 'Memory Exhaustion'],
    ],
    [
      'High CPU Usage , Memory Exhaustion,',
      ['High CPU Usage', 'Memory Exhaustion'],
    ],
    ['API High Latency', ['API High Latency']],
    ['a\nb,\n c', ['a\nb', 'c']],
    ['a,a', ['a']],
    ["Don't panic,b", ["Don't panic", 'b']],
    ['5" disk,b', ['5" disk', 'b']],
    ['"a, b" , c', ['a, b', 'c']],
    ['all,a', ['all', 'a']],
    ['', []],
    [' , ', []],
  ];
  for (const [text, names] of cases) {
    test(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseAlerts(text), names);
    });
  }

  test('shows where a quote is not closed', () => {
    assert.throws(() => parseAlerts('a, "b, c'), {
      name: 'AnnotationError',
      line: 1,
      column: 4,
      message: /^prometheus\.io\/alert, line 1, column 4: the quote/,
    });
  });

  test('gives back every name that was quoted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'grapheme' })), names => {
        assert.deepEqual(parseAlerts(`${names.map(quote).join(' ,')},`), names);
      }),
    );
  });
});

describe('parseLabels', () => {
  const cases: [text: string, labels: Record<string, string>][] = [
    [
      'environment=production,service=api',
      { environment: 'production', service: 'api' },
    ],
    ['a=1, b=2', { a: '1', b: '2' }],
    [' a = 1 ,\n b= x y ,', { a: '1', b: 'x y' }],
    ['a="1, 2",b= "\\"" ', { a: '1, 2', b: '"' }],
    ['"http.route"=/a', { 'http.route': '/a' }],
    ['"a=b"=c', { 'a=b': 'c' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=', { a: '' }],
    ['', {}],
  ];
  for (const [text, labels] of cases) {
    test(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(
        parseLabels(text),
        Object.entries(labels).map(([label, value]) => ({ label, value })),
      );
    });
  }

  const unreadable: [text: string, column: number, says: RegExp][] = [
    ['a', 1, /no "="/],
    ['a=1, b', 6, /no "="/],
    ['=1', 1, /"" is not the name of a label/],
    ['a b=1', 1, /"a b" is not the name/],
    ['a!=1', 1, /"=" only/],
    ['a=~1', 1, /"=" only/],
    ['a==1', 1, /"=" only/],
    ['a="1', 3, /quote/],
    ['x=1,a="1"2', 7, /quote/],
  ];
  for (const [text, column, says] of unreadable) {
    test(`shows where ${JSON.stringify(text)} is wrong`, () => {
      assert.throws(() => parseLabels(text), {
        name: 'AnnotationError',
        annotation: 'prometheus.io/labels',
        column,
        problem: says,
      });
    });
  }

  test('gives back every label that was quoted', () => {
    const text = fc.string({ unit: 'grapheme' });
    const label = fc.string({ minLength: 1, unit: 'grapheme' });
    const labels = fc.array(
      fc.tuple(label, text).map(([name, value]) => ({ label: name, value })),
    );
    fc.assert(
      fc.property(labels, list => {
        const text = list
          .map(({ label, value }) => `${quote(label)}=${quote(value)}`)
          .join(', ');
        assert.deepEqual(parseLabels(text), list);
      }),
    );
  });

  test('fails on any text only with its own error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        for (const parse of [parseLabels, parseAlerts]) {
          try {
            parse(text);
          } catch (error) {
            assert.ok(error instanceof AnnotationError, String(error));
          }
        }
      }),
    );
  });
});

test('a problem is data that can be sent', () => {
  try {
    parseLabels('a');
    assert.fail();
  } catch (error) {
    const problem = (error as AnnotationError).toProblem();
    assert.deepEqual(problem, {
      annotation: 'prometheus.io/labels',
      problem: '"a" has no "=" and no value',
      message:
        'prometheus.io/labels, line 1, column 1: "a" has no "=" and no value\n  a\n  ^',
      offset: 0,
      line: 1,
      column: 1,
    });
  }
});
