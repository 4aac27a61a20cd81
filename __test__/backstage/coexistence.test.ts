import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually';
import { backend, ready } from '../support/backend';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { FIXTURES, preloading } from '../support/Program';

const INSTRUMENTATION = path.join(FIXTURES, 'backstage/instrumentation.cjs');
const TUTORIAL = path.join(FIXTURES, 'backstage/tutorial-instrumentation.cjs');
const REGISTER = path.resolve('dist/register.js');

describe('beside a NodeSDK for traces and automatic instrumentations', () => {
  for (const [order, preloaded, readers] of [
    ['that starts first, without readers', [INSTRUMENTATION], 'none'],
    ['that starts later, without readers', [REGISTER, INSTRUMENTATION], 'none'],
    ['that starts later', [REGISTER, INSTRUMENTATION], 'default'],
  ] as const) {
    test(`${order}, traces go where they went and metrics come here`, async t => {
      const receiver = await OtlpReceiver.start(t);
      const { url, page, log } = await start(t, preloaded, {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
        METRIC_READERS: readers,
      });
      await eventually(async () => {
        await fetch(`${url}/.backstage/health/v1/liveness`);
        assert.match(
          await page(),
          /^http_server_request_duration_seconds_count\{.*otel_scope_name="@opentelemetry\/instrumentation-http".*\} [1-9]/m,
        );
      });
      assert.match(
        await page(),
        /^backstage_plugin_orders_orders_placed_total/m,
      );
      await receiver.until(() =>
        receiver.received.some(
          ({ path: where, body }) =>
            where === '/v1/traces' &&
            body.includes('/.backstage/health/v1/liveness'),
        ),
      );
      assert.doesNotMatch(log(), /MeterProvider|duplicate registration/);
    });
  }
});

test('a NodeSDK with metrics of its own keeps them, ours come here, and the choice is explained', async t => {
  const sdkPort = await freePort();
  const { page, log } = await start(t, [INSTRUMENTATION], {
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(sdkPort),
  });
  assert.match(await page(), /^backstage_plugin_orders_orders_placed_total/m);
  const theirs = await fetch(`http://127.0.0.1:${sdkPort}/metrics`);
  assert.match(await theirs.text(), /^target_info/m);
  assert.match(
    log(),
    /another OpenTelemetry MeterProvider \(MeterProvider\) is registered already.*give your NodeSDK `metricReaders: \[\]`.* or import @nativestage\/metrics\/register before it starts/,
  );
});

describe("beside the tutorial's instrumentation.js as it is, whose exporter has the port", () => {
  for (const [order, preloaded, ignoresReader] of [
    ['that starts first', [TUTORIAL], false],
    ['that starts later', [REGISTER, TUTORIAL], false],
    ['that the SDK ignores', [TUTORIAL], true],
  ] as const) {
    test(`${order}, the page takes the next port and one line says so`, async t => {
      const port = await freePort();
      const { program, url } = await backend(t, {}, ['orders'], {
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
        IGNORES_READER: String(ignoresReader),
        ...preloading(preloaded),
      });
      await ready({ program, url });
      const [line, address] = await program.line(
        /^.*Prometheus page at (http:\/\/127\.0\.0\.1:\d+\/metrics), because a PrometheusExporter of this process.*$/m,
      );
      assert.match(line, new RegExp(`holds port ${port} `));
      const page = await (await fetch(address)).text();
      assert.match(page, /^backstage_plugin_orders_orders_placed_total/m);
      const log = program.stdout + program.stderr;
      assert.equal(log.match(/Prometheus page at/g)?.length, 1, log);
      assert.doesNotMatch(log, /cannot listen/);
      const theirs = await fetch(`http://127.0.0.1:${port}/metrics`);
      assert.doesNotMatch(await theirs.text(), /backstage_plugin_orders/);
    });
  }
});

async function start(
  t: TestContext,
  preloaded: readonly string[],
  env: Record<string, string>,
) {
  const port = await freePort();
  const started = await backend(
    t,
    { exporters: { prometheus: { port } } },
    ['orders'],
    {
      ...env,
      ...preloading(preloaded),
    },
  );
  await ready(started);
  return {
    url: started.url,
    page: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    log: () => started.program.stdout + started.program.stderr,
  };
}
