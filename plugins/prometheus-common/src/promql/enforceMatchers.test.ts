import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import * as fc from 'fast-check';
import { Prometheus } from '../../../../__test__/support/Prometheus';
import * as promql from '../../../../__test__/support/promql';
import { prometheus, without } from '../../../../__test__/support/tools';
import { enforceMatchers } from './enforceMatchers';
import type { LabelMatcher } from './LabelMatcher';
import { QueryError } from './QueryError';
import { nodesOf, parseStrictly } from './syntax';

const skip = without(prometheus(3).server);

const TENANT: LabelMatcher = { label: 'tenant', op: '=', value: 'a"}\\ b' };
const CLAUSE = 'tenant="a\\"}\\\\ b"';

/** Queries that are rewritten, and how. `T` stands for the clause. */
const REWRITTEN: [query: string, enforced: string][] = [
  ['up', 'up{T}'],
  [' up\n', 'up{T}'],
  ['{}', '{T}'],
  ['up{}', 'up{T}'],
  ['up { }', 'up {T }'],
  ['up{job="x"}', 'up{job="x",T}'],
  ['up{job="x",}', 'up{job="x",T,}'],
  ['{__name__="up"}', '{__name__="up",T}'],
  ['{__name__=~".+"}', '{__name__=~".+",T}'],
  ['{"a.b"}', '{"a.b",T}'],
  ['{"a.b", "c.d"=~"e"}', '{"a.b", "c.d"=~"e",T}'],
  // Whatever is said of the enforced label only narrows the answer.
  ['up{tenant="b"}', 'up{tenant="b",T}'],
  ['up{tenant=~".*"}', 'up{tenant=~".*",T}'],
  ['up{"tenant"!=""}', 'up{"tenant"!="",T}'],
  ['rate(up[5m])', 'rate(up{T}[5m])'],
  [
    'max_over_time(rate(up[5m])[1h:30s])',
    'max_over_time(rate(up{T}[5m])[1h:30s])',
  ],
  ['up offset 5m', 'up{T} offset 5m'],
  ['up @ end() offset -5m', 'up{T} @ end() offset -5m'],
  ['sum by (a, b) (up)', 'sum by (a, b) (up{T})'],
  ['sum(up) without (tenant)', 'sum(up{T}) without (tenant)'],
  ['a + on(x) group_left(y) b', 'a{T} + on(x) group_left(y) b{T}'],
  ['a or b and c unless d', 'a{T} or b{T} and c{T} unless d{T}'],
  ['-a', '-a{T}'],
  [
    'histogram_quantile(0.9, rate(h_bucket[5m]))',
    'histogram_quantile(0.9, rate(h_bucket{T}[5m]))',
  ],
  ['absent(up{job="x"})', 'absent(up{job="x",T})'],
  [
    'label_replace(up, "tenant", "b", "", "")',
    'label_replace(up{T}, "tenant", "b", "", "")',
  ],
  ['vector(1)', 'vector(1)'],
  ['time() - 5', 'time() - 5'],
  // Metrics that are called like keywords and functions.
  ['sum + by + info + rate', 'sum{T} + by{T} + info{T} + rate{T}'],
  ['sum(sum)', 'sum(sum{T})'],
  ['start @ start()', 'start{T} @ start()'],
  // Strings that look like something else.
  [`up{a='{b="c"} or d'}`, `up{a='{b="c"} or d',T}`],
  ['up{a="\\"} or b{c=\\""}', 'up{a="\\"} or b{c=\\"",T}'],
  ['up{a=`\\`} or b{c=`\\`}', 'up{a=`\\`,T} or b{c=`\\`,T}'],
  ['up{a="# no comment"}', 'up{a="# no comment",T}'],
  ['count_values("up", b)', 'count_values("up", b{T})'],
];

