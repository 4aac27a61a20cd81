import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerError } from '../AnswerError';
import { toRuleGroups } from './RuleGroup';
import { type AlertFilter, findAlerts, toAlerts } from './toAlerts';

for (const answer of [
  {},
  { data: null },
  { data: {} },
  { data: { groups: null } },
  { data: { groups: [] } },
  { data: { groups: [{ name: 'a', rules: null }] } },
]) {
  test(`${JSON.stringify(answer)} has no alerts`, () => {
    assert.deepEqual(toAlerts(toRuleGroups(answer), { names: 'all' }), []);
  });
}

for (const alerts of [undefined, null, []]) {
  test(`a rule with ${JSON.stringify(alerts)} for alerts is inactive`, () => {
    const rules = [{ name: 'a', type: 'alerting', alerts }];
    const groups = toRuleGroups(rulesOf(rules));
    const [{ state }] = toAlerts(groups, { names: 'all' });
    assert.equal(state, 'inactive');
  });
}

describe('a state', () => {
  for (const [word, state] of [
    ['firing', 'firing'],
    ['Alerting', 'firing'],
    ['Alerting (NoData)', 'firing'],
    ['Recovering', 'firing'],
    ['pending', 'pending'],
    ['Pending (Error)', 'pending'],
    ['inactive', 'inactive'],
    ['Normal', 'inactive'],
    ['Normal (NoData)', 'unknown'],
    ['Normal (Error)', 'unknown'],
    ['NoData', 'unknown'],
    ['Error', 'unknown'],
    ['nomatch', 'unknown'],
    ['unknown', 'unknown'],
    ['constructor', 'unknown'],
    ['', 'unknown'],
  ] as const) {
    test(`that a server calls "${word}" is ${state}`, () => {
      const [alert] = alertsOf({ alerts: [{ state: word }] });
      assert.equal(alert.state, state);
      assert.equal(alert.reportedState, state === 'unknown' ? word : undefined);
    });
  }
});

describe('a rule without active alerts', () => {
  for (const [rule, state] of [
    [{}, 'inactive'],
    [{ health: 'ok', state: 'inactive' }, 'inactive'],
    [{ health: 'ok', alerts: [{ state: 'Normal' }] }, 'inactive'],
    [{ health: 'err', state: 'inactive' }, 'unknown'],
    [{ health: 'error' }, 'unknown'],
    [{ health: 'nodata' }, 'unknown'],
    [{ health: 'unknown' }, 'unknown'],
    [{ lastError: 'many-to-many' }, 'unknown'],
    [{ health: 'ok', lastEvaluation: '0001-01-01T00:00:00Z' }, 'unknown'],
    [{ health: 'ok', state: 'unknown' }, 'unknown'],
    [{ health: 'ok', state: 'Alerting' }, 'firing'],
    [{ health: 'ok', state: 'pending' }, 'pending'],
  ] as const) {
    test(`is ${state} with ${JSON.stringify(rule)}`, () => {
      const [alert, ...others] = alertsOf(rule);
      assert.equal(alert.state, state);
      assert.deepEqual(others, []);
    });
  }
});

for (const [text, value, nonFiniteValue] of [
  ['1.5e+01', 15, undefined],
  ['+Inf', undefined, '+Inf'],
  ['-Inf', undefined, '-Inf'],
  ['NaN', undefined, 'NaN'],
  [undefined, undefined, undefined],
] as const) {
  test(`an alert of the value ${text} says so`, () => {
    const [alert] = alertsOf({ alerts: [{ state: 'firing', value: text }] });
    assert.equal(alert.value, value);
    assert.equal(alert.nonFiniteValue, nonFiniteValue);
  });
}

test('firing alerts come first, and what is not known before what is waiting', () => {
  const rules = ['inactive', 'pending', 'odd', 'firing'].map(state => ({
    name: state,
    type: 'alerting',
    alerts: [{ state }],
  }));
  assert.deepEqual(
    toAlerts(toRuleGroups(rulesOf(rules)), { names: 'all' }).map(
      ({ name }) => name,
    ),
    ['firing', 'odd', 'pending', 'inactive'],
  );
});

