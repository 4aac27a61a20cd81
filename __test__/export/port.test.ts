import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMeterProvider } from '@nativestage/metrics/sdk';
import { eventually } from '../support/eventually';
import { freePort } from '../support/ports';
import { Program, runNode } from '../support/Program';

test('a port that is taken is opened once it is free, and each is logged once', async t => {
  const { port, free } = await takePort(t);
  const program = serve(t, port);
  await program.line(/not exposed there; it is tried again/);
  await sleep(1000);
  await free();
  await program.line(new RegExp(`page at http://127.0.0.1:${port}/metrics`));
  assert.match(await page(port), /^env_counter_total/m);
  const said = program.stdout + program.stderr;
  assert.equal(said.match(/cannot listen/g)?.length, 1, said);
  assert.equal(said.match(/Prometheus page at/g)?.length, 1, said);
});

test('a program that replaces another gets its port soon after that has ended', async t => {
  const port = await freePort();
  const old = serve(t, port);
  await old.line(/Prometheus page at/);
  const next = serve(t, port);
  await next.line(/cannot listen/);
  // As watchers do: the new one is there before the old one has gone.
  await sleep(200);
  await old.stop('SIGKILL');
  const start = performance.now();
  await next.line(/Prometheus page at/);
  assert.ok(performance.now() - start < 3000);
  assert.match(await page(port), /^env_counter_total/m);
});

test('a provider says where its page is, or why there is none yet', async t => {
  const { port, free } = await takePort(t);
  const provider = createMeterProvider({ exporters: { prometheus: { port } } });
  t.after(() => provider.shutdown());
  assert.equal(provider.prometheusAddress, undefined);
  assert.match(
    provider.problem ?? '',
    new RegExp(
      `127\\.0\\.0\\.1:${port}: the port is in use; set options\\.exporters\\.prometheus\\.port`,
    ),
  );
  await free();
  await eventually(() => {
    assert.equal(provider.prometheusAddress, `127.0.0.1:${port}`);
  });
  assert.equal(provider.problem, undefined);
});

test('a provider that was shut down tries for its port no more', async t => {
  const { port, free } = await takePort(t);
  const provider = createMeterProvider({ exporters: { prometheus: { port } } });
  await provider.shutdown();
  assert.equal(provider.problem, undefined);
  await free();
  await sleep(700);
  await assert.rejects(page(port));
});

test('a program that waits for its port ends when it has nothing else to do', async t => {
  const { port } = await takePort(t);
  const start = performance.now();
  const ending = await runNode(t, 'lifecycle/environment.cjs', {
    args: [JSON.stringify({ exporters: { prometheus: { port } } })],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout, /flushed/);
  assert.match(ending.stderr, /cannot listen/);
  assert.ok(performance.now() - start < 10_000);
});

test('a taken port is named by the variable that chose it', async t => {
  const { port } = await takePort(t);
  const program = Program.node(t, 'lifecycle/environment.cjs', {
    args: ['{}', 'serve'],
    env: { OTEL_EXPORTER_PROMETHEUS_PORT: String(port) },
  });
  await program.line(
    /the port is in use; set OTEL_EXPORTER_PROMETHEUS_PORT to a free port/,
  );
});

/** A program with its page on this port. */
function serve(t: TestContext, port: number): Program {
  return Program.node(t, 'lifecycle/environment.cjs', {
    args: [JSON.stringify({ exporters: { prometheus: { port } } }), 'serve'],
  });
}

async function page(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return response.text();
}

/** Somebody else's server. */
async function takePort(
  t: TestContext,
): Promise<{ port: number; free: () => Promise<void> }> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const free = async () => {
    server.close();
    await once(server, 'close');
  };
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, free };
}
