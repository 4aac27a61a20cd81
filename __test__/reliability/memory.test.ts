import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { runNode } from '../support/Program';

const KIB = 1024;
const ROUNDS = 8;
/** Heaps have settled by then. */
const SETTLED = 4;

interface Occupied {
  rss: number;
  js: number;
  threads: number;
  listeners: number;
  handles?: number;
}

const skip = existsSync('/proc/self/task') ? false : 'needs /proc';

describe('a provider leaves nothing behind after', { skip }, () => {
  for (const [end, series, providers] of [
    ['shutdown', 1, 50],
    ['shutdown', 2000, 20],
    ['a shutdown that fails', 10, 30],
    ['a test', 10, 50],
    ['a test that forgets to', 10, 50],
    ['options that are refused', 0, 50],
  ] as const) {
    test(`${end}, with ${series} series`, async t => {
      const rounds = await run(t, 'reliability/providers.cjs', [
        providers,
        series,
        end,
      ]);
      // Facades held by the engine were 105 KiB each without series, and 900 with 2 000. What is
      // resident moves by some MiB with the allocators of V8 and of the addon.
      check(rounds, providers, { js: 4 * KIB, rss: 250 * KIB });
    });
  }
});

describe(
  'a realm that loaded the package is let go where it',
  { skip, concurrency: 2 },
  () => {
    for (const what of ['import', 'record', 'shut down', 'forget']) {
      test(`ends with: ${what}`, async t => {
        const realms = 15;
        const rounds = await run(t, 'reliability/realms.cjs', [realms, what]);
        // A realm with our modules is 400 KiB, with those of a test runner 1.2 MiB.
        check(rounds, realms, { js: 30 * KIB, rss: 500 * KIB });
      });
    }
  },
);

async function run(
  t: TestContext,
  script: string,
  args: (string | number)[],
): Promise<Occupied[]> {
  const ending = await runNode(t, script, {
    execArgv: ['--expose-gc'],
    args: [ROUNDS, ...args].map(String),
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.doesNotMatch(ending.stderr, /MaxListenersExceededWarning/);
  const rounds = ending.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Occupied);
  assert.equal(rounds.length, ROUNDS);
  return rounds;
}

/** What each of the things may leave behind, once heaps have settled. */
function check(
  rounds: Occupied[],
  things: number,
  each: Pick<Occupied, 'js' | 'rss'>,
): void {
  const early = rounds[SETTLED - 1];
  const late = rounds.at(-1)!;
  const made = (ROUNDS - SETTLED) * things;
  const said = JSON.stringify(rounds);
  for (const kind of ['js', 'rss'] as const) {
    const grown = (late[kind] - early[kind]) / made;
    assert.ok(grown < each[kind], `${kind}: ${grown} bytes each: ${said}`);
  }
  // The pool for encoding comes and goes.
  assert.ok(late.threads <= early.threads + 4, said);
  assert.equal(late.listeners, early.listeners, said);
  assert.equal(late.handles, early.handles, said);
}
