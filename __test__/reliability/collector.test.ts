import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMeterProvider,
  type NativeMeterProvider,
  type OtlpExporterOptions,
  setLogger,
} from '@nativestage/metrics/sdk';
import { type Counter, ValueType } from '@opentelemetry/api';
import { certificate, withoutOpenssl } from '../support/certificate';
import { Collector, refused, silent, taken } from '../support/Collector';
import { GrpcCollector, retryInfo } from '../support/GrpcCollector';

const OWN = '@nativestage/metrics';
const EXPORTED = 'otel.sdk.exporter.metric_data_point.exported';

/** What the package says; every test finds its lines by its collector's address. */
const said: string[] = [];
const note = (level: string) => (message: string) => {
  said.push(`${level}: ${message}`);
};
setLogger({
  debug: () => {},
  info: note('info'),
  warn: note('warn'),
  error: note('error'),
});

/** What was said of one collector. */
function linesOf({ url }: { url: string }): string[] {
  return said.filter(line => line.includes(url));
}

/** The log crosses threads: a line may come shortly after what it tells. */
async function settledLinesOf(collector: { url: string }): Promise<string[]> {
  await sleep(50);
  return linesOf(collector);
}

/** Tests here count data points: without those that a failed export adds to the next. */
const views = [
  { instrument_type: 'histogram' as const, meter_name: OWN },
  { instrument_name: 'otel.sdk.exporter.metric_data_point.inflight' },
].map(selector => ({ selector, stream: { aggregation: { drop: {} } } }));

interface Exporting {
  provider: NativeMeterProvider;
  counter: Counter;
}

function exportTo(
  t: TestContext,
  collector: { url: string },
  otlp: Partial<OtlpExporterOptions> = {},
): Exporting {
  const provider = createMeterProvider({
    views,
    exporters: {
      prometheus: false,
      otlp: {
        endpoint: collector.url,
        protocol: 'http/json',
        temporality: 'delta',
        timeout: 300,
        ...otlp,
      },
    },
  });
  // Not awaited: the collector ends first, and the last export would try until its time is up.
  t.after(() => void provider.shutdown().catch(() => {}));
  const counter = provider
    .getMeter('m')
    .createCounter('c', { valueType: ValueType.INT });
  return { provider, counter };
}

