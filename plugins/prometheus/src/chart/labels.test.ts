import assert from 'node:assert/strict';
import test from 'node:test';
import { formatLabels, identify } from './labels';

test('labels are written as PromQL has them, sorted, the metric in front', () => {
  assert.equal(
    formatLabels({ method: 'GET', __name__: 'http_requests', code: '2"0' }),
    'http_requests{code="2\\"0", method="GET"}',
  );
  assert.equal(formatLabels({ __name__: 'up' }), 'up');
  assert.equal(formatLabels({ a: '1', b: '' }), '{a="1"}');
  assert.equal(formatLabels({}), '');
});

test('a metric whose name is not plain stands among the labels', () => {
  assert.equal(
    formatLabels({ __name__: 'http.requests' }),
    '{__name__="http.requests"}',
  );
});

test('the name of a label that is not plain stands in quotes', () => {
  assert.equal(
    formatLabels({ __name__: 'up', 'http.method': 'GET', 'a:b': '1' }),
    'up{"a:b"="1", "http.method"="GET"}',
  );
  assert.equal(formatLabels({ 'k"1': 'a\\b' }), '{"k\\"1"="a\\\\b"}');
});

test('series are known by their labels in any order, and twins by their place', () => {
  const [a, b, c] = identify([
    { labels: { x: '1', y: '2' } },
    { labels: { y: '2', x: '1' } },
    { labels: { x: '1' } },
  ]);
  assert.equal(b, `${a}#2`);
  assert.notEqual(a, c);
});