/** Queries that are refused, and what the error says. */
const REFUSED: [query: string, says: RegExp][] = [
  ['', /empty/],
  ['up #', /comments are not allowed/],
  ['up # \n + b', /comments are not allowed/],
  // The grammar's comment ends at a line feed, Prometheus' also at a carriage return.
  ['up # \r or secret', /comments are not allowed/],
  ['info(up)', /info\(\) selects series by itself/],
  ['info(up, {__name__="secret_info"})', /info\(\) selects/],
  ['sum(info (up))', /info\(\) selects/],
  ['up{a="b}', /not closed|not expected|too early/],
  ['"up', /not closed/],
  ['"a\\"', /not closed/],
  ['up{a="\\q"}', /escape/],
  ['up{a="\\xff"}', /escape/],
  ['up{a="\\\n"}', /escape/],
  ["up{a='\\\"'}", /escape/],
  ['up\u00a0or b', /only ASCII/],
  ['up\u2028or b', /only ASCII/],
  ['up or b\0', /not expected/],
  ['up b', /"b" is not expected/],
  ['up;b', /";" is not expected/],
  ['up{a="b" or c="d"}', /"or" is not expected/],
  ['WITH (x = up) x', /not expected|no function/],
  ['union(up, b)', /no function "union"/],
  ['label_set(up, "tenant", "b")', /no function "label_set"/],
  ['Info(up)', /no function "Info"/],
  ['up}', /not expected/],
  ['(up', /too early/],
  ['up{$x="y"}', /not expected/],
  [`up{a="${'x'.repeat(10_000)}"}`, /10000 is the most/],
  [`${'('.repeat(4000)}up`, /more than 150 operators and brackets/],
];

/** Of @prometheus-io/lezer-promql 0.315; all but `Info` read only what their arguments select. */
const FUNCTIONS =
  'AbsentOverTime Absent Abs Acos Acosh Asin Asinh Atan Atanh AvgOverTime Ceil ' +
  'Changes Clamp ClampMax ClampMin Cos Cosh CountOverTime DaysInMonth ' +
  'DayOfMonth DayOfWeek DayOfYear Deg Delta Deriv Exp FirstOverTime Floor ' +
  'HistogramCount HistogramFraction HistogramQuantile HistogramQuantiles ' +
  'HistogramStdDev HistogramStdVar HistogramSum HistogramAvg ' +
  'DoubleExponentialSmoothing Hour Idelta Increase Info Irate LabelReplace ' +
  'LabelJoin LastOverTime Ln Log10 Log2 MadOverTime MaxOverTime MinOverTime ' +
  'TsOfFirstOverTime TsOfMaxOverTime TsOfMinOverTime TsOfLastOverTime Minute ' +
  'Month Pi PredictLinear PresentOverTime QuantileOverTime Rad Rate Resets ' +
  'Round Scalar Sgn Sin Sinh Sort SortDesc SortByLabel SortByLabelDesc ' +
  'StartTimestamp Range Step Sqrt StddevOverTime StdvarOverTime SumOverTime Tan ' +
  'Tanh Timestamp Time Vector Year';

describe('enforceMatchers', () => {
  for (const [query, enforced] of REWRITTEN) {
    test(`enforces a label on ${query}`, () => {
      assert.equal(
        enforceMatchers(query, [TENANT]),
        enforced.replaceAll(/\bT\b/g, () => CLAUSE),
      );
    });
  }

  for (const [query, says] of REFUSED) {
    test(`refuses ${JSON.stringify(query.slice(0, 40))}`, () => {
      assert.throws(
        () => enforceMatchers(query, [TENANT]),
        (error: unknown) =>
          error instanceof QueryError && says.test(error.problem),
      );
    });
  }

  test('enforces several matchers, of every kind and name', () => {
    assert.equal(
      enforceMatchers('a{b="c"} / d', [
        { label: 'e', op: '=~', value: 'f|g' },
        { label: 'h.i', op: '!=', value: '' },
      ]),
      'a{b="c",e=~"f|g","h.i"!=""} / d{e=~"f|g","h.i"!=""}',
    );
  });

  test('refuses a matcher that series without the label would match', () => {
    for (const op of ['=', '=~'] as const) {
      assert.throws(
        () => enforceMatchers('up', [{ label: 'a', op, value: '' }]),
        /"a" is empty/,
      );
    }
    assert.throws(
      () => enforceMatchers('up', [{ label: '', op: '=', value: 'b' }]),
      /name of a label/,
    );
  });

  test('gives every selector of any query the matcher, and changes nothing else', () => {
    fc.assert(
      fc.property(promql.query, query => {
        const enforced = enforceMatchers(query, [TENANT]);
        const selectors = selectorsOf(enforced);
        assert.equal(selectors.length, selectorsOf(query).length);
        for (const selector of selectors) {
          assert.ok(selector.includes(CLAUSE), selector);
        }
        assert.equal(squeeze(enforced), squeeze(query));
      }),
      { numRuns: 500 },
    );
  });

  test('knows every function of the grammar, so that a new one that selects is seen here', () => {
    assert.deepEqual(functionsOfGrammar(), FUNCTIONS.split(' '));
  });
});

