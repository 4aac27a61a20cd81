import assert from 'node:assert/strict';
import test from 'node:test';
import { totalOf } from './totalOf';

test('a total is of what is shown, and a gap only where all have one', () => {
  const series = [
    { values: [1, null, null] },
    { values: [2, 5, null] },
    { values: [4, 4, 4] },
  ];
  assert.deepEqual(
    totalOf(series, index => index < 2),
    [3, 5, null],
  );
  assert.deepEqual(
    totalOf(series, () => true),
    [7, 9, 4],
  );
  assert.deepEqual(
    totalOf([], () => true),
    [],
  );
});
