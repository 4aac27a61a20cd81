import assert from 'node:assert/strict';
import { createConnection, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Collector, silent, taken } from '../support/Collector';
import { Program, runNode } from '../support/Program';

/** Longer than a process takes to end that does not wait for its exports. */
const slowly: Answer = async (response, take) => {
  await sleep(300);
  await taken(response, take);
};

/** How a thread ends, its exit code, and what it has added by then. */
const ENDINGS: [how: string, code: number, added: number][] = [
  ['process.exit', 3, 1],
  ['falling off the end', 3, 1],
  ['an uncaught exception', 1, 1],
  ['process.exit in beforeExit', 3, 1],
  ['process.exit after shutdown', 3, 1],
  ['process.exit a millisecond after shutdown', 3, 1],
  ['process.exit after shutdown in a signal handler', 3, 1],
  ['falling off the end after shutdown', 3, 1],
  ['process.exit after forceFlush', 3, 1],
  ['process.exit after forceFlush and shutdown', 3, 1],
  ['exit listeners that record', 3, 1111],
  ['exit listeners that record, without process.exit', 3, 111],
  ['an exit listener that throws', 3, 11],
  ['an exit listener that calls process.exit', 4, 11],
  ['a callback that calls process.exit during the exit', 4, 1],
  ['a callback that calls process.exit during a natural end', 4, 1],
  ['another emit in place of ours', 3, 1],
];

for (const thread of ['main', 'worker']) {
  describe(
    `what a ${thread} thread recorded is delivered when it ends by`,
    {
      concurrency: 2,
    },
    () => {
      for (const [how, code, added] of ENDINGS) {
        const ofProcess = thread === 'worker' && how.includes('signal');
        test(how, { skip: ofProcess && 'workers get no signals' }, async t => {
          const collector = await Collector.start(t);
          collector.script.push(slowly, slowly, slowly, slowly);
          const ending = await runNode(t, 'lifecycle/last-words.cjs', {
            args: [collector.url, how, thread],
          });
          const said = ending.stdout + ending.stderr;
          assert.equal(ending.code, code, said);
          assert.equal(collector.last('words.global'), added, said);
          assert.equal(collector.last('words.own'), added, said);
          if (how.startsWith('a callback')) {
            assert.equal(collector.last('words.observed'), 5, said);
            assert.match(said, /process\.exit\(\) was called by an observable/);
          }
          assert.doesNotMatch(said, /not delivered/);
        });
      }
    },
  );
}

test('what a worker that runs on holds in a provider of its own is delivered when the process exits', async t => {
  const collector = await Collector.start(t);
  collector.script.push(slowly, slowly);
  const ending = await runNode(t, 'lifecycle/last-words.cjs', {
    args: [collector.url, 'the exit of the process', 'worker'],
  });
  assert.equal(ending.code, 3, ending.stderr);
  for (const [name, value] of [
    ['words.global', 1],
    ['words.own', 1],
    ['words.observed', 5],
    ['words.observed.global', 5],
  ] as const) {
    assert.equal(collector.last(name), value, name);
  }
});

test('providers whose collectors never answer hold up the exit once, and each says what it lost', async t => {
  const collector = await Collector.start(t);
  collector.script.push(silent, silent, silent);
  const program = Program.node(t, 'lifecycle/many-providers.cjs', {
    args: [collector.url, '3'],
  });
  await program.line(/ending/);
  const start = performance.now();
  const { code, stdout, stderr } = await program.ending;
  const waited = performance.now() - start;
  assert.equal(code, 0, stderr);
  // 1 s is granted to each.
  assert.ok(waited >= 900 && waited < 2500, `${waited} ms`);
  assert.equal(
    (stdout + stderr).match(
      /not delivered within 1s \(exitTimeout\); undelivered data points: 2$/gm,
    )?.length,
    3,
    stdout + stderr,
  );
});

test('providers whose collectors refuse for good say so, each its own', async t => {
  const collector = await Collector.start(t);
  const refused: Answer = response => void response.writeHead(400).end();
  collector.script.push(refused, refused);
  const { stdout, stderr } = await runNode(t, 'lifecycle/many-providers.cjs', {
    args: [collector.url, '2'],
  });
  const said = stdout + stderr;
  assert.equal(said.match(/not delivered: .*400/g)?.length, 2, said);
});

describe(
  'strangers at the scrape port do not hold up',
  { concurrency: 1 },
  () => {
    for (const how of ['exit', 'the end', 'shutdown']) {
      test(how, async t => {
        const collector = await Collector.start(t);
        const program = Program.node(t, 'lifecycle/strangers.cjs', {
          args: [collector.url],
        });
        const [, port] = await program.line(/page at \S+:(\d+)/);
        const asked = 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n';
        await Promise.all([
          stranger(t, port, ''),
          stranger(t, port, 'GET /metr'),
          stranger(t, port, 'GET /metrics HTTP/1.1\r\nhost: x\r\nx: '),
          stranger(t, port, asked),
          stranger(t, port, `${asked}GET /m`),
        ]);
        await sleep(200);
        const start = performance.now();
        program.send(how);
        const { code, stdout, stderr } = await program.ending;
        const waited = performance.now() - start;
        const said = stdout + stderr;
        assert.equal(code, 0, said);
        assert.ok(waited < 1500, `${waited} ms`);
        assert.equal(collector.last('strangers.counter'), 1);
        assert.doesNotMatch(said, /not delivered/);
      });
    }

    test('for more than two seconds where they read an answer slowly, and that loses no metrics', async t => {
      const collector = await Collector.start(t);
      const program = Program.node(t, 'lifecycle/strangers.cjs', {
        args: [collector.url, '100000'],
      });
      const [, port] = await program.line(/page at \S+:(\d+)/);
      const socket = await stranger(
        t,
        port,
        'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n',
      );
      socket.pause();
      await sleep(1500);
      const start = performance.now();
      program.send('exit');
      const { code, stdout, stderr } = await program.ending;
      const waited = performance.now() - start;
      assert.equal(code, 0, stderr);
      assert.ok(waited < 4500, `${waited} ms`);
      assert.doesNotMatch(stdout + stderr, /not delivered/);
    });
  },
);

/** A client that sends this and keeps its connection. */
async function stranger(
  t: TestContext,
  port: string,
  text: string,
): Promise<Socket> {
  const socket = createConnection(Number(port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise(resolve => socket.once('connect', resolve));
  socket.write(text);
  return socket;
}
