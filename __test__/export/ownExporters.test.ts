// Exporters and readers that a program brings itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMeterProvider,
  isMetricsError,
  type MetricExporter,
  type MetricsOptions,
  type OtlpEncoding,
} from '@nativestage/metrics/sdk';
import { loadBinding } from '../../ts/addon/native';
import { NativeMeterProvider } from '../../ts/provider/NativeMeterProvider';
import { parseCollection } from '../../ts/export/otlpJson';
import { decodeOtlp } from '../support/decodeOtlp';
import { eventually } from '../support/eventually';
import { metricsOf, pointsOf } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';
import { Rotel } from '../support/Rotel';
import { PYTHON, ROTEL, without } from '../support/tools';

function start(t: TestContext, options: MetricsOptions = {}) {
  const provider = createMeterProvider({
    exporters: { prometheus: false },
    ...options,
  });
  // How a shutdown fails is for the tests of that.
  t.after(() => provider.shutdown().catch(() => {}));
  const counter = provider.getMeter('m').createCounter('it');
  return { provider, counter };
}

/** Keeps what it gets. */
class Kept implements MetricExporter {
  readonly texts: string[] = [];
  readonly calls: string[] = [];

  export(text: string): void {
    this.texts.push(text);
    this.calls.push('export');
  }

  forceFlush(): void {
    this.calls.push('forceFlush');
  }

  shutdown(): void {
    this.calls.push('shutdown');
  }

  values(name = 'it'): (number | undefined)[] {
    return this.texts.map(text => valueOf(text, name));
  }
}

function valueOf(text: string, name = 'it'): number | undefined {
  return parseCollection(text).find(metric => metric.name === name)?.points[0]
    .value;
}

const rejectsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(isMetricsError(error), String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

describe('an exporter of one’s own', { concurrency: true }, () => {
  test('exports every interval, when flushed, and a last time at the shutdown', async t => {
    const { provider, counter } = start(t);
    const kept = new Kept();
    provider.addExporter(kept, { interval: 50 });
    counter.add(1);
    await eventually(() => assert.ok(kept.values().includes(1)));
    counter.add(2);
    await provider.forceFlush();
    assert.equal(kept.values().at(-1), 3);
    assert.equal(kept.calls.at(-1), 'forceFlush');
    counter.add(4);
    await provider.shutdown();
    assert.equal(kept.values().at(-1), 7);
    assert.equal(kept.calls.at(-1), 'shutdown');
    const { length } = kept.calls;
    await sleep(200);
    assert.equal(kept.calls.length, length, 'nothing comes after that');
  });

  test('is flushed and shut down alone, and leaves the others', async t => {
    const { provider, counter } = start(t);
    const [one, other] = [new Kept(), new Kept()];
    const added = provider.addExporter(one, { temporality: 'delta' });
    provider.addExporter(other);
    counter.add(1);
    await added.forceFlush();
    assert.deepEqual([one.values(), other.values()], [[1], []]);
    counter.add(2);
    await added.shutdown();
    assert.deepEqual(one.calls, ['export', 'forceFlush', 'export', 'shutdown']);
    assert.deepEqual(one.values(), [1, 2]);
    await added.shutdown();
    await provider.forceFlush();
    assert.deepEqual([one.values(), other.values()], [[1, 2], [3]]);
  });

  test('is taken back once: a second shutdown leaves who has its place', async t => {
    const { provider, counter } = start(t);
    const added = provider.addExporter(new Kept(), { temporality: 'delta' });
    await added.shutdown();
    const reader = provider.addReader({ temporality: 'delta' });
    await added.shutdown();
    counter.add(1);
    assert.equal(valueOf(await reader.collect()), 1);
  });

  test('starts with the configuration where it is added before', async t => {
    const provider = new NativeMeterProvider(
      loadBinding()!.NativeProvider.isolated(),
    );
    t.after(() => provider.shutdown());
    const kept = new Kept();
    const added = provider.addExporter(kept);
    provider.getMeter('m').createCounter('it').add(1);
    await added.forceFlush();
    assert.deepEqual(kept.calls, [], 'there is nothing to export yet');
    provider.configure({ exporters: { prometheus: false } });
    await added.forceFlush();
    assert.deepEqual(kept.values(), [1]);
  });

  test('that fails loses the batch, which is counted', async t => {
    const { provider, counter } = start(t);
    const reader = provider.addReader();
    const tries: number[] = [];
    provider.addExporter(
      {
        export(text) {
          tries.push(valueOf(text)!);
          if (tries.length === 1) {
            throw new Error('no room');
          }
        },
      },
      { name: 'audit', temporality: 'delta' },
    );
    counter.add(1);
    await assert.rejects(
      provider.forceFlush(),
      rejectsWith('ERR_METRICS_EXPORT', /^export to "audit" failed: no room$/),
    );
    counter.add(2);
    await provider.forceFlush();
    assert.deepEqual(tries, [1, 2]);
    const lost = parseCollection(await reader.collect())
      .find(
        metric =>
          metric.name === 'otel.sdk.exporter.metric_data_point.exported',
      )
      ?.points.find(point => point.attributes['error.type'] !== undefined);
    assert.equal(
      lost?.attributes['otel.component.type'],
      'javascript_metric_exporter',
    );
    assert.ok(lost.value! >= 1);
  });

  test('that can be tried again is, and delta data waits for that', async t => {
    const { provider, counter } = start(t);
    const tries: number[] = [];
    let away = true;
    provider.addExporter(
      {
        export(text) {
          tries.push(valueOf(text)!);
          if (away) {
            throw Object.assign(new Error('away'), { retryable: true });
          }
        },
      },
      { temporality: 'delta', timeout: 1500 },
    );
    counter.add(1);
    await assert.rejects(provider.forceFlush(), /away/);
    assert.ok(tries.length > 1, 'within the time-out');
    away = false;
    counter.add(2);
    tries.length = 0;
    await provider.forceFlush();
    assert.deepEqual(tries, [1, 2]);
  });

  test('that takes too long is told by its signal', async t => {
    const { provider, counter } = start(t);
    let aborted = 0;
    provider.addExporter(
      {
        export: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted++;
              reject(new Error('too late to matter'));
            });
          }),
      },
      { timeout: 1500 },
    );
    counter.add(1);
    await assert.rejects(provider.forceFlush(), /no answer within 1.5s/);
    await eventually(() => assert.equal(aborted, 1));
  });

  test('never overlaps itself, and gets as many points as it takes', async t => {
    const { provider } = start(t);
    const counter = provider.getMeter('m').createCounter('many');
    for (let at = 0; at < 25; at++) {
      counter.add(1, { at });
    }
    let underWay = 0;
    const points: number[] = [];
    provider.addExporter(
      {
        async export(_, context) {
          assert.equal(++underWay, 1);
          points.push(context.points);
          await sleep(5);
          underWay--;
        },
      },
      { interval: 10, maxExportBatchSize: 10 },
    );
    await eventually(() => assert.ok(points.length > 5));
    assert.ok(points.every(count => count <= 10));
  });

  for (const [failing, value] of [
    ['undefined', undefined],
    ['a proxy that throws', new Proxy({}, { get: () => assert.fail('no') })],
    ['a number', 7],
  ] as const) {
    test(`may throw ${failing}`, async t => {
      const { provider, counter } = start(t);
      provider.addExporter({
        export() {
          throw value as Error;
        },
        shutdown: () => Promise.reject(value as Error),
      });
      counter.add(1);
      await assert.rejects(
        provider.shutdown(),
        rejectsWith(
          'ERR_METRICS_EXPORT',
          /failed: .+; .*shutdown failed: .+|failed: .+/,
        ),
      );
    });
  }

  test('is refused where it is none, and so are options that are not allowed', t => {
    const { provider } = start(t);
    for (const wrong of [undefined, null, {}, { export: 1 }, 'x']) {
      assert.throws(
        () => provider.addExporter(wrong as never),
        rejectsWith('ERR_METRICS_INVALID_CONFIG', /^exporter: found .*export/),
      );
    }
    for (const [wrong, message] of [
      [{ intervall: 5 }, /^options\.intervall: unknown field/],
      [{ interval: -1 }, /^options\.interval: .* expected a duration/],
      [{ encoding: 'xml' }, /^options\.encoding: unknown variant `xml`/],
      [{ temporality: { counter: 'lowmemory' } }, /^options\.temporality/],
    ] as const) {
      assert.throws(
        () => provider.addExporter(new Kept(), wrong as never),
        rejectsWith('ERR_METRICS_INVALID_CONFIG', message),
      );
    }
    for (let at = 0; at < 8; at++) {
      provider.addExporter(new Kept());
    }
    assert.throws(
      () => provider.addExporter(new Kept()),
      rejectsWith('ERR_METRICS_INVALID_CONFIG', /there are 8/),
    );
  });

  test('has nothing to do under a disabled SDK, and is shut down all the same', async t => {
    const ending = await runNode(t, 'lifecycle/own-exporter.cjs', {
      args: ['shuts-down'],
      env: { OTEL_SDK_DISABLED: 'true' },
    });
    assert.match(
      ending.stdout,
      /is set: no metrics are kept[^]*main shut down\n$/,
    );
    assert.doesNotMatch(ending.stdout, /exported \d/);
  });

  test('cannot be added after the shutdown', async t => {
    const { provider } = start(t);
    await provider.shutdown();
    assert.throws(
      () => provider.addExporter(new Kept()),
      rejectsWith('ERR_METRICS_SHUT_DOWN', /shut down/),
    );
  });

  test(
    'can send what it gets to a collector as it is',
    { skip: without(ROTEL, PYTHON) },
    async t => {
      const { provider, counter } = start(t);
      const rotel = await Rotel.start(t);
      const statuses: (number | undefined)[] = [];
      provider.addExporter(
        {
          async export(bytes) {
            assert.ok(bytes instanceof Uint8Array);
            const sending = request(`${rotel.http}/v1/metrics`, {
              method: 'POST',
              headers: { 'content-type': 'application/x-protobuf' },
            });
            sending.end(bytes);
            const [{ statusCode }] = (await once(sending, 'response')) as [
              { statusCode?: number },
            ];
            statuses.push(statusCode);
          },
        },
        { encoding: 'protobuf' },
      );
      counter.add(5, { to: 'table' });
      await provider.forceFlush();
      assert.deepEqual(statuses, [200]);
      const [{ body }] = await rotel.forwarded();
      const decoded = await decodeOtlp('protobuf', body);
      const it = metricsOf(decoded).find(metric => metric.name === 'it');
      assert.equal(Number(pointsOf(it!)[0].asDouble), 5);
    },
  );
});

