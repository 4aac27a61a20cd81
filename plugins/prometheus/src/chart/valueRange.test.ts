import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { valueIncrements, valueLabels } from './valueAxis';
import { valueRange } from './valueRange';

test('nothing, and nothing but zero, is 0 to 1', () => {
  assert.deepEqual(valueRange(null, null), [0, 1]);
  assert.deepEqual(valueRange(0, 0), [0, 1]);
});

test('a constant is in the middle', () => {
  assert.deepEqual(valueRange(5, 5), [0, 10]);
  assert.deepEqual(valueRange(-5, -5), [-10, 0]);
});

test('an axis that comes near zero begins there, another does not', () => {
  assert.equal(valueRange(1, 100)[0], 0);
  assert.ok(valueRange(1000, 1010)[0] > 900);
  assert.equal(valueRange(1000, 1010, { fromZero: true })[0], 0);
  assert.equal(valueRange(-1010, -1000, { fromZero: true })[1], 0);
});

test('a threshold that is near is in sight, a far one does not squeeze the series', () => {
  assert.ok(valueRange(10, 20, { near: [28] })[1] >= 28);
  assert.ok(valueRange(10, 20, { near: [5000] })[1] < 30);
  assert.ok(valueRange(5, 5, { near: [8] })[1] >= 8);
});

test('whatever the values, the range is finite and holds them', () => {
  // uPlot takes what is less than 1e-24 apart for one value.
  const value = fc
    .double({ min: -1e300, max: 1e300, noNaN: true })
    .map(each => (Math.abs(each) < 1e-20 ? 0 : each));
  fc.assert(
    fc.property(value, value, fc.boolean(), (a, b, fromZero) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const [from, to] = valueRange(low, high, { fromZero });
      assert.ok(Number.isFinite(from) && Number.isFinite(to));
      assert.ok(from < to);
      assert.ok(from <= low && to >= high, `${from} ${low} ${high} ${to}`);
    }),
  );
});

test('an axis reaches to what has to be on it, however far that is', () => {
  for (const [min, max, value] of [
    [1, 2, 500],
    [0, 0, 500],
    [10, 10, -3],
    [5, 6, 0],
  ]) {
    const [from, to] = valueRange(min, max, { within: [value] });
    assert.ok(from <= Math.min(min, value), `${from}`);
    assert.ok(to >= Math.max(max, value), `${to}`);
  }
  assert.deepEqual(valueRange(0, 0, { within: [0] }), [0, 1]);
});

test('labels have the unit', () => {
  assert.deepEqual(valueLabels([0, 2048, 4096], 'bytes'), [
    '0 B',
    '2 KiB',
    '4 KiB',
  ]);
});

test('moments are in whole minutes, hours and days', () => {
  assert.ok(valueIncrements('timestamp')!.every(step => step % 60 === 0));
  const day = new Date(2026, 0, 31, 9).getTime() / 1000;
  assert.deepEqual(valueLabels([day, day + 60], 'timestamp'), [
    '2026-01-31 09:00',
    '2026-01-31 09:01',
  ]);
});

test('neighbours that three digits do not tell apart are written out', () => {
  assert.deepEqual(valueLabels([0.9997, 0.9998, 0.9999], 'ratio'), [
    '99.97 %',
    '99.98 %',
    '99.99 %',
  ]);
  const labels = valueLabels([1_000_000, 1_000_001, 1_000_002], 'count');
  assert.equal(new Set(labels).size, 3);
});
