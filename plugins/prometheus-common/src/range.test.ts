import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  alignRange,
  chooseStep,
  countPoints,
  MAX_POINTS,
  timestampsOf,
} from './range';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('chooseStep', () => {
  const cases: [seconds: number, points: number | undefined, step: number][] = [
    [HOUR, 240, 20],
    [6 * HOUR, 240, 120],
    [DAY, 500, 300],
    [7 * DAY, 500, 1800],
    [31 * DAY, 800, 3600],
    [365 * DAY, 100, 4 * DAY],
    [HOUR, undefined, 1],
    // Where a fixed step of 14 s asks Prometheus for too many points.
    [43 * HOUR, undefined, 15],
    [0, 3, 1],
  ];
  for (const [seconds, maxPoints, step] of cases) {
    test(`takes ${step} s for ${seconds} s and ${maxPoints ?? 'all'} points`, () => {
      assert.equal(chooseStep({ start: 0, end: seconds, maxPoints }), step);
    });
  }

  test('goes no finer than the metrics are', () => {
    assert.equal(chooseStep({ start: 0, end: 60, minStep: 14 }), 15);
  });

  test('never asks for more points than are allowed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2e9 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 3, max: 50_000 }),
        (start, length, maxPoints) => {
          const range = { start, end: start + length };
          const step = chooseStep({ ...range, maxPoints });
          const points = countPoints(alignRange({ ...range, step }));
          assert.ok(points <= Math.min(maxPoints, MAX_POINTS), `${points}`);
        },
      ),
    );
  });

  test('refuses ranges and points that make no sense', () => {
    assert.throws(() => chooseStep({ start: 2, end: 1 }), RangeError);
    assert.throws(() => chooseStep({ start: NaN, end: 1 }), RangeError);
    assert.throws(() => chooseStep({ start: 0, end: Infinity }), RangeError);
    assert.throws(
      () => chooseStep({ start: 0, end: 1, maxPoints: 2 }),
      RangeError,
    );
    assert.throws(
      () => chooseStep({ start: 0, end: 1, minStep: NaN }),
      RangeError,
    );
  });
});

describe('alignRange', () => {
  test('puts both ends on the grid, across midnight too', () => {
    const start = Date.UTC(2026, 0, 1, 23, 59, 7) / 1000;
    const range = alignRange({ start, end: start + 120, step: 60 });
    assert.deepEqual(
      timestampsOf(range).map(at => new Date(at * 1000).toISOString()),
      [
        '2026-01-01T23:59:00.000Z',
        '2026-01-02T00:00:00.000Z',
        '2026-01-02T00:01:00.000Z',
      ],
    );
  });

  test('gives requests within one step the same range', () => {
    assert.deepEqual(
      alignRange({ start: 61, end: 121, step: 60 }),
      alignRange({ start: 119, end: 179.9, step: 60 }),
    );
  });

  test('refuses a step that is not whole seconds', () => {
    for (const step of [0, -1, 0.5, NaN, Infinity]) {
      assert.throws(() => alignRange({ start: 0, end: 1, step }), RangeError);
    }
  });
});
