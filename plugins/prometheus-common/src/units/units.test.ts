import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import * as promql from '../../../../__test__/support/promql';
import { formatValue } from './formatValue';
import { inferUnit } from './inferUnit';
import { BASE_UNITS, toUnit, type Unit } from './Unit';

describe('inferUnit', () => {
  const cases: [query: string, unit: Unit | undefined][] = [
    ['node_memory_active_bytes', 'bytes'],
    ['process_cpu_seconds_total', 'seconds'],
    ['up', undefined],
    ['rate(http_requests_total[5m])', 'count/s'],
    ['sum by (a) (rate(node_cpu_seconds_total[5m]))', 'seconds/s'],
    ['irate(a_bytes_total[5m]) offset 1h', 'bytes/s'],
    ['increase(a_bytes_total[1h])', 'bytes'],
    ['max_over_time(rate(a_bytes_total[5m])[1h:])', 'bytes/s'],
    ['rate(rate(a_bytes_total[5m])[1h:])', undefined],
    [
      'histogram_quantile(0.9, sum by (le) (rate(h_seconds_bucket[5m])))',
      'seconds',
    ],
    ['rate(h_seconds_sum[5m]) / rate(h_seconds_count[5m])', 'seconds'],
    ['a_bytes / b_bytes', 'ratio'],
    ['rate(errors_total[5m]) / rate(requests_total[5m])', 'ratio'],
    ['100 * a_ratio', 'percent'],
    // Of one thing, or of how it went, a quotient is a share; of two things it is not.
    ['rate(queries_total[5m]) / rate(requests_total[5m])', undefined],
    ['increase(queries_total[5m]) / increase(requests_total[5m])', undefined],
    ['rate(r_total{code=~"5.."}[5m]) / rate(r_total[5m])', 'ratio'],
    ['sum(rate(r_total[5m])) / ignoring(a) sum(rate(r_total[5m]))', 'ratio'],
    [
      'rate(http_request_errors_total[5m]) / rate(http_requests_total[5m])',
      'ratio',
    ],
    ['rate(shop_errors_total[5m]) / rate(shop_requests_total[5m])', 'ratio'],
    ['rate(db_errors_total[5m]) / rate(http_requests_total[5m])', undefined],
    ['rate(requests_total[5m]) / rate(errors_total[5m])', undefined],
    ['cache_hits_total / (cache_hits_total + cache_misses_total)', 'ratio'],
    ['cache_hits_total / cache_misses_total', undefined],
    ['rate(h_seconds_bucket{le="1"}[5m]) / rate(h_seconds_count[5m])', 'ratio'],
    ['rate(a_seconds_count[5m]) / rate(b_seconds_count[5m])', undefined],
    ['count(up == 1) / count(up)', 'ratio'],
    ['count(pods) / count(nodes)', undefined],
    ['rate(sent_bytes_total[5m]) / rate(received_bytes_total[5m])', 'ratio'],
    // Moments.
    ['process_start_time_seconds', 'timestamp'],
    ['max by (a) (backup_last_success_timestamp_seconds)', 'timestamp'],
    ['node_boot_time_seconds', 'timestamp'],
    ['a_created', 'timestamp'],
    ['time()', 'timestamp'],
    ['timestamp(up)', 'timestamp'],
    ['time() - process_start_time_seconds', 'seconds'],
    ['(time() - a_timestamp_seconds) > 3600', 'seconds'],
    ['a_timestamp_seconds + 3600', 'timestamp'],
    ['a_timestamp_seconds - b_seconds', 'timestamp'],
    ['b_seconds - a_timestamp_seconds', undefined],
    ['delta(a_timestamp_seconds[1h])', 'seconds'],
    ['sum(a_timestamp_seconds)', undefined],
    ['a_timestamp_seconds / b_timestamp_seconds', undefined],
    ['rate(a_timestamp_seconds[5m])', undefined],
    ['http_response_time_seconds', 'seconds'],
    ['gc_time_seconds_total', 'seconds'],
    // Comments say nothing of the unit.
    ['# of all\na_bytes', 'bytes'],
    ['a_bytes # of "all\n/ # more\nb_bytes', 'ratio'],
    ['( # all\n a_bytes )', 'bytes'],
    ['sum( # all\n rate(a_bytes_total[5m]))', 'bytes/s'],
    ['a_bytes * 8', undefined],
    ['a_bytes / 1024', undefined],
    ['1 - a_ratio', 'ratio'],
    ['a_bytes + b_seconds', undefined],
    ['a_bytes > 5', 'bytes'],
    ['a_bytes > bool 5', undefined],
    ['topk(5, a_bytes)', 'bytes'],
    ['count by (a) (b_bytes)', 'count'],
    ['count(up) + 1', 'count'],
    ['-(a_bytes)', 'bytes'],
    ['clamp(a_bytes, 0, 5)', 'bytes'],
    ['stdvar(a_bytes)', undefined],
    ['{"a_bytes"}', undefined],
    ['vector(1)', undefined],
    ['constructor', undefined],
    ['sum(', undefined],
    ['', undefined],
  ];
  for (const [query, unit] of cases) {
    test(`${query} is in ${unit ?? 'nothing known'}`, () => {
      assert.equal(inferUnit(query), unit);
    });
  }

  test('believes the metadata before the name', () => {
    const units: Record<string, string> = {
      latency: 'seconds',
      a_bytes: 'bits',
    };
    const told = (metric: string) => units[metric];
    assert.equal(inferUnit('latency', told), 'seconds');
    assert.equal(inferUnit('rate(a_bytes[5m])', told), 'bits/s');
    assert.equal(
      inferUnit('process_start_time_seconds', () => 'seconds'),
      'timestamp',
    );
    assert.equal(
      inferUnit('histogram_quantile(0.5, latency_bucket)', told),
      'seconds',
    );
  });

  test('has an answer for every query', () => {
    fc.assert(
      fc.property(fc.oneof(promql.query, promql.splintered), query => {
        const unit = inferUnit(query);
        assert.ok(unit === undefined || toUnit(unit) === unit);
      }),
    );
  });
});

