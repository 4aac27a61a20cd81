import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportOfProgram } from '../support/exportOfProgram';
import { dataOf, OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { Program, runNode } from '../support/Program';

function temporality(receiver: OtlpReceiver, name: string): unknown {
  const metric = receiver.metrics.find(found => found.name === name);
  assert.ok(metric);
  return dataOf(metric).aggregationTemporality;
}

const DELTA = 1;
const CUMULATIVE = 2;

describe('the environment variable', { concurrency: 2 }, () => {
  test('OTEL_EXPORTER_OTLP_ENDPOINT turns the export on and gets the path added', async t => {
    const receiver = await exportOfProgram(t, {});
    assert.equal(receiver.value('env.counter'), 1);
    assert.equal(receiver.received[0].path, '/v1/metrics');
  });

  test('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT goes before it and is taken as it is', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: '<receiver>/my/own/path',
    });
    assert.equal(receiver.received[0].path, '/my/own/path');
  });

  test('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL goes before OTEL_EXPORTER_OTLP_PROTOCOL', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
    });
    assert.equal(
      receiver.received[0].headers['content-type'],
      'application/x-protobuf',
    );
  });

  test('OTEL_EXPORTER_OTLP_HEADERS is sent, with OTEL_EXPORTER_OTLP_METRICS_HEADERS over it', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-general=a%20b,x-both=general',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x-both=metrics',
    });
    const { headers } = receiver.received[0];
    assert.equal(headers['x-general'], 'a b');
    assert.equal(headers['x-both'], 'metrics');
  });

  test('OTEL_EXPORTER_OTLP_COMPRESSION compresses', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    });
    assert.equal(receiver.received[0].headers['content-encoding'], 'gzip');
    const plain = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'none',
    });
    assert.equal(plain.received[0].headers['content-encoding'], undefined);
  });

  test('OTEL_SERVICE_NAME names the resource, over OTEL_RESOURCE_ATTRIBUTES', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_SERVICE_NAME: 'by-name',
      OTEL_RESOURCE_ATTRIBUTES:
        'service.name=by-attributes,team=the%20kitchen,host.id=h1',
    });
    assert.equal(receiver.resource['service.name'], 'by-name');
    assert.equal(receiver.resource.team, 'the kitchen');
    assert.equal(receiver.resource['host.id'], 'h1');
  });

  test('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE chooses the temporality', async t => {
    const delta = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
    });
    assert.equal(temporality(delta, 'env.counter'), DELTA);
    assert.equal(temporality(delta, 'env.histogram'), DELTA);
    assert.equal(temporality(delta, 'env.updown'), CUMULATIVE);
    const cumulative = await exportOfProgram(t, {});
    assert.equal(temporality(cumulative, 'env.counter'), CUMULATIVE);
  });

  test('OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION chooses the buckets', async t => {
    const receiver = await exportOfProgram(t, {
      OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION:
        'base2_exponential_bucket_histogram',
    });
    const metric = receiver.metrics.find(m => m.name === 'env.histogram');
    assert.ok(metric?.exponentialHistogram, JSON.stringify(metric));
  });

  test('OTEL_METRIC_EXPORT_INTERVAL sets the pace', async t => {
    const receiver = await OtlpReceiver.start(t);
    Program.node(t, 'lifecycle/environment.cjs', {
      args: ['{"exporters":{"prometheus":false}}', 'serve'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_METRIC_EXPORT_INTERVAL: '50',
      },
    });
    await receiver.until(() => receiver.received.length >= 3);
    assert.equal(receiver.value('env.counter'), 1);
  });

  for (const name of [
    'OTEL_METRIC_EXPORT_TIMEOUT',
    'OTEL_EXPORTER_OTLP_TIMEOUT',
    'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT',
  ]) {
    test(`${name} bounds an export`, async t => {
      const start = performance.now();
      const ending = await runNode(t, 'lifecycle/environment.cjs', {
        args: ['{"exporters":{"prometheus":false}}'],
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
          [name]: '50',
        },
      });
      assert.match(ending.stdout, /ERR_METRICS_EXPORT/);
      // Refused connections are tried again until the time is up: 10 seconds by default.
      assert.ok(performance.now() - start < 7000);
    });
  }

  test('OTEL_METRICS_EXPORTER chooses the exporters', async t => {
    const port = await freePort();
    const receiver = await OtlpReceiver.start(t);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    };
    const run = (exporters: string) =>
      runNode(t, 'lifecycle/environment.cjs', {
        args: ['{}'],
        env: { ...env, OTEL_METRICS_EXPORTER: exporters },
      });
    const none = await run('none');
    assert.doesNotMatch(none.stdout, /Prometheus page|env\.counter/);
    assert.equal(receiver.received.length, 0);
    const console = await run('console');
    assert.match(console.stdout, /"env\.counter"/);
    assert.doesNotMatch(console.stdout, /Prometheus page/);
    const otlp = await run('otlp');
    assert.doesNotMatch(otlp.stdout, /Prometheus page/);
    assert.equal(receiver.value('env.counter'), 1);
    const prometheus = await run('prometheus');
    assert.match(
      prometheus.stdout,
      new RegExp(`Prometheus page at http://127.0.0.1:${port}/metrics`),
    );
    const unknown = await run('prometheus,jaeger');
    assert.match(unknown.stdout + unknown.stderr, /"jaeger"/);
  });

  test('OTEL_EXPORTER_PROMETHEUS_HOST and _PORT say where the page is', async t => {
    const port = await freePort();
    const program = Program.node(t, 'lifecycle/environment.cjs', {
      args: ['{}', 'serve'],
      env: {
        OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0',
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      },
    });
    await program.line(new RegExp(`page at http://0.0.0.0:${port}/metrics`));
    const page = await fetch(`http://127.0.0.1:${port}/metrics`);
    assert.match(await page.text(), /env_counter_total/);
  });

  test('OTEL_SDK_DISABLED switches everything off, and recording still works', async t => {
    const receiver = await OtlpReceiver.start(t);
    const port = await freePort();
    const ending = await runNode(t, 'lifecycle/environment.cjs', {
      args: ['{}'],
      env: {
        OTEL_SDK_DISABLED: 'true',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      },
    });
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /OTEL_SDK_DISABLED/);
    assert.match(ending.stdout, /flushed/);
    assert.doesNotMatch(ending.stdout, /Prometheus page/);
    assert.equal(receiver.received.length, 0);
  });

  test('that has a wrong value is named in a warning and left out', async t => {
    const receiver = await OtlpReceiver.start(t);
    const ending = await runNode(t, 'lifecycle/environment.cjs', {
      args: ['{"exporters":{"prometheus":false}}'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli',
        OTEL_METRIC_EXPORT_INTERVAL: 'often',
        OTEL_SDK_DISABLED: 'maybe',
      },
    });
    assert.match(
      ending.stderr,
      /OTEL_EXPORTER_OTLP_COMPRESSION.*"brotli".*gzip/,
    );
    assert.match(ending.stderr, /OTEL_METRIC_EXPORT_INTERVAL.*"often"/);
    assert.match(ending.stderr, /OTEL_SDK_DISABLED.*"maybe"/);
    assert.ok(receiver.received.length > 0);
  });
});

