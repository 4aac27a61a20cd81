import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerError } from '../AnswerError';
import { toRuleGroups } from './RuleGroup';
import { toAlerts } from './toAlerts';

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

test('states that only some servers know count as inactive', () => {
  const rules = ['nomatch', 'unknown', ''].map(state => ({
    name: 'a',
    type: 'alerting',
    state,
    alerts: [{ state }],
  }));
  const groups = toRuleGroups(rulesOf(rules));
  for (const { state } of toAlerts(groups, { names: ['a'] })) {
    assert.equal(state, 'inactive');
  }
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
