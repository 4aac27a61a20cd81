import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { FIXTURES, preloading, Program, runNode } from '../support/Program';

/** The grace time after which the environment configures, and a moment. */
const GRACE_MS = 10_000;
const MOMENT_MS = 1500;

/** Waiting is all that most of these do. */
const concurrency = 8;

describe('a process that measures nothing', { concurrency }, () => {
  for (const entry of [
    '@nativestage/metrics',
    '@nativestage/metrics/register',
    '@nativestage/metrics/sdk',
    '@nativestage/metrics/testing',
  ]) {
    test(`opens no port and pushes nothing when it imports ${entry}`, async t => {
      const { program, receiver, page } = await start(t, entry, 'nothing');
      await program.line(/serves/);
      await sleep(GRACE_MS + MOMENT_MS);
      await assert.rejects(page(), 'nobody listens');
      assert.equal(receiver.received.length, 0);
      assert.equal(program.stderr, '');
    });
  }

  test('pushes nothing at its end either', async t => {
    const receiver = await OtlpReceiver.start(t);
    const ending = await runNode(t, 'lifecycle/measures.cjs', {
      args: ['@nativestage/metrics/register', 'nothing', 'end'],
      env: environmentFor(receiver),
    });
    assert.deepEqual([ending.code, ending.stderr], [0, '']);
    assert.equal(receiver.received.length, 0);
  });

  test('leaves the port to the program that it starts, as npm does under NODE_OPTIONS', async t => {
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-npm-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const fixture = path.join(FIXTURES, 'lifecycle/measures.cjs');
    writeFileSync(
      path.join(directory, 'package.json'),
      JSON.stringify({
        private: true,
        scripts: {
          // npm has had its grace time when the app begins.
          start: `node -e "setTimeout(() => {}, ${GRACE_MS + MOMENT_MS})" && exec node "${fixture}" preloaded "an instrument"`,
        },
      }),
    );
    const receiver = await OtlpReceiver.start(t);
    const port = await freePort();
    const npm = Program.command(t, 'npm', ['start'], {
      cwd: directory,
      env: {
        PATH: process.env.PATH!,
        HOME: process.env.HOME ?? directory,
        ...preloading([require.resolve('@nativestage/metrics/register')]),
        ...environmentFor(receiver, port),
      },
      limit: 90_000,
    });
    try {
      await npm.line(/serves/);
      assert.equal(receiver.received.length, 0);
      await eventually(async () => {
        assert.match(await pageAt(port), /^measured_total/m);
      });
      await receiver.until(() => receiver.value('measured') === 1);
      assert.doesNotMatch(npm.stderr, /cannot listen/);
    } finally {
      // npm passes this on; nothing else would end the app.
      await npm.stop('SIGTERM');
    }
  });
});

describe('a process exports once it has', { concurrency }, () => {
  for (const what of [
    'an instrument',
    'an instrument late',
    'an instrument of a worker',
    'a metric of prom-client',
  ]) {
    test(what, async t => {
      const { program, page } = await start(
        t,
        '@nativestage/metrics/register',
        what,
      );
      await eventually(async () => {
        assert.match(await page(), /^measured_total/m);
      });
      assert.equal(program.stderr, '');
    });
  }

  test('been configured, whether it measures or not', async t => {
    const port = await freePort();
    const receiver = await OtlpReceiver.start(t);
    const program = Program.node(t, 'lifecycle/configured.cjs', {
      env: environmentFor(receiver, port),
    });
    await program.line(/configured/);
    assert.match(await pageAt(port), /^target_info/m);
  });
});

async function start(t: TestContext, entry: string, what: string) {
  const receiver = await OtlpReceiver.start(t);
  const port = await freePort();
  const program = Program.node(t, 'lifecycle/measures.cjs', {
    args: [entry, what],
    env: environmentFor(receiver, port),
  });
  return { program, receiver, page: () => pageAt(port) };
}

/** Everything on, and quick. */
function environmentFor(
  receiver: OtlpReceiver,
  port?: number,
): Record<string, string> {
  return {
    OTEL_METRICS_EXPORTER: port === undefined ? 'otlp' : 'otlp,prometheus',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port ?? 0),
  };
}

async function pageAt(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return response.text();
}
