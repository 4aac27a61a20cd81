import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { searchAlerts } from './searchAlerts';

function alert(name: string, rest: Partial<Alert> = {}): Alert {
  return { name, state: 'firing', labels: {}, annotations: {}, ...rest };
}

const ALERTS = [
  alert('A', { labels: { team: 'a', zone: 'b' } }),
  alert('B', { labels: { team: 'b', 'http.method': 'GET' } }),
  alert('Api', { labels: { team: 'api', app: 'web shop' } }),
  alert('Quiet', {
    state: 'inactive',
    labels: { alertname: 'Quiet' },
    annotations: { summary: 'error: the team: is a riddle' },
    query: 'shop:errors:ratio > 0.5',
  }),
];

for (const [search, found] of [
  // A label and its value belong together.
  ['team: a', ['A']],
  ['team:a', ['A']],
  ['team=a', ['A']],
  ['team = "a"', ['A']],
  ['TEAM: A', ['A']],
  ['team: b', ['B']],
  ['team: b zone: b', []],
  ['zone: b', ['A']],
  ['http.method: get', ['B']],
  ['app: "web shop"', ['Api']],
  ['state: inactive', ['Quiet']],
  ['alertname: quiet', ['Quiet']],
  ['alertname: api', ['Api']],
  // While the value is typed.
  ['team: ap', ['Api']],
  ['team: p', []],
  ['team:', ['A', 'B', 'Api', 'Quiet']],
  // No alert has such a label.
  ['error: riddle', ['Quiet']],
  ['shop:errors:ratio', ['Quiet']],
  ['http://x', []],
  ['"web shop"', ['Api']],
  ['', ['A', 'B', 'Api', 'Quiet']],
  ['  ', ['A', 'B', 'Api', 'Quiet']],
  ['"', []],
] as const) {
  test(`"${search}" finds ${found.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(
      ALERTS.filter(searchAlerts(ALERTS, search)).map(({ name }) => name),
      found,
    );
  });
}
