import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import {
  HOSTILE_LISTS,
  HOSTILE_RULES,
} from '../../../../__test__/support/hostileAnnotations';
import { parseAlerts } from '../annotations/alerts';
import {
  AnnotationError,
  MAX_ANNOTATION_LENGTH,
} from '../annotations/AnnotationError';
import { parseLabels } from '../annotations/labels';
import { ALERT_ANNOTATION, RULE_ANNOTATION } from '../annotations/names';
import { MAX_PANELS } from '../annotations/rules';
import { enforceMatchers } from '../promql/enforceMatchers';
import { QueryError } from '../promql/QueryError';
import { MAX_QUERY_LENGTH } from '../promql/syntax';
import { panelsOf } from './panelsOf';

/** Milliseconds of the processor. The slowest of these took 100 ms in the first call of a process. */
const MOST = 500;

/** Characters of a problem: its place, its sentence, and two lines of the text. */
const MAX_MESSAGE = 1500;

const UNDER_THE_LIMIT = MAX_ANNOTATION_LENGTH - 100;

function entityWith(annotations: Record<string, string>): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: 'shop',
      annotations: { much: 'x'.repeat(50_000), ...annotations },
    },
  };
}

/** The least of some runs: other programs take time too. */
function took(run: () => unknown): number {
  return Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    }),
  );
}

function problemOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof AnnotationError || error instanceof QueryError) {
      return error.message;
    }
    throw error;
  }
}

describe('an annotation that is made to be slow', () => {
  for (const [what, textOf] of Object.entries(HOSTILE_RULES)) {
    for (const language of ['promql', 'any'] as const) {
      test(`${what}, read as ${language}`, () => {
        // One of the longest, one that fills a query, and one that nests as deep as it may.
        for (const length of [UNDER_THE_LIMIT, MAX_QUERY_LENGTH - 100, 900]) {
          const text = textOf(length);
          const entity = entityWith({ [RULE_ANNOTATION]: text });
          const time = took(() => panelsOf(entity, { language }));
          assert.ok(time < MOST, `${length} characters took ${time} ms`);
          const { panels, problems } = panelsOf(entity, { language });
          assert.ok(panels.length <= MAX_PANELS);
          assert.ok(problems.length <= MAX_PANELS + 1);
          for (const { message } of problems) {
            assert.ok(message.length < MAX_MESSAGE, message);
          }
          for (const { query } of panels) {
            assert.ok(query.length <= MAX_QUERY_LENGTH);
            problemOf(() =>
              enforceMatchers(query, [{ label: 'a', op: '=', value: 'b' }]),
            );
          }
        }
      });
    }
  }

  for (const [what, textOf] of Object.entries(HOSTILE_LISTS)) {
    test(`${what}, read as names and as labels`, () => {
      for (const parse of [parseAlerts, parseLabels]) {
        const text = textOf(UNDER_THE_LIMIT);
        const time = took(() => problemOf(() => parse(text)));
        assert.ok(time < MOST, `it took ${time} ms`);
        const message = problemOf(() => parse(text)) ?? '';
        assert.ok(message.length < MAX_MESSAGE, message);
      }
    });
  }

  test('is not read at all beyond its length, and says so', () => {
    const long = 'a,\n'.repeat(1_000_000);
    const { panels, problems } = panelsOf(
      entityWith({ [RULE_ANNOTATION]: long }),
    );
    assert.deepEqual(panels, []);
    assert.match(
      problems[0].message,
      /^prometheus\.io\/rule, line 21846, column 2: the annotation has 3000000 characters, and 65536 are the most/,
    );
    for (const parse of [parseAlerts, parseLabels]) {
      assert.throws(() => parse(long), /3000000 characters, and 65536/);
    }
  });

  test('gives the first graphs, and says at which the others begin', () => {
    const text = Array.from({ length: 150 }, (_, at) => `m${at}`).join(',\n');
    const { panels, problems } = panelsOf(
      entityWith({ [RULE_ANNOTATION]: `${text},,\n,` }),
    );
    assert.deepEqual(
      [panels.length, panels[0].query, panels.at(-1)!.query],
      [100, 'm0', 'm99'],
    );
    assert.match(
      problems[0].message,
      /line 101, column 1: there are 150 queries, and 100 are the most; this one and those behind it are left out\n {2}m100,/,
    );
  });

  test('has so many names of alerts, and says at which there are too many', () => {
    const names = (count: number) =>
      Array.from({ length: count }, (_, at) => `n${at}`).join(',');
    assert.equal(parseAlerts(names(1000)).length, 1000);
    assert.throws(
      () => parseAlerts(names(1001)),
      new RegExp(`^AnnotationError: ${ALERT_ANNOTATION}, .*1000 are the most`),
    );
  });
});

describe('queries as deep as they may be', () => {
  const chains: Record<string, (count: number) => string> = {
    sums: n => `rate(a{b="c"}[5m])${' + on (a) rate(a{b="c"}[5m])'.repeat(n)}`,
    groups: n =>
      `rate(a[5m])${' * on (a) group_left (b, c) rate(a[5m])'.repeat(n)}`,
    alternatives: n => `rate(a[5m])${' or rate(a[5m])'.repeat(n)}`,
    comparisons: n => `a${' > bool a'.repeat(n)}`,
    powers: n => `a${'^a'.repeat(n)}`,
    signs: n => `${'-'.repeat(n)}a`,
    parentheses: n => `${'('.repeat(n)}a${')'.repeat(n)}`,
    calls: n => `${'abs('.repeat(n)}a${')'.repeat(n)}`,
  };
  for (const [what, chain] of Object.entries(chains)) {
    test(`${what} are understood up to the limit, and refused beyond it`, () => {
      const matchers = [{ label: 'n', op: '=' as const, value: 'v' }];
      // Beside the braces and the operator that are added to the innermost selector, and its range.
      const most = 145;
      assert.equal(
        problemOf(() => enforceMatchers(chain(most), matchers)),
        undefined,
      );
      assert.match(
        problemOf(() => enforceMatchers(chain(151), [])) ?? '',
        /more than 150 operators and brackets are around this/,
      );
    });
  }

  test('queries beside one another do not count together', () => {
    const panels = Array.from({ length: 100 }, () => 'a + b + c + (d)');
    const nested = `label_join(${'a + b,'.repeat(600)} c)`;
    assert.equal(
      panelsOf(entityWith({ [RULE_ANNOTATION]: panels.join(',') })).problems
        .length,
      0,
    );
    assert.equal(
      problemOf(() => enforceMatchers(nested, [])),
      undefined,
    );
  });
});
