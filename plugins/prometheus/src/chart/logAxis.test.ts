import assert from 'node:assert/strict';
import test from 'node:test';
import { logBase, logRange, logSplits } from './logAxis';

test('a logarithmic axis has whole powers', () => {
  assert.deepEqual(logRange(3, 2500, 10), [1, 10_000]);
  assert.deepEqual(logRange(0.002, 0.004, 10), [0.001, 0.01]);
  assert.deepEqual(logRange(100, 100, 10), [100, 1000]);
  assert.deepEqual(logRange(300, 5000, 2), [256, 8192]);
  assert.deepEqual(logRange(null, null, 10), [1, 10]);
});

test('its lines are few, and at powers', () => {
  assert.deepEqual(
    logSplits(0.001, 1000, 10),
    [0.001, 0.01, 0.1, 1, 10, 100, 1000],
  );
  assert.deepEqual(logSplits(1, 1e12, 10), [1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12]);
  assert.deepEqual(logSplits(1, 2 ** 30, 2), [
    1,
    2 ** 5,
    2 ** 10,
    2 ** 15,
    2 ** 20,
    2 ** 25,
    2 ** 30,
  ]);
});

test('bytes count in powers of two', () => {
  assert.equal(logBase('bytes'), 2);
  assert.equal(logBase('seconds'), 10);
  assert.equal(logBase(), 10);
});
