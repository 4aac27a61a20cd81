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

test('a legend is filled in with labels, and goes before the dimension', () => {
  const all = [
    { path: '/cart', region: 'eu', job: 'x' },
    { path: '/cart', region: 'us', job: 'x' },
  ];
  assert.deepEqual(
    names(all, { legend: '{{path}} in {{ region }}', dimension: 'job' }),
    ['/cart in eu', '/cart in us'],
  );
  // What is called the same is told apart, and what has none of it has a name all the same.
  assert.deepEqual(names(all, { legend: '{{path}}' }), [
    '/cart {region="eu"}',
    '/cart {region="us"}',
  ]);
  assert.deepEqual(names([{ job: 'x' }], { legend: '{{pod}}' }), ['{job="x"}']);
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

test('naming 500 series takes a frame, also where all share a dimension', () => {
  const all = Array.from({ length: 500 }, (_, index) => ({
    labels: {
      __name__: 'http_requests_total',
      cluster: 'production-eu-west-1',
      instance: `10.0.0.${index}:9090`,
      job: 'checkout',
      namespace: 'shop',
      node: `node-${index % 20}`,
      pod: `checkout-7d9f8-${index}`,
    },
  }));
  for (const dimension of ['job', 'pod', undefined]) {
    const rounds = Array.from({ length: 10 }, () => {
      const before = process.cpuUsage();
      assert.equal(new Set(seriesNames(all, { dimension })).size, 500);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    // Processor time, of the calmest round: others compile the code and collect garbage.
    assert.ok(Math.min(...rounds) < 17, `${dimension}: ${rounds.join()} ms`);
  }
});
