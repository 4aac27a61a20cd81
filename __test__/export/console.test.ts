import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { FIXTURES, Program } from '../support/Program';

const windows = process.platform === 'win32' && 'there is no sh';

/**
 * What the reader and the standard error of the fixture print when a shell connects them with a
 * pipe.
 */
async function piped(
  t: TestContext,
  words: string,
  reader: string,
): Promise<{ stdout: string; stderr: string }> {
  const fixture = path.join(FIXTURES, 'export/console.cjs');
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-console-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = Program.command(
    t,
    'sh',
    ['-c', `{ "$NODE" "$FIXTURE" ${words}; : > "$ENDED"; } | ${reader}`],
    {
      env: {
        PATH: process.env.PATH!,
        NODE: process.execPath,
        FIXTURE: fixture,
        // A file that is there when the program has ended.
        ENDED: path.join(folder, 'ended'),
      },
    },
  );
  return program.ending;
}

/** Reads 32 KiB every few milliseconds; first of all it lets the pipe fill. */
const SLOWLY = `(sleep 0.5; "$NODE" -e '
  const { readSync, writeSync } = require("fs");
  const chunk = Buffer.alloc(32 * 1024);
  for (let read; (read = readSync(0, chunk)) > 0; ) {
    for (let at = 0; at < read; ) {
      at += writeSync(1, chunk, at, read - at);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
')`;

interface Line {
  name?: string;
  points?: { value: number }[];
}

/** Every line has to be JSON. */
function parse(stdout: string): Line[] {
  assert.ok(stdout.endsWith('\n'), stdout.slice(-200));
  const lines = stdout.trimEnd().split('\n');
  return lines.map(line => JSON.parse(line) as Line);
}

/** How often every counter was printed, with all of its points. */
function timesPrinted(lines: Line[]): number {
  const counts = new Map<string, number>();
  for (const { name, points } of lines) {
    if (name?.startsWith('c')) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const number = Number(name.slice(1));
      assert.equal(points!.length, number % 10 === 0 ? 600 : 10, name);
    }
  }
  assert.equal(counts.size, 600);
  const times = new Set(counts.values());
  assert.equal(times.size, 1, [...times].join());
  return [...times][0];
}

describe('the console exporter', { skip: windows, concurrency: 2 }, () => {
  for (const [title, words] of [
    ['a blocking pipe', ''],
    ['a pipe that Node made non-blocking', 'touch'],
    ['such a pipe at process.exit()', 'touch now'],
    ['such a pipe at process.exit() alone', 'touch exit now'],
    ['a blocking pipe at the end of the program alone', 'exit'],
  ]) {
    test(`prints whole lines, all of them, to the slow reader of ${title}`, async t => {
      const { stdout, stderr } = await piped(t, words, SLOWLY);
      const lines = parse(stdout);
      assert.ok(stdout.length > 2 * 1024 * 1024, String(stdout.length));
      assert.equal(timesPrinted(lines), words.includes('exit') ? 1 : 2);
      assert.equal(stderr, 'end: of the program\n');
    });
  }

  test('prints whole lines to the socket that a parent gives it', async t => {
    const program = Program.node(t, 'export/console.cjs', { args: ['touch'] });
    const { code, stdout, stderr } = await program.ending;
    assert.equal(code, 0);
    assert.equal(timesPrinted(parse(stdout)), 2);
    assert.equal(stderr, 'end: of the program\n');
  });

  test('is given up when nobody reads, and says so without ending the program', async t => {
    const endings = ['touch now', 'now'].map(words =>
      piped(t, words, 'until [ -e "$ENDED" ]; do sleep 0.2; done'),
    );
    for (const { stderr } of await Promise.all(endings)) {
      assert.match(
        stderr,
        /^flush: console export failed: standard output took no more within 5s$/m,
      );
      assert.match(stderr, /^end: of the program$/m);
      assert.match(
        stderr,
        /^error: .*(undelivered data points: \d+|\d+ data points in \d+ batches could not be delivered)$/m,
      );
    }
  });

  test('says once that its reader has gone, and the program goes on', async t => {
    for (const words of ['touch now', '']) {
      const { stdout, stderr } = await piped(t, words, 'head -c 1000');
      assert.equal(stdout.length, 1000);
      assert.match(stderr, /^end: of the program$/m);
      const said =
        /^error: .*console export fails: standard output has no reader; dropped \d+ data points$/m;
      assert.match(stderr, said);
      assert.equal(stderr.match(/console export fails/g)?.length, 1, stderr);
    }
  });
});
