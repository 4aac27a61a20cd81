import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type OtlpExporterOptions,
} from '@nativestage/metrics/sdk';
import {
  attributesOf,
  metricsOf,
  OtlpReceiver,
  type OtlpRequest,
  pointsOf,
} from '../support/OtlpReceiver';
import { freePort } from '../support/ports';

function provider(t: TestContext, otlp: OtlpExporterOptions[]) {
  const made = createMeterProvider({
    exporters: { prometheus: false, otlp },
  });
  t.after(() => made.shutdown().catch(() => {}));
  return made;
}

test('each of several exporters has its own collector, headers and temporality', async t => {
  const [cumulative, delta] = await Promise.all([
    OtlpReceiver.start(t),
    OtlpReceiver.start(t),
  ]);
  const protocol = 'http/json';
  const metrics = provider(t, [
    { endpoint: cumulative.url, protocol, headers: { tenant: 'a' } },
    {
      endpoint: delta.url,
      protocol,
      headers: { tenant: 'b' },
      temporality: 'delta',
      defaultAggregation: { gauge: { drop: {} } },
    },
  ]);
  const meter = metrics.getMeter('shop');
  const counter = meter.createCounter('requests');
  meter.createGauge('temperature').record(20);
  for (const value of [5, 7]) {
    counter.add(value);
    await metrics.forceFlush();
  }
  assert.equal(cumulative.value('requests'), 12);
  assert.equal(delta.value('requests'), 7);
  assert.equal(cumulative.value('temperature'), 20);
  assert.throws(() => delta.value('temperature'), /was not exported/);
  assert.equal(cumulative.received[0].headers.tenant, 'a');
  assert.equal(delta.received[0].headers.tenant, 'b');
});

test('exporters with delta temporality take nothing from each other', async t => {
  const [first, second] = await Promise.all([
    OtlpReceiver.start(t),
    OtlpReceiver.start(t),
  ]);
  const otlp = [first, second].map(receiver => ({
    endpoint: receiver.url,
    protocol: 'http/json' as const,
    temporality: 'delta' as const,
  }));
  const metrics = provider(t, otlp);
  const counter = metrics.getMeter('shop').createCounter('requests');
  for (const value of [5, 7]) {
    counter.add(value);
    await metrics.forceFlush();
    assert.equal(first.value('requests'), value);
    assert.equal(second.value('requests'), value);
  }
});

test('a collector that is gone takes nothing from the others, and each counts its own points', async t => {
  const works = await OtlpReceiver.start(t);
  const binary = await OtlpReceiver.start(t);
  const protocol = 'http/json';
  const gone = `http://127.0.0.1:${await freePort()}`;
  const metrics = provider(t, [
    { endpoint: gone, protocol, timeout: 200 },
    { endpoint: works.url, protocol },
    { endpoint: binary.url, protocol: 'http/protobuf' },
  ]);
  const counter = metrics.getMeter('shop').createCounter('requests');
  counter.add(1);
  await assert.rejects(metrics.forceFlush(), (error: Error) => {
    assert.match(error.message, new RegExp(`${gone}.*failed`));
    assert.doesNotMatch(error.message, new RegExp(works.url));
    return true;
  });
  assert.equal(works.value('requests'), 1);
  await metrics.forceFlush().catch(() => {});

  const names = new Set<string>();
  for (const { body } of works.received) {
    for (const [name] of body
      .toString()
      .matchAll(/(otlp|periodic)_[a-z_]+\/\d/g)) {
      names.add(name);
    }
  }
  assert.deepEqual([...names].sort(), [
    'otlp_http_json_metric_exporter/0',
    'otlp_http_json_metric_exporter/1',
    'otlp_http_metric_exporter/0',
    'periodic_metric_reader/0',
    'periodic_metric_reader/1',
    'periodic_metric_reader/2',
  ]);
  const exported = (number: number) =>
    works.received
      .flatMap(({ body }) => body.toString().split('"attributes":'))
      .filter(text =>
        text.includes(`otlp_http_json_metric_exporter/${number}`),
      );
  assert.ok(exported(0).some(text => text.includes('superseded')));
  assert.ok(!exported(1).some(text => text.includes('superseded')));
});

test('a large collection goes in requests of so many points, which add up', async t => {
  const receiver = await OtlpReceiver.start(t);
  for (const maxConcurrentExports of [1, 4]) {
    const metrics = provider(t, [
      {
        endpoint: receiver.url,
        protocol: 'http/json',
        maxExportBatchSize: 10,
        maxConcurrentExports,
      },
    ]);
    const counter = metrics.getMeter('shop').createCounter('requests');
    for (let n = 0; n < 95; n++) {
      counter.add(1, { n });
    }
    receiver.received.length = 0;
    await metrics.forceFlush();
    const sizes = receiver.received.map(
      ({ body }) =>
        metricsOf(JSON.parse(body.toString()) as OtlpRequest).flatMap(pointsOf)
          .length,
    );
    assert.ok(sizes.length >= 10);
    assert.ok(Math.max(...sizes) <= 10, sizes.join());
    const numbers = receiver.metrics
      .filter(({ name }) => name === 'requests')
      .flatMap(pointsOf)
      .map(({ attributes }) => Number(attributesOf(attributes).n));
    if (maxConcurrentExports > 1) {
      numbers.sort((a, b) => a - b);
    }
    assert.deepEqual(numbers, [...Array(95).keys()]);
  }
});

test('what leaves its endpoint to the environment has one of its own', () => {
  const otlp = [{ temporality: 'delta' as const }, {}];
  assert.throws(
    () => createMeterProvider({ exporters: { prometheus: false, otlp } }),
    /options\.exporters\.otlp\[1\]\.endpoint: found none, and options\.exporters\.otlp\[0\] sends/,
  );
});
