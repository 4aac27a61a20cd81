import assert from 'node:assert/strict';
import test from 'node:test';
import { shortNames } from './shortNames';

test('what all names begin with is taken off, up to a separator', () => {
  assert.deepEqual(
    shortNames(['checkout-7d9f8-x2k9q', 'checkout-7d9f8-x4w7z']),
    { prefix: 'checkout-7d9f8-', names: ['x2k9q', 'x4w7z'] },
  );
});

test('a single name, a short prefix, and names with nothing in common stay', () => {
  for (const names of [
    ['checkout-7d9f8-x2k9q'],
    ['pod-1', 'pod-2'],
    ['checkout', 'payments'],
    [],
  ]) {
    assert.deepEqual(shortNames(names), { prefix: '', names });
  }
});

test('something is left of a name that all others begin with', () => {
  assert.deepEqual(shortNames(['production-web', 'production-web-canary']), {
    prefix: 'production-',
    names: ['web', 'web-canary'],
  });
});

test('labels stay whole', () => {
  const labels = [
    '{cluster="production", pod="a"}',
    '{cluster="production", pod="b"}',
  ];
  assert.deepEqual(shortNames(labels), { prefix: '', names: labels });
  assert.deepEqual(
    shortNames([
      'checkout service {code="200"}',
      'checkout service {code="500"}',
    ]),
    { prefix: 'checkout service ', names: ['{code="200"}', '{code="500"}'] },
  );
});
