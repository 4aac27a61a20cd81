// From a slow request to its trace: what real receivers make of exemplars.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMeterProvider,
  type MetricsOptions,
  type OtlpExporterOptions,
} from '@nativestage/metrics/sdk';
import { context, trace } from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { decodeOtlp } from '../support/decodeOtlp';
import { eventually } from '../support/eventually';
import { metricsOf, OtlpReceiver, pointsOf } from '../support/OtlpReceiver';
import { Prometheus, SCRAPE_PROTOCOLS } from '../support/Prometheus';
import { Rotel } from '../support/Rotel';
import { prometheus, python, PYTHON, ROTEL, without } from '../support/tools';

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';
const SLOW_MS = 120;

before(() => new node.NodeTracerProvider().register());
after(() => {
  trace.disable();
  context.disable();
});

/** A web server under a tracer, whose requests are measured. */
async function serve(t: TestContext, options: MetricsOptions = {}) {
  const provider = createMeterProvider({
    exporters: { prometheus: { port: 0 } },
    ...options,
  });
  t.after(() => provider.shutdown());
  const meter = provider.getMeter('shop');
  const duration = meter.createHistogram('request.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: [0.05, 0.1, 1] },
  });
  const requests = meter.createCounter('requests');
  const tracer = trace.getTracer('shop');
  const server = createServer((request, response) => {
    void tracer.startActiveSpan('GET', async span => {
      const start = performance.now();
      if (request.url === '/slow') {
        await sleep(SLOW_MS);
      }
      const seconds = (performance.now() - start) / 1000;
      duration.record(seconds, { route: '/' });
      requests.add(1, { route: '/' });
      span.end();
      response.end(span.spanContext().traceId);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    provider,
    page: provider.prometheusAddress!,
    request: async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return answer.text();
    },
  };
}

interface StoredSeries {
  seriesLabels: Record<string, string>;
  exemplars: { labels: Record<string, string>; value: string }[];
}

describe('exemplars', () => {
  for (const [protocol, scrapeProtocol, histogram] of [
    ['OpenMetrics', SCRAPE_PROTOCOLS.openmetrics, 'explicit'],
    ['protobuf', SCRAPE_PROTOCOLS.protobuf, 'explicit'],
    ['protobuf', SCRAPE_PROTOCOLS.protobuf, 'exponential'],
  ] as const) {
    test(
      `lead a Prometheus that scrapes ${protocol} (${histogram}) to the trace of the slow request`,
      { skip: without(prometheus(3).server) },
      async t => {
        const { page, request } = await serve(t, { histogram });
        const server = await Prometheus.serve(t, {
          features: ['exemplar-storage', 'native-histograms'],
          jobs: [
            {
              job_name: 'shop',
              scrape_protocols: [scrapeProtocol],
              static_configs: [{ targets: [page] }],
            },
          ],
        });
        for (let i = 0; i < 100; i++) {
          await request('/');
        }
        const slow = await request('/slow');
        const stored = (query: string) =>
          server.get('query_exemplars', {
            query,
            start: String(Date.now() / 1000 - 600),
            end: String(Date.now() / 1000 + 60),
          }) as Promise<StoredSeries[]>;
        const metric = 'request_duration_seconds';
        const query = histogram === 'explicit' ? `${metric}_bucket` : metric;
        const found = await eventually(async () => {
          const series = await stored(query);
          const its = series.flatMap(({ seriesLabels, exemplars }) =>
            exemplars
              .filter(({ labels }) => labels.trace_id === slow)
              .map(exemplar => ({ ...exemplar, le: seriesLabels.le })),
          );
          assert.equal(its.length, 1, JSON.stringify(series));
          return its[0];
        });
        assert.ok(Number(found.value) >= SLOW_MS / 1000 - 0.01, found.value);
        assert.match(found.labels.span_id, /^[\da-f]{16}$/);
        if (histogram === 'explicit') {
          assert.equal(Number(found.le), 1);
        }
        const [counter] = await stored('requests_total');
        assert.match(counter.exemplars[0].labels.trace_id, /^[\da-f]{32}$/);
      },
    );
  }

  test(
    'are what the Python parser of OpenMetrics reads, and not on the classic page',
    { skip: without(PYTHON) },
    async t => {
      const { page, request } = await serve(t);
      await request('/');
      const slow = await request('/slow');
      const read = async (accept: string) => {
        const answer = await fetch(`http://${page}/metrics`, {
          headers: { accept },
        });
        return answer.text();
      };
      const families = (await python(
        'parse_page.py',
        await read(OPEN_METRICS),
        'openmetrics',
      )) as {
        samples: {
          labels: Record<string, string>;
          exemplar: {
            labels: Record<string, string>;
            value: number;
            time: number;
          } | null;
        }[];
      }[];
      const found = families
        .flatMap(family => family.samples)
        .filter(({ exemplar }) => exemplar?.labels.trace_id === slow);
      const bucket = found.find(({ labels }) => labels.le === '1.0');
      const { value, time } = bucket!.exemplar!;
      assert.ok(value >= SLOW_MS / 1000 - 0.01, `${value}`);
      assert.ok(Math.abs(time - Date.now() / 1000) < 60, `${time}`);
      assert.doesNotMatch(await read('text/plain'), / # \{/);
    },
  );

  for (const protocol of ['http/json', 'http/protobuf'] as const) {
    test(
      `are exported over OTLP (${protocol})`,
      { skip: without(PYTHON) },
      async t => {
        const receiver = await OtlpReceiver.start(t);
        const { provider, request } = await serve(t, {
          exporters: {
            prometheus: false,
            otlp: { endpoint: receiver.url, protocol, temporality: 'delta' },
          },
        });
        const slow = await request('/slow');
        await provider.shutdown();
        const [{ body }] = receiver.received;
        const traces = await tracesOf(body, protocol);
        assert.deepEqual([...new Set(traces)], [slow]);
        assert.equal(traces.length, 2);
      },
    );
  }

  for (const protocol of ['grpc', 'http/protobuf'] as const) {
    for (const histogram of ['explicit', 'exponential'] as const) {
      test(
        `of a histogram (${histogram}) come through a collector that others wrote (${protocol})`,
        { skip: without(ROTEL, PYTHON) },
        async t => {
          const rotel = await Rotel.start(t);
          const endpoint = protocol === 'grpc' ? rotel.grpc : rotel.http;
          const ids = await recordOnce({ endpoint, protocol }, histogram);
          const requests = await Promise.all(
            (await rotel.forwarded()).map(({ body }) =>
              decodeOtlp('protobuf', body),
            ),
          );
          const [point] = requests
            .flatMap(metricsOf)
            .filter(({ name }) => name === 'request.duration')
            .flatMap(pointsOf);
          const found = (point.exemplars ?? []).map(
            ({ traceId, spanId, asDouble }) => ({
              traceId: hexOf(traceId),
              spanId: hexOf(spanId),
              value: asDouble,
            }),
          );
          assert.deepEqual(found, [{ ...ids, value: 0.12 }]);
        },
      );
    }
  }
});

/** Exports one value of a sampled span, and a larger one of none. Resolves with the ids of that span. */
async function recordOnce(
  otlp: OtlpExporterOptions,
  histogram: 'explicit' | 'exponential',
): Promise<{ traceId: string; spanId: string }> {
  const provider = createMeterProvider({
    histogram,
    exporters: { prometheus: false, otlp },
  });
  const duration = provider
    .getMeter('shop')
    .createHistogram('request.duration', {
      unit: 's',
      advice: { explicitBucketBoundaries: [0.05, 0.1, 1] },
    });
  const { traceId, spanId } = trace
    .getTracer('shop')
    .startActiveSpan('GET', span => {
      duration.record(0.12);
      span.end();
      return span.spanContext();
    });
  duration.record(2);
  await provider.shutdown();
  return { traceId, spanId };
}

function hexOf(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

/** The traces of all exemplars in a request. */
async function tracesOf(body: Buffer, protocol: string): Promise<string[]> {
  const found: string[] = [];
  const hex = protocol === 'http/json';
  const request = hex
    ? (JSON.parse(body.toString()) as unknown)
    : await decodeOtlp('protobuf', body);
  JSON.stringify(request, (key, value: unknown) => {
    if (key === 'traceId') {
      const text = value as string;
      found.push(hex ? text : hexOf(text));
    }
    return value;
  });
  return found;
}
