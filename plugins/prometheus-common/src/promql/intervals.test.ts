import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRules } from '../annotations/rules';
import { inferUnit } from '../units/inferUnit';
import { fillIntervals, intervalsOf, usesIntervals } from './intervals';
import { checkQuery } from './syntax';
import { narrowWindow } from './windows';

/** Grafana's own: https://github.com/grafana/grafana/blob/main/pkg/promlib/models/query_test.go */
test('the intervals are those of Grafana', () => {
  for (const [step, scrapeInterval, rateInterval] of [
    [15, undefined, 60],
    [60, undefined, 75],
    [3600, 15, 3615],
    [15, 60, 240],
    [300, 60, 360],
  ] as const) {
    const range = { start: 1000, end: 1000 + 3600 };
    assert.deepEqual(intervalsOf({ ...range, step, scrapeInterval }), {
      interval: step,
      rateInterval,
      range: 3600,
    });
  }
});

const INTERVALS = { interval: 30, rateInterval: 60, range: 3600 };

for (const [query, filled] of [
  ['rate(x[$__rate_interval])', 'rate(x[60s])'],
  ['rate(x[${__rate_interval}])', 'rate(x[60s])'],
  ['increase(x[$__range]) / $__range_s', 'increase(x[3600s]) / 3600'],
  ['x * $__range_ms', 'x * 3600000'],
  ['rate(x[${__range_s}s])', 'rate(x[3600s])'],
  ['x * $__interval_s / $__interval_ms', 'x * 30 / 30000'],
  ['x * $__rate_interval_s / $__rate_interval_ms', 'x * 60 / 60000'],
  [
    'max_over_time(rate(x[$__interval])[$__range:$__interval])',
    'max_over_time(rate(x[30s])[3600s:30s])',
  ],
] as const) {
  test(`${query} is ${filled}`, () => {
    assert.equal(fillIntervals(query, INTERVALS), filled);
    assert.equal(checkQuery(query), undefined);
    assert.equal(checkQuery(filled), undefined);
    assert.equal(usesIntervals(query), true);
    assert.equal(usesIntervals(filled), false);
  });
}

test('an interval that is no whole second is in milliseconds', () => {
  const intervals = { interval: 1, rateInterval: 2.5, range: 60 };
  assert.equal(fillIntervals('x[$__rate_interval]', intervals), 'x[2500ms]');
  assert.equal(fillIntervals('$__rate_interval_s', intervals), '2.5');
});

test('other variables are errors that name those there are, at their place', () => {
  assert.deepEqual(checkQuery('rate(x[$__rate_intervall])'), {
    offset: 7,
    message:
      'there is no variable "$__rate_intervall"; there are $__interval, $__rate_interval, $__range',
  });
  assert.equal(checkQuery('rate(x[$__interval]) +)')?.offset, 22);
});

test('annotations and units know them', () => {
  const [{ query }, { dimension }] = parseRules(
    'rate(a_bytes_total[$__rate_interval]), rate(b[${__interval}])|c',
  );
  assert.equal(inferUnit(query), 'bytes/s');
  assert.equal(dimension, 'c');
});

describe('the window of a query', () => {
  for (const [query, step, window] of [
    ['rate(x[2m])', 3600, '2m'],
    ['rate(x[2m])', 120, undefined],
    ['rate(x[1h30m])', 7200, '1h30m'],
    ['rate(x[120])', 3600, '120'],
    ['sum(rate(x[5m])) / sum(rate(y[10m]))', 3600, '5m'],
    ['sum(rate(x[5m])) / sum(rate(y[10m]))', 400, '5m'],
    ['sum(rate(x[5m])) / sum(rate(y[10m]))', 300, undefined],
    ['max_over_time(rate(x[1m])[1h:1m])', 3600, undefined],
    ['max_over_time(rate(x[1m])[30m:1m])', 3600, '30m'],
    ['x', 3600, undefined],
    ['x offset 1m', 3600, undefined],
    ['rate(', 3600, undefined],
  ] as const) {
    test(`of ${query} is ${window ?? 'wide enough'} at a step of ${step}`, () => {
      assert.equal(narrowWindow(query, step), window);
    });
  }
});
