import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { readNamedQueries } from './NamedQueries';

function read(query: JsonObject) {
  return readNamedQueries(
    new ConfigReader({ prometheus: { queries: { latency: query } } }),
  ).get('latency');
}

test('a named query is titled by its name, and has what its operator wrote', () => {
  assert.deepEqual(read({ query: 'up' }), { title: 'latency', query: 'up' });
  const looks = {
    legend: '{{path}}',
    graphType: 'timeline',
    scale: 'log',
    width: 'full',
    unit: 'seconds',
    states: [{ value: 0, label: 'down', severity: 'critical' }],
    exemplars: true,
  };
  assert.deepEqual(read({ query: 'up', title: 'Latency', ...looks }), {
    query: 'up',
    title: 'Latency',
    ...looks,
  });
  const thresholds = [
    { value: 0.5, label: 'objective', severity: 'critical' },
    { value: 0.2 },
  ];
  assert.deepEqual(
    read({
      query: 'up',
      graphType: 'stacked',
      thresholds: [
        { value: 0.5, label: 'objective', severity: 'critical' },
        { value: 0.2 },
      ],
    })?.thresholds,
    thresholds,
  );
});

for (const [query, message] of [
  [{ query: 'sum(' }, /^prometheus\.queries\.latency\.query: /],
  [
    { query: 'up', graphType: 'pie' },
    'prometheus.queries.latency.graphType: found "pie", expected one of line, area, stacked, step, timeline, stat',
  ],
  [
    { query: 'up', thresholds: [{ value: 1, severity: 'bad' }] },
    'prometheus.queries.latency.thresholds[0].severity: found "bad", expected one of warning, critical',
  ],
  [{ query: 'up', thresholds: [{ value: 'x' }] }, /value/],
  [{ query: 'up', unit: 'parsec' }, /unit: found "parsec"/],
  [{ query: 'up', scale: 'cubic' }, /scale: found "cubic", expected one of/],
  [{ query: 'up', scale: 'log', graphType: 'stacked' }, /linear scale/],
  [
    { query: 'up', exemplars: 'some' },
    /exemplars: found "some", expected true/,
  ],
  [{ query: 'up', states: [{ label: 'down' }] }, /states\[0\]\.value: found/],
] as const) {
  test(`${JSON.stringify(query)} is refused by its path`, () => {
    assert.throws(() => read(query as unknown as JsonObject), { message });
  });
}
