import assert from 'node:assert/strict';
import test from 'node:test';
import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';
import { stack } from './stack';
import { runs } from './stackedPaths';
import { toUplotData } from './toUplotData';

const all = () => true;

test('each series stands on those before it', () => {
  assert.deepEqual(
    stack(
      [
        [1, 2],
        [10, 20],
        [100, 200],
      ],
      all,
    ),
    [
      { bases: [0, 0], tops: [1, 2] },
      { bases: [1, 2], tops: [11, 22] },
      { bases: [11, 22], tops: [111, 222] },
    ],
  );
});

test('a gap stays a gap and lifts nothing', () => {
  const [lower, upper] = stack(
    [
      [1, null, 3],
      [10, 20, null],
    ],
    all,
  );
  assert.deepEqual(lower.tops, [1, null, 3]);
  assert.deepEqual(upper, { bases: [1, 0, 3], tops: [11, 20, null] });
});

test('negative values go down from zero', () => {
  const [, second, third] = stack([[5], [-2], [-3]], all);
  assert.deepEqual(second, { bases: [0], tops: [-2] });
  assert.deepEqual(third, { bases: [-2], tops: [-5] });
});

test('a hidden series takes no room', () => {
  const [, second] = stack([[1], [10]], index => index !== 0);
  assert.deepEqual(second, { bases: [0], tops: [10] });
});

test('a layer is drawn from gap to gap', () => {
  assert.deepEqual(runs([null, 1, 2, null, null, 3, null, 4, 5]), [
    { from: 1, to: 2 },
    { from: 5, to: 5 },
    { from: 7, to: 8 },
  ]);
  assert.deepEqual(runs([null]), []);
});

test('lines are drawn with the values as they came, all of them', () => {
  const timestamps = [0, 60];
  const series: RangeSeries[] = [
    { labels: {}, values: [0, 0] },
    { labels: {}, values: [null, null] },
    { labels: { a: '1' }, values: [null, 7] },
    { labels: { a: '1' }, values: [1, 2] },
  ];
  const { aligned, layers } = toUplotData({ timestamps, series }, 'line');
  assert.deepEqual(aligned, [
    timestamps,
    [0, 0],
    [null, null],
    [null, 7],
    [1, 2],
  ]);
  assert.equal(layers, undefined);
});