describe('a reader of one’s own', { concurrency: true }, () => {
  for (const [temporality, values] of [
    ['cumulative', [1, 3, 3]],
    ['delta', [1, 2, undefined]],
  ] as const) {
    test(`collects ${temporality} data when it is asked to, with what callbacks observe`, async t => {
      const { provider, counter } = start(t);
      const reader = provider.addReader({ temporality });
      const gauge = provider.getMeter('m').createObservableGauge('observed');
      let observed = 0;
      gauge.addCallback(result => result.observe(++observed));
      const found: (number | undefined)[] = [];
      for (const added of [1, 2, 0]) {
        if (added > 0) {
          counter.add(added);
        }
        const text = await reader.collect();
        found.push(valueOf(text));
        assert.equal(valueOf(text, 'observed'), observed);
      }
      assert.deepEqual(found, values);
    });
  }

  test('has its own aggregation and limit, and the provider’s where it says nothing', async t => {
    const { provider } = start(t, { histogram: 'exponential' });
    const own = provider.addReader({
      defaultAggregation: { histogram: { sum: null } },
      cardinalityLimits: { histogram: 1 },
    });
    const plain = provider.addReader();
    const histogram = provider.getMeter('m').createHistogram('h');
    for (const at of [1, 2, 3]) {
      histogram.record(at, { at });
    }
    const of = async (reader: { collect(): Promise<string> }) =>
      parseCollection(await reader.collect()).find(({ name }) => name === 'h')!;
    const sums = await of(own);
    assert.equal(sums.kind, 'sum');
    assert.equal(sums.points.length, 2, 'one, and the overflow');
    const exponential = await of(plain);
    assert.equal(exponential.kind, 'exponentialHistogram');
    assert.equal(exponential.points.length, 3);
  });

  test('captures exemplars where nothing else reads them', async t => {
    const { provider } = start(t, { exemplars: 'always_on' });
    const reader = provider.addReader();
    const counter = provider.getMeter('m').createCounter('traced');
    counter.add(1);
    await reader.collect();
    counter.add(2);
    const [point] = parseCollection(await reader.collect()).find(
      ({ name }) => name === 'traced',
    )!.points;
    assert.equal(point.exemplars?.[0].value, 2);
    reader.shutdown();
  });

  test('of protobuf gives bytes, and empty ones where nothing was recorded', async t => {
    const { provider } = start(t);
    const reader = provider.addReader({ encoding: 'protobuf' });
    assert.ok((await reader.collect()) instanceof Uint8Array);
  });

  test('gives its place back', async t => {
    const { provider, counter } = start(t);
    for (let round = 0; round < 40; round++) {
      const reader = provider.addReader({ temporality: 'delta' });
      counter.add(1);
      assert.equal(valueOf(await reader.collect()), 1);
      reader.shutdown();
      reader.shutdown();
      await assert.rejects(
        reader.collect(),
        rejectsWith('ERR_METRICS_SHUT_DOWN', /the reader was shut down/),
      );
    }
  });

  test('says what is wrong', async t => {
    const { provider } = start(t);
    assert.throws(
      () => provider.addReader({ interval: 5 } as never),
      rejectsWith('ERR_METRICS_INVALID_CONFIG', /^options\.interval: unknown/),
    );
    const reader = provider.addReader();
    for (const timeout of [-1, NaN, Infinity, 'x', 2 ** 33]) {
      await assert.rejects(
        reader.collect({ timeout: timeout as number }),
        rejectsWith('ERR_METRICS_INVALID_CONFIG', /^timeout: found/),
      );
    }
    await provider.shutdown();
    await assert.rejects(
      reader.collect(),
      rejectsWith('ERR_METRICS_SHUT_DOWN', /shut down/),
    );
  });
});

/** Types: the encoding decides what `export` gets. */
export function typed(provider: ReturnType<typeof createMeterProvider>): void {
  provider.addExporter({ export: (text: string) => void text.length });
  provider.addExporter<'protobuf'>(
    { export: bytes => void bytes.byteLength },
    { encoding: 'protobuf' },
  );
  // @ts-expect-error -- text is not bytes
  provider.addExporter<'protobuf'>({ export: (text: string) => void text });
  const encoding: OtlpEncoding = 'json';
  void provider.addReader({ encoding });
}
