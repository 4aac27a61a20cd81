import assert from 'node:assert/strict';
import test from 'node:test';
import { statesOf } from './statesOf';
import { stretches, timelineHeight } from './Timeline';

test('equal values are one stretch, and a gap ends it', () => {
  assert.deepEqual(stretches([1, 1, 0, null, 0, 1]), [
    { from: 0, to: 2, value: 1 },
    { from: 2, to: 3, value: 0 },
    { from: 4, to: 5, value: 0 },
    { from: 5, to: 6, value: 1 },
  ]);
  assert.deepEqual(stretches([null, null]), []);
  assert.deepEqual(stretches([NaN, NaN, Infinity, Infinity, -Infinity, 1]), [
    { from: 0, to: 2, value: NaN },
    { from: 2, to: 4, value: Infinity },
    { from: 4, to: 5, value: -Infinity },
    { from: 5, to: 6, value: 1 },
  ]);
});

test('what 0 and 1 mean is known of `up`, and is as its author says of anything', () => {
  const up = { labels: { __name__: 'up', job: 'a' } };
  assert.deepEqual(
    statesOf([up]).map(({ label }) => label),
    ['down', 'up'],
  );
  const own = [{ value: 0, label: 'idle' }];
  assert.deepEqual(statesOf([up], own), own);
  assert.deepEqual(statesOf([up, { labels: { __name__: 'busy' } }]), []);
  assert.deepEqual(statesOf([]), []);
});

test('every series has a row, however many there are', () => {
  assert.equal(timelineHeight(3), 120);
  assert.ok(timelineHeight(100, true) >= 100 * 12);
});
