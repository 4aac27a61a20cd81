import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import * as fc from 'fast-check';
import * as promql from '../../../../__test__/support/promql';
import { QueryError } from './QueryError';
import { unquote } from './strings';
import { checkQuery, nodesOf, parseStrictly, type SyntaxNode } from './syntax';
import { substituteInQuery, substituteInText } from './variables';

const ENTITY: Entity = {
  apiVersion: 'backstage.io/v1alpha1',
  kind: 'Component',
  metadata: {
    name: 'pay.ments',
    title: 'Payments "EU"',
    labels: { tier: '1' },
    annotations: { 'example.com/job-name': 'pay\\ments' },
  },
  spec: { type: 'service', owner: 'group:team-a', profile: { a: 'b' } },
};

const FILLED: [query: string, filled: string][] = [
  ['up', 'up'],
  ['up{a="${{ entity.kind }}"}', 'up{a="Component"}'],
  ['up{a="${{entity.metadata.name}}-x"}', 'up{a="pay.ments-x"}'],
  ['up{a="${{ entity.metadata.namespace }}"}', 'up{a="default"}'],
  ['up{a="${{ entity.metadata.title }}"}', 'up{a="Payments \\"EU\\""}'],
  ["up{a='${{ entity.metadata.title }}'}", `up{a='Payments "EU"'}`],
  ['up{a=`${{ entity.metadata.title }}`}', 'up{a=`Payments "EU"`}'],
  ['up{a="${{ entity.metadata.labels.tier }}"}', 'up{a="1"}'],
  [
    'up{a="${{ entity.metadata.annotations.example.com/job-name }}"}',
    'up{a="pay\\\\ments"}',
  ],
  [
    'up{a="${{ entity.spec.type }}/${{ entity.spec.owner }}"}',
    'up{a="service/group:team-a"}',
  ],
  ['up{a=~"${{ entity.metadata.name }}.*"}', 'up{a=~"pay\\\\.ments.*"}'],
  ['up{a !~ `${{ entity.metadata.name }}`}', 'up{a !~ `pay\\.ments`}'],
  ['{"${{ entity.kind }}.total"}', '{"Component.total"}'],
  [
    'sum(rate(up{a="${{ entity.kind }}"}[5m])) default 0',
    'sum(rate(up{a="Component"}[5m])) default 0',
  ],
];

const REFUSED: [query: string, column: number, says: RegExp][] = [
  ['${{ entity.metadata.name }}', 1, /only in the value of a label/],
  ['up{${{ entity.kind }}="a"}', 4, /only in the value of a label/],
  ['up[${{ entity.kind }}]', 4, /only in the value of a label/],
  [
    'label_replace(up, "a", "${{ entity.kind }}", "", "")',
    25,
    /only in the value/,
  ],
  ['up # {"${{ entity.kind }}"}', 8, /only in the value of a label/],
  [
    'up{a="${{ entity.spec.system }}"}',
    7,
    /Component "pay.ments" has no entity.spec.system/,
  ],
  [
    'up{a="${{ entity.spec.profile }}"}',
    7,
    /no variable "entity.spec.profile"; there are entity.kind, /,
  ],
  ['up{a="${{ entity.metadata.labels.x }}"}', 7, /its keys there are tier/],
  [
    'up{a="${{ entity.metadata.labels.constructor }}"}',
    7,
    /its keys there are tier/,
  ],
  ['up{a="${{ entity.metadata.__proto__ }}"}', 7, /no variable/],
  ['up{a="${{ entity.metadata.name | upper }}"}', 7, /no variable/],
  ['up{a="${{ range.constructor("return 1")() }}"}', 7, /no variable/],
  ['up{a="${{ metadata.name }}"}', 7, /no variable "metadata.name"/],
  ['up{a="${{ }}"}', 7, /no variable ""/],
  ['up{a="${{ entity.kind"}', 7, /has no "}}"/],
  ['up{a="\\${{ entity.kind }}"}', 8, /backslash before a variable/],
  ['up{a=~`\\Q${{ entity.kind }}\\E`}', 10, /with \\Q/],
];

describe('substituteInQuery', () => {
  for (const [query, filled] of FILLED) {
    test(`fills ${query}`, () => {
      assert.equal(substituteInQuery(query, ENTITY), filled);
    });
  }

  for (const [query, column, says] of REFUSED) {
    test(`refuses ${query}`, () => {
      assert.throws(() => substituteInQuery(query, ENTITY), {
        name: 'QueryError',
        column,
        problem: says,
      });
    });
  }

  test('refuses a value with a backquote in backquotes', () => {
    const entity = named('a`b');
    assert.throws(
      () => substituteInQuery('up{a=`${{ entity.metadata.name }}`}', entity),
      /backquote/,
    );
  });

  test('no value leaves its string, and none matches more than itself', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '"} or secret{a="',
        '\\',
        '\\"',
        "'",
        '\\E.*',
        '.*|.+',
        'a-z]',
        '\n',
        '\u2028',
        '${{ entity.kind }}',
      ),
    );
    fc.assert(
      fc.property(hostile, fc.constantFrom('"', "'"), (value, delimiter) => {
        const query = ['=', '=~']
          .map(
            op =>
              `up{a${op}${delimiter}\${{ entity.metadata.name }}${delimiter}}`,
          )
          .join(' or ');
        const filled = substituteInQuery(query, named(value));
        assert.equal(checkQuery(filled), undefined, filled);
        const [plain, regex] = strings(filled);
        const expected = value.toWellFormed();
        assert.equal(plain, expected);
        // Node's expressions read these escapes as RE2 does.
        assert.ok(new RegExp(`^(?:${regex})$`, 's').test(expected));
        assert.equal(regex.replace(/\\([^])/g, '$1'), expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('takes for an expression what the grammar takes for one', () => {
    fc.assert(
      fc.property(promql.query, query => {
        // Every string that a variable may stand in says so.
        const marked = nodesOf(parseStrictly(query), 'StringLiteral')
          .reverse()
          .filter(inBraces)
          .reduce(
            (text, { from }) =>
              `${text.slice(0, from + 1)}\${{ entity.metadata.name }}${text.slice(from + 1)}`,
            query,
          );
        const filled = substituteInQuery(marked, named('.'));
        for (const string of nodesOf(
          parseStrictly(filled),
          'StringLiteral',
        ).filter(inBraces)) {
          const op = string.prevSibling?.firstChild?.name ?? '';
          const isRegex = op.includes('Regex');
          const text = unquote(filled.slice(string.from, string.to));
          assert.equal(text?.startsWith(isRegex ? '\\.' : '.'), true, filled);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('substituteInText fills any text, and fails as a query does', () => {
  assert.equal(
    substituteInText('team-${{ entity.metadata.title }}', ENTITY),
    'team-Payments "EU"',
  );
  assert.throws(
    () => substituteInText('${{ entity.spec.system }}', ENTITY),
    QueryError,
  );
});

function named(name: string): Entity {
  return { ...ENTITY, metadata: { ...ENTITY.metadata, name } };
}

function strings(query: string): string[] {
  return nodesOf(parseStrictly(query), 'StringLiteral').map(({ from, to }) =>
    unquote(query.slice(from, to))!,
  );
}

function inBraces({ parent }: SyntaxNode): boolean {
  return (
    parent!.name.endsWith('LabelMatcher') ||
    parent!.parent!.name === 'LabelMatchers' ||
    parent!.parent!.name === 'QuotedLabelMatcher'
  );
}
