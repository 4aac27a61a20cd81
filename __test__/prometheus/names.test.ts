// A series is printed as a query that finds it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatLabels } from '../../plugins/prometheus/src/chart/labels';
import { toCsv } from '../../plugins/prometheus/src/chart/toCsv';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';

const T0 = 1_700_006_400;

/** Plain, UTF-8 and reserved ones; Prometheus takes some words of PromQL for names, and some not. */
const METRICS =
  'up shop:errors:ratio http.requests größe sum by offset start fill and or unless atan2 bool on ignoring group_left group_right inf NaN Inf';

const LABELS: Record<string, string>[] = [
  { code: '200' },
  { 'http.method': 'GET', größe: '1' },
  { 'a:b': 'x\ty', by: 'z' },
  { 'k"1': 'a\\b\n"c"\u2028' },
];

test(
  'a series is printed as Prometheus reads it',
  { skip: without(prometheus(3).server, prometheus(3).promtool) },
  async t => {
    const sets = [
      ...METRICS.split(' ').map(__name__ => ({ __name__ })),
      ...LABELS.map(labels => ({ ...labels, __name__: 'labelled' })),
    ];
    const server = await Prometheus.serve(t, { openmetrics: samples(sets) });
    for (const labels of sets) {
      const query = formatLabels(labels);
      const found = await server.get('query', { query, time: String(T0) });
      const { result } = found as { result: { metric: object }[] };
      assert.deepEqual(
        result.map(({ metric }) => metric),
        [labels],
        query,
      );
      const [header] = toCsv({
        timestamps: [],
        series: [{ labels, values: [] }],
      }).split('\r\n');
      const cell = header.slice('time,'.length);
      assert.equal(
        cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
        query,
      );
    }
  },
);

function samples(sets: Record<string, string>[]): string {
  const lines = sets.map(labels => {
    const { __name__: name, ...others } = labels;
    const pairs = Object.entries(others).map(
      ([label, value]) => `"${escape(label)}"="${escape(value)}"`,
    );
    return `{${[`"${name}"`, ...pairs].join(',')}} 1 ${T0}`;
  });
  return `${lines.join('\n')}\n# EOF\n`;
}

function escape(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('"', '\\"');
}
