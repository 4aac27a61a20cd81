import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { backend, ready } from '../support/backend';
import { Collector, silent, taken } from '../support/Collector';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';

function start(
  t: TestContext,
  collector: { url: string },
  how: string,
  options: { otlp?: object; exitTimeout?: number } = {},
): Program {
  const { otlp, ...rest } = options;
  return Program.node(t, 'reliability/ends.cjs', {
    args: [
      JSON.stringify({
        exporters: {
          prometheus: false,
          otlp: { endpoint: collector.url, protocol: 'http/json', ...otlp },
        },
        ...rest,
      }),
      how,
    ],
  });
}

const DELTA = { temporality: 'delta' };

describe('a plain program', { concurrency: 2 }, () => {
  test('that handles SIGINT delivers what it records until it exits', async t => {
    const collector = await Collector.start(t);
    const program = start(
      t,
      collector,
      'SIGINT with a handler that stops first',
    );
    const { code, stderr } = await program.ending;
    assert.equal(code, 0, stderr);
    for (const shard of ['0', '1', '2', '3']) {
      assert.equal(collector.last('ends.counter', { shard }), 500);
    }
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`without a handler dies of ${signal} with what it exported before`, async t => {
      const collector = await Collector.start(t);
      const program = start(t, collector, 'a signal without a handler', {
        otlp: DELTA,
      });
      await program.line(/flushed/);
      await program.stop(signal);
      // As without the package: no handler of ours changes how a program answers a signal.
      assert.equal((await program.ending).signal, signal);
      assert.equal(collector.total('ends.counter'), 1000);
    });
  }

  test('that exits while an export is under way waits for it and for the one after it', async t => {
    const collector = await Collector.start(t);
    let answer = () => {};
    collector.script.push((response, take) => {
      answer = () => void taken(response, take);
    });
    const program = start(
      t,
      collector,
      'an exit while an export is under way',
      { otlp: DELTA },
    );
    await collector.until(() => collector.attempts.length === 1);
    program.send('exit');
    setTimeout(() => answer(), 400);
    const { code, stdout, stderr } = await program.ending;
    assert.equal(code, 0, stderr);
    assert.equal(collector.total('ends.counter'), 3000);
    assert.equal(collector.attempts.length, 2);
    assert.doesNotMatch(stdout + stderr, /not delivered/);
  });

  test('says how much a collector that never answers did not get', async t => {
    const collector = await Collector.start(t);
    collector.script.push(silent);
    const program = start(t, collector, 'exit', { exitTimeout: 300 });
    const { code, stdout, stderr } = await program.ending;
    assert.equal(code, 0);
    assert.match(
      stdout + stderr,
      /were not delivered within 300ms \(exitTimeout\); undelivered data points: 4$/m,
    );
  });

  for (const temporality of ['delta', 'cumulative']) {
    test(`says how much ${temporality} data a collector that is away did not get`, async t => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const program = start(t, { url }, 'exit', {
        otlp: { temporality, timeout: 200 },
      });
      const { code, stdout, stderr } = await program.ending;
      const said = stdout + stderr;
      assert.equal(code, 0);
      assert.match(
        said,
        /stopped: 4 data points in 1 batch could not be delivered$/m,
      );
      assert.match(said, new RegExp(`not delivered: .*${url}`));
      // There is no next export to promise anything of.
      assert.doesNotMatch(said, /next export|sent again/);
    });
  }

  test('that exits before its event loop turned again still says what went wrong meanwhile', async t => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const program = start(
      t,
      { url },
      'an exit right after the event loop was blocked',
      { otlp: { ...DELTA, interval: 200, timeout: 100 } },
    );
    const { code, stdout, stderr } = await program.ending;
    const said = stdout + stderr;
    assert.equal(code, 0, said);
    assert.match(said, /did not answer in time/);
    assert.match(said, /fails: .*kept to be sent again/);
    assert.match(said, /stopped: \d+ data points in \d+ batches could not be/);
  });

  test('that terminates a worker keeps what the worker had handed over, and its own', async t => {
    const collector = await Collector.start(t);
    const program = start(t, collector, 'terminate');
    const { code, stderr } = await program.ending;
    assert.equal(code, 0, stderr);
    assert.equal(collector.last('ends.terminated'), 5);
    assert.equal(collector.last('ends.counter', { shard: '0' }), 500);
    const last = JSON.stringify(collector.taken.at(-1));
    assert.match(last, /ends\.terminated/);
    // Its callbacks are gone, and what they observed with them.
    assert.doesNotMatch(last, /ends\.observed/);
    assert.match(JSON.stringify(collector.taken[0]), /ends\.observed/);
  });
});

describe('a Backstage backend', { concurrency: 2 }, () => {
  for (const [how, code] of [
    ['SIGINT', 0],
    ['exit', 3],
  ] as const) {
    test(`that ends by ${how} delivers every value`, async t => {
      const { collector, program } = await startBackend(t);
      program.send(how);
      const ending = await program.ending;
      assert.equal(ending.code, code, ending.stdout + ending.stderr);
      for (const shard of ['0', '1', '2', '3']) {
        assert.equal(
          collector.last('backstage.plugin.ending.work.done', { shard }),
          250,
        );
      }
    });
  }

  test('that survives an uncaught exception and an unhandled rejection delivers every value', async t => {
    const { collector, program } = await startBackend(t);
    // Backstage logs both and goes on.
    program.send('throw');
    await program.line(/thrown on purpose/);
    program.send('reject');
    await program.line(/rejected on purpose/);
    program.send('SIGTERM');
    await program.ending;
    for (const shard of ['0', '1', '2', '3']) {
      assert.equal(
        collector.last('backstage.plugin.ending.work.done', { shard }),
        750,
      );
    }
  });
});

async function startBackend(t: TestContext) {
  const collector = await Collector.start(t);
  const started = await backend(
    t,
    {
      exporters: {
        prometheus: false,
        otlp: { endpoint: collector.url, protocol: 'http/json' },
      },
    },
    ['ending'],
  );
  await ready(started);
  return { collector, program: started.program };
}
