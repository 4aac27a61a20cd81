import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPanels } from './panels';

const problemsOf = (text: string) =>
  readPanels(text).problems.map(({ message }) => message);

test('a list of queries and of maps is read', () => {
  const { panels, problems } = readPanels(`
- sum by (path) (rate(http_requests_total{code=~"2..|3.."}[5m]))
- title: 'Errors: all of them'
  query: |
    sum by (code) (
      rate(http_requests_total[5m])
    )
  legend: '{{code}}'
  graphType: stacked
  unit: count/s
  width: full
  thresholds:
    - { value: 5, label: too many, severity: critical }
- query: up
  graphType: timeline
  states: [{ value: 0, label: down }]
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    panels.map(({ position, ...panel }) => [position.line, panel]),
    [
      [
        2,
        {
          query:
            'sum by (path) (rate(http_requests_total{code=~"2..|3.."}[5m]))',
          options: {},
        },
      ],
      [
        4,
        {
          title: 'Errors: all of them',
          query: 'sum by (code) (\n  rate(http_requests_total[5m])\n)',
          options: {
            legend: '{{code}}',
            graphType: 'stacked',
            unit: 'count/s',
            width: 'full',
            thresholds: [{ value: 5, label: 'too many', severity: 'critical' }],
          },
        },
      ],
      [
        14,
        {
          query: 'up',
          options: {
            graphType: 'timeline',
            states: [{ value: 0, label: 'down' }],
          },
        },
      ],
    ],
  );
});

test('an empty annotation has no panels, and no problems', () => {
  for (const text of ['', '  \n', '# nothing yet', '[]']) {
    assert.deepEqual(readPanels(text), { panels: [], problems: [] });
  }
});

test('what is wrong is said with its place, and the others are there', () => {
  const { panels, problems } = readPanels(
    '- query: sum(up\n- query: up\n  graphType: pie\n- up\n- tittle: x\n  query: up',
  );
  assert.deepEqual(
    panels.map(({ query }) => query),
    ['up'],
  );
  const [open, pie, typo] = problems.map(({ message }) => message);
  assert.match(open, /^prometheus\.io\/panels, line 1, column 10: query: /);
  assert.match(
    pie,
    /line 3, column 14: graphType: found "pie", expected one of line, area, stacked, step, timeline, stat/,
  );
  assert.match(typo, /line 5.*there is no "tittle"; there are query, title, /);
});

for (const [text, problem] of [
  ['query: up', /expected a list/],
  ['- [up]', /expected a query, or a map/],
  ['- title: x', /needs a "query"/],
  ['- query: 5', /query: found 5, expected a text/],
  ['- "up', /no YAML/],
  ['- &a up\n- *a', /aliases are not read/],
  ['- ? [a]\n  : b', /a key has to be a word/],
  ['- query: up\n  thresholds: 5', /thresholds: expected a list/],
  ['- query: up\n  thresholds: [5]', /thresholds\[0\]: found 5/],
  ['- query: up\n  query: down', /no YAML/],
] as const) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.match(problemsOf(text).join('\n'), problem);
  });
}

describe('an annotation that is made to take time', () => {
  for (const [name, text] of Object.entries({
    'lists in lists': '- '.repeat(30_000),
    'brackets in brackets': '['.repeat(60_000),
    'braces in braces': '{a: '.repeat(15_000),
    'keys in keys': '? '.repeat(30_000),
    'levels by indentation': Array.from(
      { length: 340 },
      (_, level) => `${' '.repeat(level)}a:`,
    ).join('\n'),
    'many items': '- up\n'.repeat(13_000),
    'a long quote': `- "${'\\n'.repeat(30_000)}`,
    aliases: `- &a [${'x, '.repeat(100)}]\n${'- [*a, *a]\n'.repeat(4000)}`,
    'too long': `- up\n#${'x'.repeat(70_000)}`,
  })) {
    test(`${name}: has an answer within a second`, () => {
      const before = process.cpuUsage();
      const { problems } = readPanels(text);
      const { user, system } = process.cpuUsage(before);
      assert.ok((user + system) / 1e6 < 1, `${(user + system) / 1000} ms`);
      assert.ok(problems.length > 0);
    });
  }
});
