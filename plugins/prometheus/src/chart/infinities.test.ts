import assert from 'node:assert/strict';
import { it } from 'node:test';
import { infinitiesOf } from './infinities';

it('finds where series are infinite, in both directions, and no NaN', () => {
  const labels = {};
  assert.deepEqual(
    infinitiesOf([
      { labels, values: [1, 2] },
      { labels, values: [null, null], nonFinite: { '+Inf': [0], '-Inf': [1] } },
      { labels, values: [null, 1], nonFinite: { NaN: [0] } },
      { labels, values: [null, null], nonFinite: { '+Inf': [0, 1] } },
    ]),
    [
      { series: 1, isPositive: true, places: [0] },
      { series: 1, isPositive: false, places: [1] },
      { series: 3, isPositive: true, places: [0, 1] },
    ],
  );
});
