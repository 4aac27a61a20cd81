import assert from 'node:assert/strict';
import { it } from 'node:test';
import { alertGraphOf } from './alertGraph';

const drawn: [expression: string, query: string, ...conditions: string[]][] = [
  ['latency > 0.5', 'latency', '> 0.5'],
  ['0.5 < latency', 'latency', '> 0.5'],
  ['1 >= a', 'a', '<= 1'],
  ['(up == 0)', 'up', '== 0'],
  ['up != 1 # a comment', 'up', '!= 1'],
  ['# a comment\nup == 0', 'up', '== 0'],
  ['a > 1 < 5', 'a', '> 1', '< 5'],
  ['(a > 1) < 5', 'a', '> 1', '< 5'],
  ['a / on (x) b >= (5 * 60) / 2', 'a / on (x) b', '>= 150'],
  ['-a > -1', '-a', '> -1'],
  ['a > -(2 ^ 3 % 5 + 1 - 2)', 'a', '> -2'],
  ['a > 1h30m', 'a', '> 5400'],
  ['a > 1_000', 'a', '> 1000'],
  ['a > 0x1F', 'a', '> 31'],
  ['a > 1e3', 'a', '> 1000'],
  ['vector(0) > 1', 'vector(0)', '> 1'],
  ['sum(a > 1) > 2', 'sum(a > 1)', '> 2'],
];

for (const [expression, query, ...conditions] of drawn) {
  it(`draws ${query} for ${JSON.stringify(expression)}, with lines`, () => {
    const graph = alertGraphOf(expression);
    assert.equal(graph.query, query);
    assert.deepEqual(
      graph.conditions.map(({ op, value }) => `${op} ${value}`),
      conditions,
    );
  });
}

for (const expression of [
  'vector(1)',
  'absent(up)',
  'a > b',
  'a > on (x) b',
  'a > bool 1',
  'a > 1 and b > 2',
  'a > 1 or b > 2',
  'a > time()',
  'a > 1 atan2 2',
  'a == Inf',
  'a == NaN',
  'a > 1 / 0',
  '1 > bool 0',
  'a[5m',
  '',
  'median_over_time(a[5m]) default 1 > 2 if b',
  'a > '.repeat(4_000),
]) {
  it(`draws ${JSON.stringify(expression.slice(0, 50))} as it is`, () => {
    assert.deepEqual(alertGraphOf(expression), {
      query: expression,
      conditions: [],
    });
  });
}
