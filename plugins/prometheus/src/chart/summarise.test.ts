import assert from 'node:assert/strict';
import test from 'node:test';
import { summarise } from './summarise';

test('gaps do not count', () => {
  assert.deepEqual(summarise([null, 4, null, -2, null]), {
    last: -2,
    min: -2,
    max: 4,
    mean: 1,
  });
});

test('zeros count', () => {
  assert.deepEqual(summarise([0, 0]), { last: 0, min: 0, max: 0, mean: 0 });
});

test('nothing but gaps comes to nothing', () => {
  assert.deepEqual(summarise([null, null]), {});
  assert.deepEqual(summarise([]), {});
});

test('a series that is infinite at times is so in its figures', () => {
  assert.deepEqual(summarise([3, Infinity, 3]), {
    last: 3,
    min: 3,
    max: Infinity,
    mean: Infinity,
  });
  assert.deepEqual(summarise([-Infinity, Infinity]), {
    last: Infinity,
    min: -Infinity,
    max: Infinity,
    mean: NaN,
  });
});

test('NaN counts for what is last alone', () => {
  assert.deepEqual(summarise([1, NaN, 3, null]), {
    last: 3,
    min: 1,
    max: 3,
    mean: 2,
  });
  assert.equal(summarise([1, NaN]).last, NaN);
  assert.deepEqual(summarise([NaN, null]), { last: NaN });
});

test('the mean of huge values is finite', () => {
  const { mean } = summarise([1.5e308, 1.5e308, 1.5e308]);
  assert.ok(Math.abs((mean ?? 0) / 1.5e308 - 1) < 1e-9);
});
