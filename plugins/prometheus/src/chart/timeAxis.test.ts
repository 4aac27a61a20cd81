import assert from 'node:assert/strict';
import test from 'node:test';
import { fullTime, timeLabels } from './timeAxis';

const seconds = (iso: string) => Date.parse(iso) / 1000;
const berlin = { locale: 'en-GB', timeZone: 'Europe/Berlin' };

function every(step: number, from: string, count: number): number[] {
  return Array.from({ length: count }, (_, at) => seconds(from) + at * step);
}

test('the first time has its date, and so has the first after midnight of the zone', () => {
  assert.deepEqual(
    timeLabels(every(1800, '2025-11-22T22:00:00Z', 4), 1800, berlin),
    ['23:00\n22 Nov', '23:30', '00:00\n23 Nov', '00:30'],
  );
});

test('steps of seconds show seconds', () => {
  assert.deepEqual(
    timeLabels(every(30, '2025-11-22T12:00:00Z', 2), 30, berlin),
    ['13:00:00\n22 Nov', '13:00:30'],
  );
});

test('steps of days, months and years show dates only', () => {
  assert.deepEqual(
    timeLabels(every(86_400, '2025-11-21T23:00:00Z', 2), 86_400, berlin),
    ['22 Nov', '23 Nov'],
  );
  const [month] = timeLabels(
    [seconds('2025-11-22T00:00Z')],
    30 * 86_400,
    berlin,
  );
  assert.equal(month, 'Nov 2025');
  const [year] = timeLabels(
    [seconds('2025-11-22T00:00Z')],
    366 * 86_400,
    berlin,
  );
  assert.equal(year, '2025');
});

test('the locale writes the time', () => {
  const [label] = timeLabels([seconds('2025-11-22T20:00:00Z')], 3600, {
    locale: 'en-US',
    timeZone: 'UTC',
  });
  assert.match(label, /^08:00\sPM\nNov 22$/);
});

test('the full time has date, seconds and zone', () => {
  assert.equal(
    fullTime(seconds('2025-11-22T12:00:05Z'), berlin),
    '22 Nov 2025, 13:00:05 CET',
  );
});
