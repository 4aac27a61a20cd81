import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relativeTime } from './relativeTime';

const NOW = Date.parse('2026-01-02T12:00:00Z') / 1000;

for (const [seconds, text] of [
  [-5, 'now'],
  [0, 'now'],
  [1, '1 second ago'],
  [59, '59 seconds ago'],
  [60, '1 minute ago'],
  [3599, '59 minutes ago'],
  [7200, '2 hours ago'],
  [86_400, 'yesterday'],
  [40 * 86_400, '40 days ago'],
] as const) {
  test(`${seconds} seconds earlier is ${text}`, () => {
    assert.equal(relativeTime(NOW - seconds, NOW), text);
  });
}