test('what Prometheus 3 reads is enforced', { skip }, async t => {
  const server = await Prometheus.serve(t, {
    features: ['promql-experimental-functions'],
  });

  for (const [query] of REWRITTEN) {
    await t.test(`the label holds in ${query}`, async () => {
      await assertHolds(server, query);
      if ((await server.parse(query)) !== undefined) {
        await assertFormatsAlike(server, query);
      }
    });
  }

  await t.test(
    'the label holds in every generated query, and nothing else changes',
    async () => {
      let accepted = 0;
      await fc.assert(
        fc.asyncProperty(promql.query, async query => {
          accepted += (await assertHolds(server, query)) ? 1 : 0;
        }),
        { numRuns: 600, interruptAfterTimeLimit: 30_000 },
      );
      assert.ok(accepted > 250, `the server accepted ${accepted} queries only`);
    },
  );

  await t.test(
    'no splinter in a query gets a selector past the label',
    async () => {
      let accepted = 0;
      await fc.assert(
        fc.asyncProperty(promql.splintered, async query => {
          if (isRefused(query)) {
            return;
          }
          accepted += (await assertHolds(server, query)) ? 1 : 0;
        }),
        { numRuns: 3000, interruptAfterTimeLimit: 30_000 },
      );
      assert.ok(accepted > 100, `${accepted} queries were accepted only`);
    },
  );

  await t.test(
    'a comment that ends at a carriage return would have been an escape',
    async () => {
      const tree = await server.parse('up # \r or secret');
      assert.deepEqual(
        selectorsIn(tree).map(({ name }) => name),
        ['up', 'secret'],
      );
    },
  );
});

/** Whether the server accepts the query; if it does, the rewritten one is the same, enforced. */
async function assertHolds(
  server: Prometheus,
  query: string,
): Promise<boolean> {
  const original = await server.parse(query);
  const enforced = enforceMatchers(query, [TENANT]);
  const tree = await server.parse(enforced);
  if (tree === undefined) {
    assert.equal(original, undefined, `the server refuses ${enforced}`);
    return false;
  }
  for (const { matchers } of selectorsIn(tree)) {
    const found = matchers.findIndex(
      ({ name, type, value }) =>
        name === TENANT.label && type === '=' && value === TENANT.value,
    );
    assert.notEqual(found, -1, enforced);
    matchers.splice(found, 1);
  }
  // The server refuses some queries only because no matcher of theirs is selective.
  if (original !== undefined) {
    assert.deepEqual(tree, original, enforced);
  }
  return true;
}

/** The server prints the rewritten query as the original, but for the clause. */
async function assertFormatsAlike(
  server: Prometheus,
  query: string,
): Promise<void> {
  const [original, enforced] = await Promise.all(
    [query, enforceMatchers(query, [TENANT])].map(
      one => server.get('format_query', { query: one }) as Promise<string>,
    ),
  );
  // It sorts matchers, so that the clause may be the first.
  assert.equal(squeeze(enforced).replaceAll('{,', '{'), squeeze(original));
}

/** `vectorSelector` or `matrixSelector`. */
interface Selector {
  name: string;
  matchers: { name: string; type: string; value: string }[];
}

function selectorsIn(tree: unknown): Selector[] {
  if (typeof tree !== 'object' || tree === null) {
    return [];
  }
  const own = 'matchers' in tree ? [tree as Selector] : [];
  return [...own, ...Object.values(tree).flatMap(selectorsIn)];
}

function isRefused(query: string): boolean {
  try {
    enforceMatchers(query, [TENANT]);
    return false;
  } catch (error) {
    assert.ok(error instanceof QueryError, String(error));
    return true;
  }
}

function selectorsOf(query: string): string[] {
  return nodesOf(parseStrictly(query), 'VectorSelector').map(({ from, to }) =>
    query.slice(from, to),
  );
}

/** Without the clause, empty braces and space. */
function squeeze(query: string): string {
  return query
    .replaceAll(`,${CLAUSE}`, '')
    .replaceAll(CLAUSE, '')
    .replace(/\s+/g, '')
    .replaceAll('{}', '');
}

function functionsOfGrammar(): string[] {
  const names = parser.nodeSet.types.map(({ name }) => name);
  return names
    .slice(
      names.indexOf('FunctionIdentifier') + 1,
      names.indexOf('MatrixSelector'),
    )
    .filter(name => name !== 'Identifier');
}
