import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import {
  alertRows,
  type AlertSort,
  countStates,
  shownLabels,
  toText,
  valueAt,
} from './alertRows';

function alert(name: string, rest: Partial<Alert> = {}): Alert {
  return { name, state: 'firing', labels: {}, annotations: {}, ...rest };
}

const BY_STATE: AlertSort = { by: 'state', direction: 'asc' };

function names(
  alerts: Alert[],
  options: Partial<Parameters<typeof alertRows>[1]>,
) {
  const all = { search: '', showInactive: true, sort: BY_STATE, ...options };
  return alertRows(alerts, all).map(({ alert: { name } }) => name);
}

describe('alertRows', () => {
  const ALERTS = [
    alert('quiet', { state: 'inactive' }),
    alert('b10', {
      state: 'pending',
      value: 5,
      activeAt: '2026-01-02T00:00:00Z',
    }),
    alert('b9', { state: 'pending', value: 10 }),
    alert('muted', { silenced: true, value: 7 }),
    alert('loud', { value: 6, activeAt: '2026-01-01T00:00:00Z' }),
  ];

  test('begin with what is worst; silenced alerts follow those that are not', () => {
    assert.deepEqual(names(ALERTS, {}), [
      'loud',
      'muted',
      'b9',
      'b10',
      'quiet',
    ]);
    const sort = { by: 'state', direction: 'desc' } as const;
    assert.equal(names(ALERTS, { sort })[0], 'quiet');
  });

  test('leave the alerts as they were', () => {
    const before = [...ALERTS];
    names(ALERTS, { sort: { by: 'name', direction: 'asc' } });
    assert.deepEqual(ALERTS, before);
  });

  test('leave inactive alerts out unless they are asked for, and no others', () => {
    const alerts = [...ALERTS, alert('failing', { state: 'unknown' })];
    const shown = names(alerts, { showInactive: false });
    assert.ok(!shown.includes('quiet'));
    assert.ok(shown.includes('failing'));
  });

  test('are sorted by numbers and times, with what has none at the end both ways', () => {
    const by = (key: string, direction: 'asc' | 'desc') =>
      names(ALERTS, { sort: { by: key, direction } });
    assert.deepEqual(by('value', 'asc'), [
      'b10',
      'loud',
      'muted',
      'b9',
      'quiet',
    ]);
    assert.deepEqual(by('value', 'desc'), [
      'b9',
      'muted',
      'loud',
      'b10',
      'quiet',
    ]);
    assert.deepEqual(by('activeAt', 'asc').slice(0, 2), ['loud', 'b10']);
    assert.deepEqual(by('activeAt', 'desc').slice(0, 2), ['b10', 'loud']);
    assert.deepEqual(by('name', 'asc').slice(0, 2), ['b9', 'b10']);
  });

  test('have every word of the search, wherever it is', () => {
    const alerts = [
      alert('HighLatency', { labels: { team: 'a', severity: 'page' } }),
      alert('Disk', { annotations: { summary: 'Disk of team a is full' } }),
      alert('Broken', { lastError: 'many-to-many', query: 'a * b' }),
      alert('Muted', { silenced: true }),
    ];
    for (const [search, found] of [
      ['latency', ['HighLatency']],
      ['team: a', ['HighLatency']],
      ['full DISK', ['Disk']],
      ['many-to', ['Broken']],
      ['a * b', ['Broken']],
      ['silenced', ['Muted']],
      ['severity page disk', []],
    ] as const) {
      assert.deepEqual(names(alerts, { search }), found, search);
    }
  });

  test('have keys of their own, which alerts keep', () => {
    const twins = [alert('a'), alert('a'), alert('a', { labels: { b: 'c' } })];
    const keys = alertRows(twins, {
      search: '',
      showInactive: true,
      sort: BY_STATE,
    }).map(({ key }) => key);
    assert.equal(new Set(keys).size, 3);
    const [later] = alertRows([alert('a', { value: 9 })], {
      search: '',
      showInactive: true,
      sort: BY_STATE,
    });
    assert.equal(later.key, keys[0]);
  });
});

test('states are counted', () => {
  assert.deepEqual(
    countStates([alert('a'), alert('b', { state: 'pending' }), alert('c')]),
    { firing: 2, unknown: 0, pending: 1, inactive: 0 },
  );
});

test('the severity is the first label, and the name is none', () => {
  const labels = { zone: 'z', alertname: 'a', app: 'b', severity: 'page' };
  assert.deepEqual(shownLabels(alert('a', { labels })), [
    ['severity', 'page'],
    ['app', 'b'],
    ['zone', 'z'],
  ]);
});

test('a path leads into an alert, and what it finds becomes text', () => {
  const one = alert('a', { labels: { team: 'b' }, value: 5 });
  for (const [path, text] of [
    ['labels.team', 'b'],
    ['value', '5'],
    ['labels', '{"team":"b"}'],
    ['labels.team.x.y', ''],
    ['nothing.there', ''],
  ]) {
    assert.equal(toText(valueAt(one, path)), text, path);
  }
});