test('a moment has no rate', () => {
  assert.equal(toUnit('timestamp'), 'timestamp');
  assert.equal(toUnit('timestamp/s'), undefined);
});

describe('formatValue', () => {
  const cases: [value: number | null, unit: Unit, text: string][] = [
    [1536, 'bytes', '1.5 KiB'],
    [-2048, 'bytes/s', '-2 KiB/s'],
    [5 * 2 ** 30, 'bytes', '5 GiB'],
    [0, 'bytes', '0 B'],
    [1023, 'bytes', '1023 B'],
    [1024, 'bytes', '1 KiB'],
    [2 ** 30, 'bytes', '1 GiB'],
    [8e6, 'bits/s', '8 Mb/s'],
    [0.123, 'ratio', '12.3 %'],
    [12.34, 'percent', '12.3 %'],
    [0.25, 'seconds', '250 ms'],
    [0.000_012, 'seconds', '12 µs'],
    [1e-9, 'seconds', '1 ns'],
    [0, 'seconds', '0 s'],
    [59.99, 'seconds', '1 min'],
    [5400, 'seconds', '1.5 h'],
    [172_800, 'seconds', '2 d'],
    [0.35, 'seconds/s', '0.35 s/s'],
    [1234, 'count', '1.23k'],
    [999.9, 'count', '1k'],
    [3.5e15, 'count', '3.5P'],
    [2e18, 'count/s', '2E/s'],
    [3 * 2 ** 50, 'bytes', '3 PiB'],
    [999.9e12, 'bits', '1 Pb'],
    [
      new Date(2026, 0, 31, 9, 5).getTime() / 1000,
      'timestamp',
      '2026-01-31 09:05',
    ],
    [1e300, 'timestamp', '1e300 s'],
    [12_345, 'count/s', '12.3k/s'],
    [0.5, 'count', '0.5'],
    [5e-11, 'count', '5e-11'],
    [21.5, 'celsius', '21.5 °C'],
    [1500, 'watts', '1.5 kW'],
    [null, 'bytes', '–'],
    [NaN, 'bytes', 'NaN'],
    [Infinity, 'bytes', '∞'],
    [-Infinity, 'count/s', '-∞'],
  ];
  for (const [value, unit, text] of cases) {
    test(`${value} ${unit} is ${text}`, () => {
      assert.equal(formatValue(value, unit), text);
    });
  }

  test('stays short for every number', () => {
    const units = BASE_UNITS.flatMap(unit =>
      ([unit, `${unit}/s`] as Unit[]).filter(one => toUnit(one) === one),
    );
    fc.assert(
      fc.property(fc.double(), fc.constantFrom(...units), (value, unit) => {
        assert.ok(formatValue(value, unit).length <= 16);
      }),
    );
  });
});
