import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toAlerts, toRuleGroups } from './rules';

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
    const groups = toRuleGroups({ data: { groups: [{ name: 'g', rules }] } });
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
  const groups = toRuleGroups({ data: { groups: [{ name: 'g', rules }] } });
  for (const { state } of toAlerts(groups, { names: ['a'] })) {
    assert.equal(state, 'inactive');
  }
});