describe('delta data arrives exactly once', { concurrency: 4 }, () => {
  test('from a collector that comes up late, with one line when it fails and one when it works', async t => {
    const collector = await Collector.start(t);
    await collector.stop();
    const { provider, counter } = exportTo(t, collector);
    for (const value of [1, 2, 4]) {
      counter.add(value);
      await assert.rejects(provider.forceFlush(), /ECONNREFUSED|refused/);
    }
    await collector.start();
    counter.add(8);
    await provider.forceFlush();
    assert.equal(collector.total('c'), 15);
    const lines = await settledLinesOf(collector);
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0], /^warn: .* fails: .*1 data point in 1 batch kept/);
    assert.match(
      lines[1],
      /^info: .* works again after .*3 data points in 3 batches delivered late, nothing lost/,
    );
  });

  test('while a collector restarts again and again under load', async t => {
    const collector = await Collector.start(t);
    const { provider, counter } = exportTo(t, collector, { interval: 20 });
    let total = 0;
    for (let restart = 0; restart < 5; restart++) {
      for (let i = 0; i < 20; i++) {
        counter.add(i, { i });
        total += i;
        await sleep(5);
      }
      if (restart % 2 === 0) {
        await collector.stop();
      } else {
        await collector.start();
      }
    }
    await collector.start();
    for (let attempt = 0; ; attempt++) {
      try {
        await provider.forceFlush();
        break;
      } catch (error) {
        // The pause after the last failure is longer than one export may take.
        assert.ok(attempt < 10, String(error));
      }
    }
    assert.equal(collector.total('c'), total);
  });

  for (const status of [429, 502, 503, 504]) {
    test(`from a collector that answered ${status} for a while`, async t => {
      const collector = await Collector.start(t);
      collector.script.push(refused(status), refused(status));
      const { provider, counter } = exportTo(t, collector, { timeout: 5000 });
      counter.add(3);
      await provider.forceFlush();
      assert.equal(collector.attempts.length, 3);
      assert.equal(collector.total('c'), 3);
      // Within one export it is not worth a line.
      assert.deepEqual(await settledLinesOf(collector), []);
    });
  }

  for (const status of [429, 503]) {
    test(`from a collector that answered ${status} and is left in peace for its Retry-After`, async t => {
      const collector = await Collector.start(t);
      collector.script.push(refused(status, { 'retry-after': '1' }));
      const { provider, counter } = exportTo(t, collector, { timeout: 10_000 });
      counter.add(3);
      await provider.forceFlush();
      const [first, second] = collector.attempts;
      assert.ok(second.at - first.at >= 990, String(second.at - first.at));
      assert.equal(collector.attempts.length, 2);
      assert.equal(collector.total('c'), 3);
    });
  }

  test('from a collector whose Retry-After is longer than an export may take', async t => {
    const collector = await Collector.start(t);
    collector.script.push(refused(503, { 'retry-after': '1' }));
    const { provider, counter } = exportTo(t, collector);
    counter.add(3);
    await assert.rejects(provider.forceFlush(), /503/);
    counter.add(4);
    // Silence was asked for: nobody is asked.
    await assert.rejects(provider.forceFlush(), /503/);
    assert.equal(collector.attempts.length, 1);
    await sleep(1050);
    await provider.forceFlush();
    assert.equal(collector.total('c'), 7);
  });

  test('although the answer to it was cut off', async t => {
    const collector = await Collector.start(t);
    collector.script.push((response, take) => {
      take();
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': '100',
      });
      response.write('{"partial');
      setTimeout(() => response.destroy(), 20);
    });
    const { provider, counter } = exportTo(t, collector, { timeout: 5000 });
    for (const value of [1, 2]) {
      counter.add(value);
      await provider.forceFlush();
    }
    assert.equal(collector.attempts.length, 2);
    assert.equal(collector.total('c'), 3);
    assert.deepEqual(await settledLinesOf(collector), []);
  });

  for (const [name, trouble] of [
    ['is UNAVAILABLE', { 'grpc-status': '14' }],
    [
      'is RESOURCE_EXHAUSTED and says when to come back',
      { 'grpc-status': '8', 'grpc-status-details-bin': retryInfo(1) },
    ],
  ] as const) {
    test(`from a gRPC collector that ${name}`, async t => {
      const collector = await GrpcCollector.start(t);
      collector.script.push(trouble);
      const { provider, counter } = exportTo(t, collector, {
        protocol: 'grpc',
        timeout: 10_000,
      });
      counter.add(3);
      await provider.forceFlush();
      const [first, second] = collector.calls;
      assert.equal(collector.taken.length, 1);
      // The very same bytes, start time and all.
      assert.deepEqual(second.body, first.body);
      if ('grpc-status-details-bin' in trouble) {
        assert.ok(second.at - first.at >= 990, String(second.at - first.at));
      }
    });
  }
});

describe('a collector that asks to come back at once', () => {
  const answers = {
    'in 0 seconds': { 'retry-after': '0' },
    'a day ago': {
      'retry-after': new Date(Date.now() - 86_400_000).toUTCString(),
    },
  };
  for (const [when, headers] of Object.entries(answers)) {
    test(`${when} gets a few requests in two seconds`, async t => {
      const collector = await Collector.start(t);
      for (let i = 0; i < 1000; i++) {
        collector.script.push(refused(503, headers));
      }
      const { provider, counter } = exportTo(t, collector, { timeout: 2000 });
      counter.add(1);
      await assert.rejects(provider.forceFlush(), /503/);
      const { length } = collector.attempts;
      assert.ok(length > 1 && length < 10, String(length));
    });
  }
});

