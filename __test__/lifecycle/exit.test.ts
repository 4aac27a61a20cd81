import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { Program, runNode } from '../support/Program';

describe('a process that ends by', { concurrency: 2 }, () => {
  for (const [how, code] of [
    ['process.exit', 3],
    ['process.exit inside a callback', 3],
    ['falling off the end', 3],
    ['an uncaught exception', 1],
    ['an unhandled rejection', 1],
    ['a signal that it handles', 3],
  ] as const) {
    test(`${how} delivers every value and keeps its exit code`, async t => {
      const receiver = await OtlpReceiver.start(t);
      const ending = await runNode(t, 'lifecycle/end.cjs', {
        args: [receiver.url, how],
      });
      assert.equal(ending.code, code, ending.stderr);
      for (let shard = 0; shard < 10; shard++) {
        assert.equal(
          receiver.value('end.counter', { shard: String(shard) }),
          10_000,
        );
      }
      const histogram = receiver.point('end.histogram');
      assert.equal(Number(histogram.count), 100_000);
      assert.equal(histogram.sum, 1000 * 4950);
      assert.equal(receiver.value('end.observed'), 77);
    });
  }
});

test('a process that never configured pushes at its end what the environment asks for', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/unconfigured.cjs', {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_SERVICE_NAME: 'named-by-environment',
    },
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(receiver.value('unconfigured', { a: 'b' }), 5);
  assert.equal(Number(receiver.point('unconfigured.histogram').count), 1);
  assert.equal(receiver.resource['service.name'], 'named-by-environment');
});

test('a process that never configured and names no exporter ends at once and silently', async t => {
  const ending = await runNode(t, 'lifecycle/unconfigured.cjs');
  assert.deepEqual(ending, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('a process that configures nothing is configured by the environment after a grace time', async t => {
  const receiver = await OtlpReceiver.start(t);
  const port = await freePort();
  const program = Program.node(t, 'lifecycle/unconfigured.cjs', {
    args: ['wait'],
    env: {
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    },
  });
  await receiver.until(() => receiver.value('unconfigured', { a: 'b' }) === 5);
  const page = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.match(await page.text(), /^unconfigured_total\{.*a="b".*\} 5$/m);
  assert.equal(program.stderr, '');
});

for (const how of ['exit', 'the end']) {
  test(`a collector that never answers holds up ${how} for exitTimeout only, and the log says so`, async t => {
    const endpoint = await silence(t);
    const program = Program.node(t, 'lifecycle/unreachable.cjs', {
      args: [endpoint, how],
    });
    await program.line(/ending/);
    const start = performance.now();
    const ending = await program.ending;
    const waited = performance.now() - start;
    assert.equal(ending.code, 0, ending.stderr);
    // 400 ms were granted; the default would be 5 s, the export's own time-out 10 s.
    assert.ok(waited < 3000, `${waited} ms`);
    assert.match(
      ending.stdout + ending.stderr,
      /the last metrics before exit were not delivered within 400ms \(exitTimeout\)/,
    );
  });
}

test('a collector that refuses connections does not hold up the end', async t => {
  const port = await freePort();
  const ending = await runNode(t, 'lifecycle/unreachable.cjs', {
    args: [`http://127.0.0.1:${port}`, 'exit'],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout + ending.stderr, /were not delivered/);
  assert.match(ending.stdout + ending.stderr, new RegExp(`127.0.0.1:${port}`));
});

test('exporters, callbacks and instruments keep no process alive', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/idle.cjs', {
    args: [receiver.url],
  });
  assert.deepEqual([ending.code, ending.signal], [0, null], ending.stderr);
});

/** A server that takes connections and says nothing. */
async function silence(t: TestContext): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    sockets.forEach(socket => socket.destroy());
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
