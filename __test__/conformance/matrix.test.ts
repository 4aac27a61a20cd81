// docs/conformance.md is written from matrix.ts, and what it names as a test is one.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { format } from 'prettier';
import { type Row, type Section, sections, type State } from './matrix';

const ROOT = path.join(__dirname, '../..');
const PAGE = path.join(ROOT, 'docs/conformance.md');
const STATES: State[] = ['yes', 'no', 'other'];

interface Title {
  title: string;
  /** The call, up to the title. */
  call: string;
}

/** The titles that a file gives its tests, with an ellipsis for what is put into them. */
function titlesOf(file: string): Title[] {
  const source = readFileSync(path.join(ROOT, file), 'utf8');
  return file.endsWith('.rs')
    ? [
        ...source.matchAll(/((?:#\[[^\n]*\]\s+)+)(?:async )?fn (\w+)\s*\(/g),
      ].map(([, call, title]) => ({ call, title }))
    : [
        ...source.matchAll(
          /(\b(?:test|it|describe)(?:\.\w+)?\(\s*|\btitle:\s*)(['"`])((?:\\.|(?!\2)[^])*)\2/g,
        ),
      ].map(([, call, , title]) => ({
        call,
        title: title
          .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…')
          .replace(/\\(.)/g, '$1'),
      }));
}

/** The file of a test, and its title there. */
function split(named: string): [file: string, title: string] {
  const [, file, title] = /^(\S+?): (.*)$/s.exec(named)!;
  return [file.endsWith('.rs') ? file : `__test__/${file}.test.ts`, title];
}

const titles = new Map<string, Title[]>();

describe('the conformance matrix', () => {
  for (const { title, count, rows } of sections) {
    test(`has every row of "${title}" once, each with a test or a reason`, () => {
      assert.equal(rows.length, count);
      assert.equal(new Set(rows.map(({ row }) => row)).size, count);
      for (const { row, state, tests, why } of rows) {
        if (state === 'yes') {
          assert.ok(tests.length > 0, row);
        }
        if (state !== 'yes') {
          assert.match(why ?? '', /^[^a-z].*\.$/, row);
        }
      }
    });

    for (const { row, tests } of rows.filter(found => found.tests.length > 0)) {
      test(`names tests that run of "${title}: ${row}"`, () => {
        for (const named of tests) {
          const [file, wanted] = split(named);
          const known = titles.get(file) ?? titlesOf(file);
          titles.set(file, known);
          const found = known.filter(one => one.title === wanted);
          assert.ok(found.length > 0, `no such test: ${named}`);
          for (const { call } of found) {
            assert.doesNotMatch(call, /skip|todo|ignore/, named);
            if (file.endsWith('.rs')) {
              assert.match(call, /#\[(\w+::)?test\]/, named);
            }
          }
        }
      });
    }
  }

  test('is docs/conformance.md', async () => {
    const page = await format(written(), {
      ...(
        JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
          prettier: object;
        }
      ).prettier,
      parser: 'markdown',
    });
    if (process.env.UPDATE_DOCS) {
      writeFileSync(PAGE, page);
    }
    assert.equal(readFileSync(PAGE, 'utf8'), page, 'UPDATE_DOCS=1 writes it');
  });
});

function written(): string {
  return `# Conformance

How this package stands to [OpenTelemetry's compliance matrix](https://github.com/open-telemetry/opentelemetry-specification/blob/main/spec-compliance-matrix.md), row by row, as of August 2026. The rows are in its order and in our words. Each says yes and names the tests that try it, below \`__test__/\` or in Rust; or what is missing, and why. Rows of traces, logs and propagation are a dash: this package does none of them.

\`conformance/matrix.test.ts\` writes this page (with \`UPDATE_DOCS=1\`) and fails where it is out of date, or where a test that it names is not there or does not run. An ellipsis in a title stands for what differs from test to test.

${table(
  ['section', 'rows', 'yes', 'no', '–'],
  [
    ...sections.map(section => [
      `[${section.title}](#${anchor(section.title)})`,
      ...counts([section]),
    ]),
    ['together', ...counts(sections)],
  ],
)}

OpenTelemetry's own JavaScript suites, as far as they are about the public API, are transcribed in \`conformance/javascript\` and played on both SDKs: what differs is listed there with a reason.

${sections
  .map(
    ({ title, rows }) =>
      `## ${title}\n\n${table(['row', '', 'shown by, or why not'], rows.map(line))}\n`,
  )
  .join('\n')}`;
}

function line({ row, state, tests, why }: Row): string[] {
  const shown = tests.map(named => {
    const [, file, title] = /^(\S+?): (.*)$/s.exec(named)!;
    return `\`${file}\`: "${title.replaceAll('_', file.endsWith('.rs') ? ' ' : '_')}"`;
  });
  return [
    row,
    state === 'other' ? '–' : state,
    [...(why ? [why] : []), ...shown].join('<br>'),
  ];
}

function counts(of: Section[]): string[] {
  const rows = of.flatMap(section => section.rows);
  const having = (state: State) =>
    rows.filter(row => row.state === state).length;
  return [rows.length, ...STATES.map(having)].map(String);
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** As GitHub makes them of headings. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
