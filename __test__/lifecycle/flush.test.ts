import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { MetricsCounter } from '@nativestage/metrics';
import { createMeterProvider, isMetricsError } from '@nativestage/metrics/sdk';
import { createTestMetrics } from '@nativestage/metrics/testing';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { runNode } from '../support/Program';

test('flush and shutdown resolve once the collector has everything, also the second time', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/flush.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(
    ending.stdout,
    'flush: resolved\nshutdown: resolved\nsecond shutdown: resolved\nlate flush: resolved\n',
  );
  assert.equal(receiver.value('flushed'), 3);
});

test('flush and shutdown reject with a code and the endpoint when the collector is away', async t => {
  const port = await freePort();
  const ending = await runNode(t, 'lifecycle/flush.cjs', {
    args: [`http://127.0.0.1:${port}`],
  });
  assert.equal(ending.code, 0, ending.stderr);
  const [flush, shutdown, second] = ending.stdout.split('\n');
  const failure = new RegExp(
    `: ERR_METRICS_EXPORT .*http://127\\.0\\.0\\.1:${port}/v1/metrics`,
  );
  assert.match(flush, failure);
  assert.match(shutdown, failure);
  assert.equal(second, 'second shutdown: resolved');
});

test('flush resolves only after the collector has answered', async t => {
  let answered = false;
  const server = createServer((request, response) => {
    request.resume().on('end', () =>
      setTimeout(() => {
        answered = true;
        response.end();
      }, 50),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const provider = createMeterProvider({
    exporters: {
      prometheus: false,
      otlp: { endpoint: `http://127.0.0.1:${port}` },
    },
  });
  t.after(async () => {
    await provider.shutdown();
    server.close();
  });
  provider.getMeter('m').createCounter('c').add(1);
  await provider.forceFlush();
  assert.equal(answered, true);
});

test('a collector that refuses for good is told by status and words', async t => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'text/plain' });
    response.end('tenant unknown');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const provider = createMeterProvider({
    exporters: {
      prometheus: false,
      otlp: { endpoint: `http://127.0.0.1:${port}` },
    },
  });
  t.after(async () => {
    await provider.shutdown().catch(() => {});
    server.close();
  });
  provider.getMeter('m').createCounter('c').add(1);
  await assert.rejects(provider.forceFlush(), (error: unknown) => {
    assert.ok(isMetricsError(error));
    assert.equal(error.code, 'ERR_METRICS_EXPORT');
    assert.match(error.message, /400/);
    assert.match(error.message, /tenant unknown/);
    return true;
  });
});

test('a second configuration is refused with a code', async t => {
  const ending = await runNode(t, 'lifecycle/configure-twice.cjs');
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout, /^MetricsError ERR_METRICS_ALREADY_CONFIGURED ./);
});

test('after a shutdown there are meters that do nothing', async t => {
  const metrics = createTestMetrics();
  const { provider } = metrics;
  const before = provider.getMeter('m').createCounter('c');
  await metrics.shutdown();
  before.add(1);
  const meter = provider.getMeter('m');
  const after = meter.createCounter('c') as MetricsCounter;
  assert.notEqual(after, before);
  assert.ok(!(after instanceof before.constructor));
  after.add(1);
  after.bind({ a: 1 }).add(1);
  after.remove({ a: 1 });
  after.clear();
  meter.createObservableGauge('g').addCallback(() => t.assert.fail('it runs'));
});
