import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { Row } from './alertRows';
import { commonLabels, groupRows, isGroup } from './groupRows';

function row(name: string, pod: string, rest: Partial<Alert> = {}): Row {
  const labels = { alertname: name, team: 'a', pod };
  const alert = { name, state: 'firing', labels, annotations: {}, ...rest };
  return { key: `${name} ${pod}`, alert: alert as Alert };
}

test('many alerts of one rule are one row, at the place of the first', () => {
  const many = ['1', '2', '3', '4'].map(pod => row('Many', pod));
  const rows = [
    row('First', '1'),
    many[0],
    row('Few', '1'),
    ...many.slice(1),
    row('Few', '2'),
    row('Many', '5', { query: 'another rule of that name' }),
  ];
  const entries = groupRows(rows);
  assert.deepEqual(
    entries.map(entry =>
      isGroup(entry) ? `${entry.rows.length} ${entry.name}` : entry.key,
    ),
    ['First 1', '4 Many', 'Few 1', 'Few 2', 'Many 5'],
  );
  const group = entries.find(isGroup)!;
  assert.deepEqual(group.rows, many);
  assert.deepEqual(commonLabels(group), { alertname: 'Many', team: 'a' });
});