describe('what is lost is counted and told once', { concurrency: 4 }, () => {
  test('when a gRPC collector is RESOURCE_EXHAUSTED and does not say for how long', async t => {
    const collector = await GrpcCollector.start(t);
    collector.script.push({ 'grpc-status': '8', 'grpc-message': 'quota' });
    const { provider, counter } = exportTo(t, collector, { protocol: 'grpc' });
    counter.add(3);
    await assert.rejects(provider.forceFlush(), /quota/);
    assert.equal(collector.calls.length, 1);
    counter.add(4);
    await provider.forceFlush();
    const lines = await settledLinesOf(collector);
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0], /^error: .*quota.*; dropped 1 data point$/);
    assert.match(lines[1], /^info: .*1 data point in 1 batch lost$/);
  });

  test('when a collector refuses for good', async t => {
    const collector = await Collector.start(t);
    collector.script.push(refused(401), refused(401), refused(401));
    const { provider, counter } = exportTo(t, collector, {
      temporality: 'cumulative',
    });
    for (let i = 0; i < 3; i++) {
      counter.add(1);
      await assert.rejects(provider.forceFlush(), /401.*check the exporter/);
    }
    await provider.forceFlush();
    assert.equal(collector.last('c'), 3);
    // Of the three refused exports, the later two held this counter's own series as well.
    assert.equal(collector.last(EXPORTED, { 'error.type': 'refused' }), 5);
    assert.equal(
      collector.last(EXPORTED, {
        'otel.component.type': 'otlp_http_json_metric_exporter',
      }),
      5,
    );
    const lines = await settledLinesOf(collector);
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0], /^error: .*401.*dropped 1 data point$/);
    assert.match(lines[1], /^info: .*5 data points in 3 batches lost$/);
  });

  for (const status of [200, 503]) {
    test(`when the answer of ${status} is longer than 4 MiB`, async t => {
      const collector = await Collector.start(t);
      collector.script.push(response => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(`{"padding":"${'x'.repeat(4 * 1024 * 1024)}"}`);
      });
      const { provider, counter } = exportTo(t, collector, { timeout: 5000 });
      counter.add(1);
      await assert.rejects(provider.forceFlush(), /more than 4 MiB/);
      assert.equal(collector.attempts.length, 1);
      counter.add(2);
      await provider.forceFlush();
      assert.equal(collector.total('c'), 2);
      assert.equal(collector.last(EXPORTED, { 'error.type': 'refused' }), 1);
      const lines = await settledLinesOf(collector);
      assert.equal(lines.length, 2, lines.join('\n'));
      assert.match(lines[0], /^error: .*4 MiB.*; dropped 1 data point$/);
    });
  }

  test('when newer values took the place of what could not be sent', async t => {
    const collector = await Collector.start(t);
    await collector.stop();
    const { provider, counter } = exportTo(t, collector, {
      temporality: 'cumulative',
    });
    counter.add(1);
    await assert.rejects(provider.forceFlush());
    await collector.start();
    await provider.forceFlush();
    assert.equal(collector.last('c'), 1);
    assert.equal(collector.last(EXPORTED, { 'error.type': 'superseded' }), 1);
  });

  test('when a collector takes a part only', async t => {
    const collector = await Collector.start(t);
    const partial = JSON.stringify({
      partialSuccess: { rejectedDataPoints: '1', errorMessage: 'too old' },
    });
    for (let i = 0; i < 2; i++) {
      collector.script.push(response => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(partial);
      });
    }
    const { provider, counter } = exportTo(t, collector, {
      temporality: 'cumulative',
    });
    counter.add(1, { a: 1 });
    counter.add(1, { a: 2 });
    await provider.forceFlush();
    await provider.forceFlush();
    await provider.forceFlush();
    assert.equal(collector.attempts.length, 3);
    assert.equal(collector.last(EXPORTED, { 'error.type': 'rejected' }), 2);
    const lines = await settledLinesOf(collector);
    assert.deepEqual(
      lines.map(line => line.replace(/http\S*:/, '<url>:')),
      [
        'warn: [metrics] OTLP export to <url>: the collector rejected 1 data point of an export: too old',
      ],
    );
  });
});

