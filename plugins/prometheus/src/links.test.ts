import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressionUrl, httpUrl } from './links';

test('only addresses of the web are links', () => {
  assert.equal(httpUrl('https://a/b'), 'https://a/b');
  for (const text of [
    'javascript:alert(1)',
    ' javascript:alert(1)//http://a',
    'data:text/html,x',
    'ftp://a',
    'http://',
    '//a',
    '',
    undefined,
  ]) {
    assert.equal(httpUrl(text), undefined, text);
  }
});

test('an expression is a link where the instance has a page and the rule an expression', () => {
  const url = expressionUrl('https://prom/x/', 'a{b="c"} + 1 > 2');
  assert.equal(
    url,
    'https://prom/x/graph?g0.expr=a%7Bb%3D%22c%22%7D+%2B+1+%3E+2&g0.tab=1',
  );
  assert.equal(new URL(url).searchParams.get('g0.expr'), 'a{b="c"} + 1 > 2');
  assert.equal(expressionUrl(undefined, 'up'), undefined);
  assert.equal(expressionUrl('https://prom', undefined), undefined);
  assert.equal(expressionUrl('javascript:alert(1)', 'up'), undefined);
});

test('a graph of an expression is of its range', () => {
  const range = { start: 1_700_000_000, end: 1_700_003_600 };
  const { searchParams } = new URL(expressionUrl('https://prom', 'up', range)!);
  assert.deepEqual(Object.fromEntries(searchParams), {
    'g0.expr': 'up',
    'g0.tab': '0',
    'g0.range_input': '1h',
    'g0.end_input': '2023-11-14 23:13:20',
  });
});
