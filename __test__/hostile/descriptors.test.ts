import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { FIXTURES, Program } from '../support/Program';

test('a process without file descriptors says so once, and once when it accepts connections again', async t => {
  const fixture = path.join(FIXTURES, 'hostile/descriptors.cjs');
  const program = Program.command(
    t,
    '/bin/sh',
    ['-c', 'ulimit -n 64 && exec "$0" "$1"', process.execPath, fixture],
    { env: { PATH: process.env.PATH! } },
  );
  const [, address] = await program.line(/^serves (.*)$/m);
  const scrape = async () => {
    const response = await fetch(`http://${address}/metrics`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(30_000),
    });
    assert.match(await response.text(), /^hits_total\{.*\} 1$/m);
  };
  const said = (pattern: RegExp) =>
    (program.stdout + program.stderr).match(pattern)?.length ?? 0;

  await scrape();
  assert.equal(await program.ask('exhaust'), 'EMFILE');
  const waiting = [scrape(), scrape()];
  await program.line(/cannot accept connections/);
  await sleep(2000);
  assert.equal(said(/cannot accept connections/g), 1);
  assert.equal(said(/accepted again/g), 0);
  await program.ask('release');
  await Promise.all(waiting);
  await eventually(() => assert.equal(said(/accepted again/g), 1), 20_000);
  assert.equal(said(/cannot accept connections/g), 1);
});