describe('credentials', { concurrency: 2 }, () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`do not follow a ${status}`, async t => {
      const elsewhere = await Collector.start(t);
      const collector = await Collector.start(t);
      collector.script.push(
        refused(status, { location: `${elsewhere.url}/v1/metrics?k=v` }),
      );
      const { provider, counter } = exportTo(t, collector, {
        headers: { authorization: 'Bearer s3cret' },
      });
      counter.add(1);
      await assert.rejects(
        provider.forceFlush(),
        new RegExp(`a redirect to ${elsewhere.url}.*not followed`),
      );
      assert.equal(elsewhere.attempts.length, 0);
      assert.equal(
        collector.attempts[0].headers.authorization,
        'Bearer s3cret',
      );
      assert.doesNotMatch((await settledLinesOf(collector)).join(), /s3cret/);
    });
  }

  test(
    'are not sent to a collector whose certificate is not trusted',
    { skip: withoutOpenssl() },
    async t => {
      const trusted = certificate(t);
      const stranger = certificate(t);
      let requests = 0;
      const server = createHttpsServer(
        { key: stranger.key, cert: stranger.cert },
        (request, response) => {
          requests++;
          request.resume().on('end', () => response.end());
        },
      ).listen(0, '127.0.0.1');
      server.on('tlsClientError', () => {});
      await once(server, 'listening');
      t.after(() => {
        server.close();
        server.closeAllConnections();
      });
      const { port } = server.address() as AddressInfo;
      const url = `https://localhost:${port}`;
      for (const tls of [{}, { caFile: trusted.file }]) {
        const { provider, counter } = exportTo(t, { url }, { tls });
        counter.add(1);
        await assert.rejects(provider.forceFlush(), /certificate/i);
      }
      assert.equal(requests, 0);

      const { provider, counter } = exportTo(
        t,
        { url },
        { tls: { caFile: stranger.file }, timeout: 5000 },
      );
      counter.add(1);
      await provider.forceFlush();
      assert.equal(requests, 1);
    },
  );
});

describe('a collector that takes requests and never answers', () => {
  test('is left when the time is up, and gets everything when it answers again', async t => {
    const collector = await Collector.start(t);
    collector.script.push(silent, silent);
    const { provider, counter } = exportTo(t, collector);
    for (const value of [1, 2]) {
      counter.add(value);
      await assert.rejects(provider.forceFlush(), /no answer within 300ms/);
    }
    counter.add(4);
    await provider.forceFlush();
    assert.equal(collector.total('c'), 7);
    const lines = await settledLinesOf(collector);
    assert.equal(lines.length, 2, lines.join('\n'));
  });

  test('slows no record down and holds no memory', async t => {
    const RECORDS = 1_000_000;
    const hanging = await Collector.start(t);
    for (let i = 0; i < 1000; i++) {
      hanging.script.push(silent);
    }
    const quiet = createMeterProvider({ exporters: { prometheus: false } });
    t.after(() => quiet.shutdown());
    const options = { valueType: ValueType.INT };
    const unexported = quiet.getMeter('m').createCounter('c', options);
    const { counter } = exportTo(t, hanging, {
      interval: 50,
      timeout: 50,
      temporality: 'cumulative',
    });
    const time = (target: Counter) => {
      const start = performance.now();
      for (let i = 0; i < RECORDS; i++) {
        target.add(1, { shard: i & 7 });
      }
      return performance.now() - start;
    };
    time(unexported);
    time(counter);
    const before = process.memoryUsage.rss();
    let [alone, hung] = [Infinity, Infinity];
    for (let round = 0; round < 10; round++) {
      alone = Math.min(alone, time(unexported));
      hung = Math.min(hung, time(counter));
      await sleep(20);
    }
    assert.ok(hanging.attempts.length >= 2, 'the collector hung meanwhile');
    assert.equal(hanging.taken.length, 0);
    // Twice the same code; what is ruled out is waiting, which would be a thousandfold.
    assert.ok(hung < alone * 4, `${hung} ms against ${alone} ms`);
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`);
    hanging.script.length = 0;
    hanging.script.push(taken);
    // Requests that this thread did not read while it recorded are answered first.
    const all = (11 * RECORDS) / 8;
    await hanging.until(() => hanging.last('c', { shard: '0' }) === all);
  });
});
