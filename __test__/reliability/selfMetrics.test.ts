import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type NativeMeterProvider,
  type OtlpExporterOptions,
} from '@nativestage/metrics/sdk';
import { ValueType } from '@opentelemetry/api';
import { Collector, refused } from '../support/Collector';
import { eventually } from '../support/eventually';
import { GrpcCollector } from '../support/GrpcCollector';
import {
  attributesOf,
  metricsOf,
  type OtlpRequest,
  pointsOf,
} from '../support/OtlpReceiver';

const EXPORTED = 'otel.sdk.exporter.metric_data_point.exported';
const INFLIGHT = 'otel.sdk.exporter.metric_data_point.inflight';
const EXPORT_DURATION = 'otel.sdk.exporter.operation.duration';
const COLLECTION_DURATION = 'otel.sdk.metric_reader.collection.duration';

function provide(
  t: TestContext,
  collector: { url: string },
  otlp: Partial<OtlpExporterOptions>,
): NativeMeterProvider {
  const provider = createMeterProvider({
    exporters: {
      prometheus: { port: 0 },
      otlp: {
        endpoint: collector.url,
        protocol: 'http/json',
        timeout: 1000,
        ...otlp,
      },
    },
  });
  t.after(() => void provider.shutdown().catch(() => {}));
  return provider;
}

async function pageOf(provider: NativeMeterProvider): Promise<string> {
  const url = `http://${provider.prometheusAddress}/metrics`;
  return (await fetch(url)).text();
}

/** The samples of one name on a page. */
function samples(page: string, name: string) {
  return page
    .split('\n')
    .filter(line => line.startsWith(`${name}{`))
    .map(line => {
      const [, labels, value] = /^[^{]*\{(.*)\} (\S+)$/.exec(line)!;
      return {
        labels: Object.fromEntries(
          Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, key, text]) => [
            key,
            text,
          ]),
        ),
        value: Number(value),
      };
    });
}

/** The points of a metric in all these requests. */
function points(requests: OtlpRequest[], name: string) {
  return requests
    .flatMap(metricsOf)
    .filter(metric => metric.name === name)
    .flatMap(pointsOf)
    .map(point => ({ ...point, attributes: attributesOf(point.attributes) }));
}

describe('an exporter', { concurrency: 4 }, () => {
  test('tells how many data points are in flight, were delivered and lost, and how long each export took', async t => {
    const collector = await Collector.start(t);
    const provider = provide(t, collector, { temporality: 'delta' });
    const counter = provider
      .getMeter('m')
      .createCounter('c', { valueType: ValueType.INT });
    const fails = async (message: RegExp) => {
      counter.add(1);
      await assert.rejects(provider.forceFlush(), message);
    };
    /** Of the exports, by `error.type`: how many data points, or how many exports. */
    const byError = async (name: string) =>
      Object.fromEntries(
        samples(await pageOf(provider), name).map(({ labels, value }) => [
          labels.error_type ?? 'none',
          value,
        ]),
      );
    const inflight = async () => {
      const name = 'otel_sdk_exporter_metric_data_point_inflight';
      return samples(await pageOf(provider), name)[0].value;
    };

    await collector.stop();
    await fails(/refused/);
    assert.equal(await inflight(), 1);
    await fails(/refused/);
    // What the first failure says about itself is in flight as well.
    assert.ok((await inflight()) > 2);
    await collector.start();
    await eventually(() => provider.forceFlush());
    assert.equal(await inflight(), 0);
    collector.script.push(refused(401));
    await fails(/401/);
    await provider.forceFlush();

    assert.equal(await inflight(), 0);
    const { none: delivered, refused: lost } = await byError(
      'otel_sdk_exporter_metric_data_point_exported_total',
    );
    const { taken } = collector;
    assert.equal(delivered, taken.flatMap(metricsOf).flatMap(pointsOf).length);
    assert.ok(lost >= 1);
    const exports = await byError(
      'otel_sdk_exporter_operation_duration_seconds_count',
    );
    const { connection_refused: nobody, ...others } = exports;
    assert.ok(nobody >= 2);
    assert.deepEqual(others, { 401: 1, none: taken.length });
    const seconds = await byError(
      'otel_sdk_exporter_operation_duration_seconds_sum',
    );
    for (const [error, sum] of Object.entries(seconds)) {
      assert.ok(sum > 0 && sum < 60, `${error}: ${sum} s`);
    }

    // The same over OTLP.
    const identity = {
      'otel.component.name': 'otlp_http_json_metric_exporter/0',
      'otel.component.type': 'otlp_http_json_metric_exporter',
      'server.address': '127.0.0.1',
      'server.port': String(collector.port),
    };
    for (const name of [EXPORTED, INFLIGHT, EXPORT_DURATION]) {
      const found = points(taken, name);
      assert.ok(found.length > 0, name);
      for (const { attributes } of found) {
        assert.deepEqual({ ...attributes, ...identity }, attributes);
      }
    }
    const refusal = points(taken, EXPORT_DURATION).find(
      ({ attributes }) => attributes['error.type'] === '401',
    );
    assert.equal(refusal?.attributes['http.response.status_code'], '401');
    assert.equal(Number(points(taken, INFLIGHT).at(-1)?.asInt), 0);
    const readers = points(taken, COLLECTION_DURATION).map(
      ({ attributes }) => attributes['otel.component.name'],
    );
    assert.deepEqual([...new Set(readers)].sort(), [
      'periodic_metric_reader/0',
      'prometheus_http_text_metric_exporter/0',
    ]);
  });

  test('over gRPC gives the status by its name, also on the Prometheus page', async t => {
    const collector = await GrpcCollector.start(t);
    collector.script.push({ 'grpc-status': '16' });
    const provider = provide(t, collector, { protocol: 'grpc' });
    provider.getMeter('m').createCounter('c').add(1);
    await assert.rejects(provider.forceFlush(), /UNAUTHENTICATED/);
    await provider.forceFlush();
    const page = await pageOf(provider);
    const exports = (labels: string) =>
      new RegExp(
        `^otel_sdk_exporter_operation_duration_seconds_count\\{${labels}.*\\} 1$`,
        'm',
      );
    assert.match(
      page,
      exports(
        'error_type="UNAUTHENTICATED",.*otel_component_type="otlp_grpc_metric_exporter",.*rpc_status_code="UNAUTHENTICATED"',
      ),
    );
    assert.match(page, exports('otel_component_name=.*rpc_status_code="OK"'));
    assert.match(
      page,
      /^otel_sdk_exporter_metric_data_point_inflight\{.*\} 0$/m,
    );
  });

  for (const temporality of ['delta', 'cumulative'] as const) {
    test(`of an idle program exports no more and more about itself (${temporality})`, async t => {
      const collector = await Collector.start(t);
      provide(t, collector, { temporality, interval: 20 });
      await collector.until(() => collector.taken.length >= 60);
      const sizes = collector.taken.map(
        request => metricsOf(request).flatMap(pointsOf).length,
      );
      // Both durations and both counts.
      assert.equal(Math.max(...sizes), 4, String(sizes));
    });
  }
});

