import assert from 'node:assert/strict';
import test from 'node:test';
import { type NamingOptions, seriesNames } from './seriesNames';

const names = (all: Record<string, string>[], options?: NamingOptions) =>
  seriesNames(
    all.map(labels => ({ labels })),
    options,
  );

test('the dimension names a series', () => {
  assert.deepEqual(
    names(
      [
        { pod: 'a', job: 'x' },
        { pod: 'b', job: 'x' },
      ],
      { dimension: 'pod' },
    ),
    ['a', 'b'],
  );
});

test('series that share the dimension are told apart by their other labels', () => {
  assert.deepEqual(
    names(
      [
        { pod: 'a', code: '200', job: 'x' },
        { pod: 'a', code: '500', job: 'x' },
        { pod: 'b', code: '200', job: 'x' },
      ],
      { dimension: 'pod' },
    ),
    ['a {code="200"}', 'a {code="500"}', 'b'],
  );
});

test('a series without the dimension is named by the labels that differ', () => {
  assert.deepEqual(names([{ pod: 'a' }, { job: 'x' }], { dimension: 'pod' }), [
    'a',
    '{job="x"}',
  ]);
});

test('without a dimension the one label that differs gives its value', () => {
  assert.deepEqual(
    names([
      { __name__: 'up', pod: 'a', job: 'x' },
      { __name__: 'up', pod: 'b', job: 'x' },
    ]),
    ['a', 'b'],
  );
});

test('without a dimension several labels that differ are written out', () => {
  assert.deepEqual(
    names([
      { pod: 'a', code: '200', job: 'x' },
      { pod: 'b', code: '500', job: 'x' },
    ]),
    ['{code="200", pod="a"}', '{code="500", pod="b"}'],
  );
});

test('a single series has all its labels, or the fallback without any', () => {
  assert.deepEqual(names([{ __name__: 'up', job: 'x' }]), ['up{job="x"}']);
  assert.deepEqual(names([{}]), ['value']);
  assert.deepEqual(names([{}], { fallback: 'sum(up)' }), ['sum(up)']);
});

test('an empty label is none', () => {
  assert.deepEqual(
    names([{ pod: '' }, { pod: 'a' }], { dimension: 'pod', fallback: 'all' }),
    ['all', 'a'],
  );
});

test('the same labels twice get numbers', () => {
  assert.deepEqual(names([{ a: '1' }, { a: '1' }, { a: '1' }]), [
    '{a="1"}',
    '{a="1"} (2)',
    '{a="1"} (3)',
  ]);
});

test('naming 500 series that all share a dimension takes no second', () => {
  const all = Array.from({ length: 500 }, (_, index) => ({
    job: 'x',
    pod: `pod-${index}`,
  }));
  const before = performance.now();
  assert.equal(new Set(names(all, { dimension: 'job' })).size, 500);
  assert.ok(performance.now() - before < 1000);
});
