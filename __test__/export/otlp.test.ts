import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { OtlpExporterOptions } from '@nativestage/metrics/sdk';
import { decodeOtlp } from '../support/decodeOtlp';
import {
  attributesOf,
  metricsOf,
  type OtlpMetric,
  OtlpReceiver,
  type OtlpRequest,
  pointsOf,
} from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { type Ending, runNode } from '../support/Program';
import { Rotel } from '../support/Rotel';
import { PYTHON, ROTEL, without } from '../support/tools';

describe('a collector that others wrote', { concurrency: 2 }, () => {
  for (const protocol of ['grpc', 'http/protobuf'] as const) {
    for (const compression of ['none', 'gzip'] as const) {
      test(
        `receives over ${protocol} with compression ${compression} what was recorded`,
        { skip: without(ROTEL, PYTHON) },
        async t => {
          const rotel = await Rotel.start(t);
          await push(t, {
            endpoint: protocol === 'grpc' ? rotel.grpc : rotel.http,
            protocol,
            compression,
            headers: { authorization: 'Bearer s3cret', 'x-tenant': 'kitchen' },
          });
          const forwarded = await rotel.forwarded();
          const requests = await Promise.all(
            forwarded.map(({ body }) => decodeOtlp('protobuf', body)),
          );
          assertShop(requests);
        },
      );
    }
  }

  test('accepts http/json', { skip: without(ROTEL) }, async t => {
    const rotel = await Rotel.start(t);
    // That the program saw its flush succeed means 200. Values are checked elsewhere: this
    // collector's JSON reader drops 64-bit integers that are strings, as OTLP/JSON wants them.
    await push(t, { endpoint: rotel.http, protocol: 'http/json' });
    const names = (
      await Promise.all(
        (await rotel.forwarded()).map(({ body }) =>
          decodeOtlp('protobuf', body),
        ),
      )
    ).flatMap(request => metricsOf(request).map(metric => metric.name));
    assert.ok(names.includes('shop.requests'), names.join());
  });
});

describe('an export over HTTP', { concurrency: 2 }, () => {
  for (const [protocol, format, type] of [
    ['http/protobuf', 'protobuf', 'application/x-protobuf'],
    ['http/json', 'json', 'application/json'],
  ] as const) {
    for (const compression of ['none', 'gzip'] as const) {
      test(
        `as ${protocol} with compression ${compression} is what Google's protobuf reads strictly`,
        { skip: without(PYTHON) },
        async t => {
          const receiver = await OtlpReceiver.start(t);
          await push(t, {
            endpoint: receiver.url,
            protocol,
            compression,
            headers: { Authorization: 'Bearer s3cret', 'x-tenant': 'kitchen' },
          });
          const requests = await Promise.all(
            receiver.received.map(({ body }) => decodeOtlp(format, body)),
          );
          assertShop(requests);
          for (const { path, headers } of receiver.received) {
            assert.equal(path, '/v1/metrics');
            assert.equal(headers['content-type'], type);
            assert.equal(
              headers['content-encoding'],
              compression === 'gzip' ? 'gzip' : undefined,
            );
            assert.equal(headers.authorization, 'Bearer s3cret');
            assert.equal(headers['x-tenant'], 'kitchen');
            assert.match(
              headers['user-agent'] ?? '',
              /^nativestage-metrics\/\d/,
            );
          }
        },
      );
    }
  }

  test('as http/json writes 64-bit integers as strings', async t => {
    const receiver = await OtlpReceiver.start(t);
    await push(t, { endpoint: receiver.url, protocol: 'http/json' });
    const point = receiver.point('shop.requests', { route: '/b' });
    assert.equal(point.asInt, '9007199254740991');
    assert.equal(receiver.point('shop.duration').count, '3');
  });

  test('that finds nobody rejects the flush, naming the endpoint and no secret', async t => {
    const port = await freePort();
    const ending = await run(t, {
      endpoint: `http://user:s3cret@127.0.0.1:${port}`,
      timeout: 500,
      headers: { authorization: 'Bearer t0ken' },
    });
    assert.equal(ending.code, 1, ending.stderr);
    assert.match(ending.stdout, /^ERR_METRICS_EXPORT /);
    assert.match(ending.stdout, new RegExp(`127\\.0\\.0\\.1:${port}`));
    assert.doesNotMatch(ending.stdout + ending.stderr, /s3cret|t0ken/);
  });
});

