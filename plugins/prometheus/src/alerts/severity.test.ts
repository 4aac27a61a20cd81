import assert from 'node:assert/strict';
import { test } from 'node:test';
import { severityOf, severityRank } from './severity';

for (const [word, severity] of [
  ['critical', 'critical'],
  ['Page', 'critical'],
  ['P1', 'critical'],
  ['warning', 'warning'],
  ['ticket', 'warning'],
  ['info', 'info'],
  ['none', 'info'],
  ['purple', undefined],
] as const) {
  test(`the severity "${word}" is ${severity ?? 'none that is known'}`, () => {
    assert.equal(severityOf({ labels: { severity: word } }), severity);
  });
}

test('an alert without a severity is no less than a warning', () => {
  const ranks = [{ severity: 'page' }, {}, { severity: 'info' }].map(labels =>
    severityRank({ labels: labels as Record<string, string> }),
  );
  assert.deepEqual(ranks, [0, 1, 2]);
});
