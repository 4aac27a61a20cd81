import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exemplar } from '@nativestage/backstage-plugin-prometheus-common';
import { thinExemplars } from './thinExemplars';

const exemplar = (timestamp: number, value: number | null): Exemplar => ({
  labels: { trace_id: `${timestamp}` },
  value,
  timestamp,
});
const range = { start: 0, end: 1000 };

test('few exemplars stay as they are', () => {
  const series = [{ labels: { a: 'b' }, exemplars: [exemplar(1, 2)] }];
  assert.deepEqual(thinExemplars(series, range, 2), series);
});

test('of many the extremes of each stretch stay, with their series', () => {
  const series = ['a', 'b'].map((path, shift) => ({
    labels: { path },
    exemplars: Array.from({ length: 5000 }, (_, at) =>
      // One that stands out in each series.
      exemplar(at / 5 + shift / 10, at === 1234 ? 99 + shift : at % 7),
    ),
  }));
  const thin = thinExemplars(series, range, 200);
  const left = thin.flatMap(({ exemplars }) => exemplars);
  assert.ok(left.length <= 200 && left.length > 100, String(left.length));
  assert.deepEqual(thin.at(-1)?.labels, { path: 'b' });
  assert.ok(left.some(({ value }) => value === 100));
  for (const each of left) {
    assert.ok(series.some(({ exemplars }) => exemplars.includes(each)));
  }
});

test('what is outside of the range, or no number, is not more than the rest', () => {
  const exemplars = Array.from({ length: 50 }, (_, at) =>
    exemplar(at * 100 - 500, at % 2 ? null : at),
  );
  const thin = thinExemplars([{ labels: {}, exemplars }], range, 4);
  assert.ok(thin[0].exemplars.length <= 4);
});