describe('an explicit option goes before', { concurrency: 2 }, () => {
  test('the environment, and the environment before the default', async t => {
    const env = {
      OTEL_SERVICE_NAME: 'from-environment',
      OTEL_RESOURCE_ATTRIBUTES: 'team=environment,floor=2',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-from=environment,x-other=environment',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
    };
    const plain = await exportOfProgram(t, {});
    assert.equal(plain.resource['service.name'], 'unknown_service:node');

    const byEnvironment = await exportOfProgram(t, env);
    assert.equal(byEnvironment.resource['service.name'], 'from-environment');
    assert.equal(byEnvironment.resource.team, 'environment');

    const byOptions = await exportOfProgram(t, env, {
      serviceName: 'from-options',
      resource: { team: 'options' },
      exporters: {
        prometheus: false,
        otlp: {
          headers: { 'x-from': 'options' },
          compression: 'none',
          temporality: 'cumulative',
        },
      },
    });
    assert.equal(byOptions.resource['service.name'], 'from-options');
    assert.equal(byOptions.resource.team, 'options');
    assert.equal(byOptions.resource.floor, '2');
    const { headers } = byOptions.received[0];
    assert.equal(headers['x-from'], 'options');
    assert.equal(headers['x-other'], 'environment');
    assert.equal(headers['content-encoding'], undefined);
    assert.equal(temporality(byOptions, 'env.counter'), CUMULATIVE);
  });

  test('OTEL_METRICS_EXPORTER: an exporter that options switch off stays off', async t => {
    const receiver = await OtlpReceiver.start(t);
    const ending = await runNode(t, 'lifecycle/environment.cjs', {
      args: ['{"exporters":{"prometheus":false,"otlp":false}}'],
      env: {
        OTEL_METRICS_EXPORTER: 'otlp,prometheus',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      },
    });
    assert.match(ending.stdout, /flushed/);
    assert.doesNotMatch(ending.stdout, /Prometheus page/);
    assert.equal(receiver.received.length, 0);
  });
});
