import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toRuleGroups } from './RuleGroup';
import { findAlerts } from './toAlerts';

/** What the server has for now, in seconds. */
const NOW = Date.UTC(2026, 0, 1) / 1000;

const ago = (seconds: number) => new Date((NOW - seconds) * 1000).toISOString();

interface Given {
  interval?: number;
  /** Seconds since the rule was evaluated. */
  age: number;
  alerts?: { state: string }[];
}

function alertsOf(given: Given[], answered?: number) {
  const groups = given.map(({ interval, age, alerts = [] }, index) => ({
    name: `g${index}`,
    interval,
    rules: [
      {
        name: `r${index}`,
        type: 'alerting',
        health: 'ok',
        state: alerts[0]?.state ?? 'inactive',
        lastEvaluation: ago(age),
        alerts,
      },
    ],
  }));
  return findAlerts(toRuleGroups({ data: { groups } }), {
    names: 'all',
    answered,
  }).alerts;
}

describe('a rule that its server no longer evaluates', () => {
  for (const [interval, age, state] of [
    [15, 20, 'inactive'],
    [15, 134, 'inactive'],
    [15, 136, 'unknown'],
    [0.5, 60, 'inactive'],
    [0.5, 64, 'unknown'],
    [3600, 3 * 3600, 'inactive'],
    [3600, 6 * 3600, 'unknown'],
    // It is not said how often it should be.
    [undefined, 86_400, 'inactive'],
    [0, 86_400, 'inactive'],
  ] as const) {
    it(`is ${state} ${age} s after the last time, with ${interval} s between`, () => {
      const [alert] = alertsOf([{ interval, age }], NOW);
      assert.equal(alert.state, state);
      assert.equal(alert.isStalled, state === 'unknown' ? true : undefined);
    });
  }

  it('fires on, and waits no longer', () => {
    for (const [before, after] of [
      ['firing', 'firing'],
      ['pending', 'unknown'],
    ]) {
      const alerts = [{ state: before }];
      const [alert] = alertsOf([{ interval: 15, age: 600, alerts }], NOW);
      assert.equal(alert.state, after);
      assert.equal(alert.isStalled, true);
      assert.equal(alert.interval, 15);
    }
  });

  it('is told from others that go on, also where the time of the answer is not known', () => {
    const found = alertsOf([
      { interval: 15, age: 3600 },
      { interval: 15, age: 5 },
    ]);
    assert.deepEqual(
      found.map(({ name, state }) => [name, state]),
      [
        ['r0', 'unknown'],
        ['r1', 'inactive'],
      ],
    );
    assert.equal(alertsOf([{ interval: 15, age: 3600 }])[0].state, 'inactive');
  });

  it('is no matter of the clock of whoever asks', () => {
    // The server's clock is an hour behind, and a year ahead.
    for (const skew of [-3600, 365 * 86_400]) {
      const [alert] = alertsOf([{ interval: 15, age: 5 - skew }], NOW + skew);
      assert.equal(alert.state, 'inactive');
    }
    // What is evaluated later than the answer was made counts.
    const [alert] = alertsOf([{ interval: 15, age: -600 }], NOW);
    assert.equal(alert.state, 'inactive');
  });
});