describe('a Prometheus page', () => {
  test('tells how long the collections before it took', async t => {
    const provider = createMeterProvider({
      exporters: { prometheus: { port: 0 } },
    });
    t.after(() => provider.shutdown());
    const COUNT =
      /^otel_sdk_metric_reader_collection_duration_seconds_count\{.*otel_component_type="prometheus_http_text_metric_exporter".*\} (\d+)$/m;
    assert.doesNotMatch(await pageOf(provider), COUNT);
    await pageOf(provider);
    const page = await pageOf(provider);
    assert.equal(COUNT.exec(page)?.[1], '2');
    // A single bucket, as the conventions ask.
    assert.deepEqual(
      [...page.matchAll(/^otel_sdk_\w+_bucket\{.*le="(.+?)"/gm)].map(
        ([, bound]) => bound,
      ),
      ['+Inf'],
    );
  });

  test('tells what a callback threw in a collection', async t => {
    const provider = createMeterProvider({
      exporters: { prometheus: { port: 0 } },
    });
    t.after(() => provider.shutdown());
    const meter = provider.getMeter('m');
    const failures: (() => unknown)[] = [
      () => {
        throw new TypeError('no number');
      },
      () => Promise.reject(new RangeError('too late')),
      () => Promise.reject(Object.assign(new Error('odd'), { name: 5 })),
      () => undefined,
    ];
    let failure = 0;
    meter.createObservableGauge('g').addCallback(() => {
      return failures[failure++]() as Promise<void>;
    });
    while (failure < failures.length) {
      await pageOf(provider);
    }
    failures.push(() => undefined);
    const page = await pageOf(provider);
    const of = (type: string) =>
      new RegExp(
        `^otel_sdk_metric_reader_collection_duration_seconds_count\\{.*error_type="${type}".*\\} 1$`,
        'm',
      );
    for (const type of ['TypeError', 'RangeError', '_OTHER']) {
      assert.match(page, of(type));
    }
    assert.equal(page.match(/collection_duration_seconds_count/g)?.length, 4);
  });

  test('has no metrics about itself where a view drops them', async t => {
    const provider = createMeterProvider({
      exporters: { prometheus: { port: 0 } },
      views: [
        {
          selector: { meter_name: '@nativestage/metrics' },
          stream: { aggregation: { drop: {} } },
        },
      ],
    });
    t.after(() => provider.shutdown());
    await pageOf(provider);
    assert.doesNotMatch(await pageOf(provider), /otel_sdk/);
  });
});
