import assert from 'node:assert/strict';
import test from 'node:test';
import { isolatedPoints } from './isolatedPoints';
import { placeTooltip } from './placeTooltip';
import { tooltipRows } from './tooltipRows';

const all = () => true;
const series = (...values: (number | null)[]) =>
  values.map(value => ({ values: [value] }));

test('rows are sorted by value, without gaps and hidden series', () => {
  assert.deepEqual(
    tooltipRows(series(1, 3, null, 2, 9), 0, index => index !== 4),
    {
      rows: [
        { index: 1, value: 3 },
        { index: 3, value: 2 },
        { index: 0, value: 1 },
      ],
      more: 0,
    },
  );
});

test('of many, the largest ten are shown', () => {
  const many = series(...Array.from({ length: 200 }, (_, index) => index));
  const { rows, more } = tooltipRows(many, 0, all);
  assert.deepEqual(
    rows.map(({ value }) => value),
    [199, 198, 197, 196, 195, 194, 193, 192, 191, 190],
  );
  assert.equal(more, 190);
});

test('of many, the focused one is shown among its neighbours, also the last', () => {
  const many = series(...Array.from({ length: 200 }, (_, index) => index));
  for (const focused of [0, 1, 57, 199]) {
    const { rows, more } = tooltipRows(many, 0, all, focused);
    assert.ok(rows.some(({ index }) => index === focused));
    assert.deepEqual([rows.length, more], [10, 190]);
  }
});

test('infinities are among the values, and NaN after all others', () => {
  const series = [
    { values: [null], nonFinite: { NaN: [0] } },
    { values: [5] },
    { values: [null], nonFinite: { '+Inf': [0] } },
    { values: [null] },
    { values: [null], nonFinite: { '-Inf': [0] } },
  ];
  assert.deepEqual(
    tooltipRows(series, 0, () => true).rows.map(({ value }) => value),
    [Infinity, 5, -Infinity, NaN],
  );
});

test('the tooltip is right of the crosshair, or left of it at the edge, and never outside', () => {
  const viewport = { width: 1000, height: 500 };
  const tooltip = { width: 200, height: 100 };
  assert.deepEqual(placeTooltip({ x: 100, y: 100 }, tooltip, viewport), {
    x: 112,
    y: 112,
  });
  assert.deepEqual(placeTooltip({ x: 950, y: 480 }, tooltip, viewport), {
    x: 738,
    y: 396,
  });
  assert.deepEqual(
    placeTooltip({ x: 50, y: 50 }, { width: 2000, height: 900 }, viewport),
    { x: 4, y: 4 },
  );
});

test('only values between two gaps need a point', () => {
  assert.deepEqual(
    isolatedPoints([1, null, 2, null, 3, 4, null, 5]),
    [0, 2, 7],
  );
  assert.deepEqual(isolatedPoints([1]), [0]);
  assert.equal(isolatedPoints([1, 2, null]), null);
  assert.equal(isolatedPoints([null, null]), null);
});
