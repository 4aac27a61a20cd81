// What exporters take on while they run.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  isMetricsError,
  type MetricsOptions,
  type OtlpExporterOptions,
} from '@nativestage/metrics/sdk';
import { dataOf, OtlpReceiver } from '../support/OtlpReceiver';

type Exporters = NonNullable<MetricsOptions['exporters']>;

async function start(t: TestContext, options: OtlpExporterOptions = {}) {
  const receiver = await OtlpReceiver.start(t);
  const exporters = (more: OtlpExporterOptions): Exporters => ({
    prometheus: { port: 0 },
    otlp: { endpoint: receiver.url, protocol: 'http/json', ...more },
  });
  const provider = createMeterProvider({ exporters: exporters(options) });
  t.after(() => provider.shutdown().catch(() => {}));
  const counter = provider.getMeter('m').createCounter('it');
  /** Temporality and value of what an export has of the counter. */
  const exported = async () => {
    const before = receiver.metrics.length;
    await provider.forceFlush();
    return receiver.metrics
      .slice(before)
      .filter(({ name }) => name === 'it')
      .map(metric => {
        const { aggregationTemporality, dataPoints } = dataOf(metric);
        return [aggregationTemporality, dataPoints[0].asDouble];
      });
  };
  const page = async () => {
    const url = `http://${provider.prometheusAddress}/metrics`;
    const text = await (await fetch(url)).text();
    return /^it_total\S* (\d+)$/m.exec(text)?.[1];
  };
  return { receiver, exporters, provider, counter, exported, page };
}

const DELTA = 1;
const CUMULATIVE = 2;

test('an exporter takes on another temporality, filter and interval while it runs', async t => {
  const { receiver, exporters, provider, counter, exported, page } =
    await start(t);
  counter.add(1);
  assert.deepEqual(await exported(), [[CUMULATIVE, 1]]);
  counter.add(2);
  provider.update({ exporters: exporters({ temporality: 'delta' }) });
  counter.add(4);
  // What was not exported yet, and then its own intervals.
  assert.deepEqual(await exported(), [
    [CUMULATIVE, 3],
    [DELTA, 4],
  ]);
  counter.add(8);
  assert.deepEqual(await exported(), [[DELTA, 8]]);
  // The page reads what it read before.
  assert.equal(await page(), '15');

  const filtered = {
    temporality: 'delta',
    metricFilter: {
      testMetric: ({ name }) => (name === 'it' ? 'drop' : 'accept'),
    },
  } satisfies OtlpExporterOptions;
  provider.update({ exporters: exporters(filtered) });
  counter.add(16);
  assert.deepEqual(await exported(), []);
  assert.equal(await page(), '31');

  const exports = receiver.received.length;
  provider.update({ exporters: exporters({ interval: 20 }) });
  await receiver.until(() => receiver.received.length > exports + 2);
});

test('an exporter refuses what it cannot take on, and nothing has changed then', async t => {
  const { exporters, provider, counter, exported } = await start(t);
  counter.add(1);
  for (const [change, place] of [
    [exporters({ endpoint: 'http://127.0.0.1:1' }), 'otlp'],
    [{ ...exporters({}), prometheus: false }, 'prometheus'],
    [{ ...exporters({}), console: true }, 'console'],
    [null, 'prometheus'],
  ] as const) {
    assert.throws(
      () => provider.update({ exporters: change, cardinalityLimit: 1 }),
      (error: unknown) => {
        assert.ok(isMetricsError(error));
        assert.equal(error.code, 'ERR_METRICS_INVALID_CONFIG');
        assert.ok(
          error.message.startsWith(
            `options.exporters.${place}: found a change`,
          ),
          error.message,
        );
        return true;
      },
    );
  }
  assert.throws(
    () => provider.update({ exporters: exporters({ interval: -1 }) }),
    /options\.exporters\.otlp\.interval/,
  );
  assert.deepEqual(await exported(), [[CUMULATIVE, 1]]);
});
