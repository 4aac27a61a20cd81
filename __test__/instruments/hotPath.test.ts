// Deterministic: counts calls and bytes, no times. What a record costs is measured in benches/js.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import v8 from 'node:v8';
import {
  createTestMetrics,
  type TestMetrics,
} from '@nativestage/metrics/testing';
import { collectGarbage } from '../support/collectGarbage';

/** (slot, value) pairs that go to the engine in one call. */
const BLOCK = 8192;
const RECORDS = 100_000;

const SERIES = ['GET', 'POST', 'PUT'].flatMap(method =>
  [200, 404, 500].map(status => ({ method, status, route: '/entities/:kind' })),
);

describe('the hot path', () => {
  let metrics: TestMetrics;
  let calls: Record<string, number> = {};

  before(() => {
    metrics = createTestMetrics();
    const { facade } = metrics.provider as unknown as {
      facade: { native: Record<string, (...args: unknown[]) => unknown> };
    };
    facade.native = new Proxy(facade.native, {
      get: (target, name: string) =>
        function (...args: unknown[]) {
          calls[name] = (calls[name] ?? 0) + 1;
          return target[name](...args);
        },
    });
  });
  after(() => metrics.shutdown());

  /** Makes the series known, hands everything over, then counts the native calls of `RECORDS`. */
  function nativeCalls(record: (attributes: object) => void) {
    calls = {};
    SERIES.forEach(record);
    (
      metrics.provider as unknown as { facade: { handOver(): void } }
    ).facade.handOver();
    calls = {};
    for (let i = 0; i < RECORDS; i++) {
      record({ ...SERIES[i % SERIES.length] });
    }
    return calls;
  }

  it('calls nothing native for sums and gauges', () => {
    const meter = metrics.provider.getMeter('test');
    const counter = meter.createCounter('cells.counter');
    const upDownCounter = meter.createUpDownCounter('cells.upDownCounter');
    const gauge = meter.createGauge('cells.gauge');
    const found = nativeCalls(attributes => {
      counter.add(1, { ...attributes });
      upDownCounter.add(-1, { ...attributes });
      gauge.record(0.5, { ...attributes });
    });
    assert.deepEqual(found, {});
  });

  it('hands samples of histograms over a block at a time', () => {
    const histogram = metrics.provider
      .getMeter('test')
      .createHistogram('blocks');
    const found = nativeCalls(attributes =>
      histogram.record(0.5, { ...attributes }),
    );
    assert.deepEqual(found, { pushBlock: Math.floor(RECORDS / BLOCK) });
  });

  it('counted all of it', async () => {
    calls = {};
    const collection = await metrics.collect();
    for (const name of ['cells.counter', 'blocks']) {
      const points = collection.metric(name)!.points;
      const counted = points.map(point => point.value ?? point.count ?? 0);
      assert.equal(
        counted.reduce((sum, value) => sum + value, 0),
        RECORDS + SERIES.length,
      );
    }
  });

  // One byte a record would be 1 MB; the smallest object of V8's takes 16.
  for (const [kind, bound] of [
    ['counter', 128 * 1024],
    ['histogram', 256 * 1024],
  ] as const) {
    it(`allocates nothing to record with a ${kind}`, () => {
      const meter = metrics.provider.getMeter('test');
      const counter = meter.createCounter('allocations.counter');
      const histogram = meter.createHistogram('allocations.histogram');
      const record =
        kind === 'counter'
          ? (attributes: (typeof SERIES)[0]) => counter.add(1, attributes)
          : (attributes: (typeof SERIES)[0]) => histogram.record(1, attributes);
      const recordMany = () => {
        for (let i = 0; i < 1_000_000; i++) {
          record(SERIES[i % SERIES.length]);
        }
      };
      calls = {};
      // Code that V8 has not compiled for good yet allocates a number for every sum; when it has is
      // V8's to say, and later on a machine that is busy.
      let bytes = Infinity;
      for (let attempt = 0; attempt < 20 && bytes >= bound; attempt++) {
        bytes = allocated(recordMany);
      }
      assert.ok(bytes < bound, `${bytes} bytes for a million records`);
    });
  }
});

/** Bytes allocated, garbage included; no number can be told when a collection took some of it. */
function allocated(work: () => void): number {
  collectGarbage();
  const profiler = new v8.GCProfiler();
  profiler.start();
  const start = v8.getHeapStatistics().used_heap_size;
  work();
  const end = v8.getHeapStatistics().used_heap_size;
  return profiler.stop()?.statistics.length === 0 ? end - start : Infinity;
}
