import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runNode } from '../support/Program';

/** What fixtures/instruments/stack.cjs found. */
interface Found {
  service: number[];
  plain: number;
  refused: [string, string];
  unchanged: boolean;
  lines: string[];
}

/** Where the fixture makes its second counter of one name. */
const PLACE = /then at \S*stack\.cjs:\d+:\d+/;
const UNKNOWN = /then at an unknown place/;

describe('instruments count where a stack', { concurrency: 2 }, () => {
  for (const [how, place] of [
    ['as it is', PLACE],
    ['returns call sites', PLACE],
    ['returns an object', PLACE],
    ['returns a text of its own', PLACE],
    ['returns what throws as a text', PLACE],
    ['throws', PLACE],
    ['has no frames', PLACE],
    ['has no limit', UNKNOWN],
    ['has a limit that cannot be written', /then at/],
    ['has a limit whose accessor throws', /then at/],
    ['is frozen', /then at/],
    ['is frozen with a hook that throws', UNKNOWN],
    ['cannot be captured', PLACE],
  ] as const) {
    test(how, async t => {
      const ending = await runNode(t, 'instruments/stack.cjs', { args: [how] });
      check(ending.code, ending.stdout, ending.stderr, place);
    });
  }
});

describe('instruments count under', { concurrency: 2 }, () => {
  for (const [flag, place] of [
    ['--stack-trace-limit=0', PLACE],
    ['--stack-trace-limit=1', PLACE],
    // The limit cannot be raised, and all frames that there are may be our own.
    ['--frozen-intrinsics', /then at/],
    ['--disallow-code-generation-from-strings', PLACE],
    ['--disable-proto=throw', PLACE],
    ['--disable-proto=delete', PLACE],
    ['--enable-source-maps', PLACE],
  ] as const) {
    test(flag, async t => {
      const ending = await runNode(t, 'instruments/stack.cjs', {
        execArgv: [flag],
        args: ['as it is'],
      });
      check(ending.code, ending.stdout, ending.stderr, place);
    });
  }
});

function check(
  code: number | null,
  stdout: string,
  stderr: string,
  place: RegExp,
): void {
  assert.equal(code, 0, stderr);
  const found = JSON.parse(stdout) as Found;
  assert.deepEqual(found.service, [2], stdout);
  assert.equal(found.plain, 3, stdout);
  assert.deepEqual(found.refused, ['MetricsError', 'ERR_METRICS_INVALID_NAME']);
  assert.equal(found.unchanged, true, stdout);
  const conflicts = found.lines.filter(line => line.includes('twice'));
  assert.equal(conflicts.length, 1, stdout);
  assert.match(conflicts[0], place);
}