async function push(t: TestContext, options: OtlpExporterOptions) {
  const ending = await run(t, options);
  assert.equal(ending.code, 0, ending.stdout + ending.stderr);
  assert.equal(ending.stdout, 'flushed\n');
}

function run(t: TestContext, options: OtlpExporterOptions): Promise<Ending> {
  return runNode(t, 'export/push.cjs', { args: [JSON.stringify(options)] });
}

/** What push.cjs records, in the protobuf project's JSON. */
function assertShop(requests: OtlpRequest[]): void {
  const [request] = requests;
  const resource = attributesOf(
    request.resourceMetrics[0].resource?.attributes,
  );
  assert.equal(resource['service.name'], 'shop');
  assert.equal(resource['deployment.environment.name'], 'test');
  assert.deepEqual(resource.tags, {
    values: [{ stringValue: 'a' }, { stringValue: 'b' }],
  });
  const scope = request.resourceMetrics[0].scopeMetrics.find(
    ({ scope: { name } = {} }) => name === 'shop-scope',
  );
  assert.equal(scope?.scope?.version, '1.2.3');
  assert.equal(scope?.schemaUrl, 'https://example.com/schema');

  const metrics = requests.flatMap(metricsOf);
  const metric = (name: string): OtlpMetric => {
    const found = metrics.find(candidate => candidate.name === name);
    assert.ok(found, `${name} among ${metrics.map(m => m.name).join()}`);
    return found;
  };
  const point = (name: string) => pointsOf(metric(name))[0];

  const requestsMetric = metric('shop.requests');
  assert.equal(requestsMetric.unit, '{request}');
  assert.equal(requestsMetric.description, 'Requests');
  assert.equal(requestsMetric.sum?.isMonotonic, true);
  assert.equal(
    requestsMetric.sum?.aggregationTemporality,
    'AGGREGATION_TEMPORALITY_CUMULATIVE',
  );
  assert.deepEqual(
    new Map(
      pointsOf(requestsMetric).map(({ asInt, attributes }) => [
        asInt,
        attributesOf(attributes),
      ]),
    ),
    new Map<string, Record<string, unknown>>([
      // MessageToDict writes 64-bit integers as strings, attributes' as well.
      ['5000000000', { route: '/a', retried: true, shard: '7', ratio: 0.5 }],
      ['9007199254740991', { route: '/b' }],
    ]),
  );
  assert.equal(metric('shop.balance').sum?.isMonotonic ?? false, false);
  assert.equal(point('shop.balance').asDouble, -12.5);
  assert.equal(point('shop.temperature').asDouble, 21.25);
  assert.equal(point('shop.bytes').asInt, '4096');

  const { count, sum, min, max, bucketCounts, explicitBounds } =
    point('shop.duration');
  assert.deepEqual(
    { count, sum, min, max, bucketCounts, explicitBounds },
    {
      count: '3',
      sum: 6,
      min: 0.5,
      max: 4,
      bucketCounts: ['1', '1', '1'],
      explicitBounds: [1, 2],
    },
  );
  const size = point('shop.parcel.size');
  assert.deepEqual(
    { count: size.count, sum: size.sum, min: size.min, max: size.max },
    { count: '3', sum: 12, min: 1, max: 8 },
  );
  const filled = (size.positive?.bucketCounts ?? []).filter(n => n !== '0');
  assert.deepEqual(filled, ['1', '1', '1']);
}