describe('labels that are asked for', () => {
  const [a, b] = ['a', 'b'].map(value => [{ label: 'team', value }]);
  const firing = (team: string) => ({ state: 'firing', labels: { team } });
  const states = (rule: object, filter: Partial<AlertFilter>) =>
    alertsOf(rule, filter).map(({ state }) => state);

  test('leave a quiet rule whose series may have them', () => {
    assert.deepEqual(states({}, { labels: a }), ['inactive']);
    assert.deepEqual(states({ labels: { team: 'a' } }, { labels: a }), [
      'inactive',
    ]);
    const template = { labels: { team: '{{ $labels.team }}' } };
    assert.deepEqual(states(template, { labels: a }), ['inactive']);
    assert.deepEqual(states({ health: 'err' }, { labels: a }), ['unknown']);
  });

  test('leave out a quiet rule whose own labels say otherwise', () => {
    assert.deepEqual(states({ labels: { team: 'b' } }, { labels: a }), []);
    assert.deepEqual(
      states({}, { labels: [{ label: 'alertname', value: 'other' }] }),
      [],
    );
  });

  test('of alerts that other series have make the rule quiet here', () => {
    const rule = { state: 'firing', alerts: [firing('b')] };
    assert.deepEqual(states(rule, { labels: a }), ['inactive']);
    assert.deepEqual(states(rule, { labels: b }), ['firing']);
  });

  test('are had for certain where they are enforced', () => {
    const rule = { state: 'firing', alerts: [firing('b')] };
    assert.deepEqual(states(rule, { enforced: a }), []);
    assert.deepEqual(states(rule, { enforced: b }), ['firing']);
    assert.deepEqual(states({}, { enforced: a }), []);
  });
});

describe('names that are asked for', () => {
  const groups = toRuleGroups(
    rulesOf([
      { name: 'there', type: 'alerting', labels: { team: 'a' } },
      { name: 'other', type: 'alerting', labels: { team: 'b' } },
      { name: 'recorded', type: 'recording' },
    ]),
  );
  const names = ['there', 'other', 'recorded', 'misspelt'];
  const team = [{ label: 'team', value: 'a' }];

  test('are told where no alerting rule has them, or none with those labels', () => {
    const { missing, mismatched } = findAlerts(groups, {
      names,
      labels: team,
    });
    assert.deepEqual(missing, ['recorded', 'misspelt']);
    assert.deepEqual(mismatched, ['other']);
    const all = findAlerts(groups, { names: 'all' });
    assert.deepEqual([all.missing, all.mismatched], [[], []]);
  });

  test('do not exist where enforced labels hide their rules', () => {
    const { missing, mismatched } = findAlerts(groups, {
      names,
      enforced: team,
    });
    assert.deepEqual(missing, ['other', 'recorded', 'misspelt']);
    assert.deepEqual(mismatched, []);
  });
});

for (const [answer, message] of [
  ['<html>', /^the answer has to be an object, found "<html>"$/],
  [{ data: [] }, /^data has to be an object/],
  [{ data: { groups: {} } }, /^data\.groups has to be a list/],
  [rulesOf([{ type: 'alerting' }]), /rules\[0\]\.name has to be a text/],
  [rulesOf([{ name: 'a', labels: { b: 1 } }]), /labels\.b has to be a text/],
] as const) {
  test(`${JSON.stringify(answer)} is no answer with rules`, () => {
    assert.throws(
      () => toRuleGroups(answer),
      error => error instanceof AnswerError && message.test(error.message),
    );
  });
}

function rulesOf(rules: object[]): object {
  return { data: { groups: [{ name: 'g', rules }] } };
}

/** The alerts of one rule. */
function alertsOf(rule: object, filter: Partial<AlertFilter> = {}) {
  const rules = [{ name: 'a', type: 'alerting', ...rule }];
  return toAlerts(toRuleGroups(rulesOf(rules)), { names: 'all', ...filter });
}
