// Rows of OpenTelemetry's compliance matrix that no other test tries by themselves.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  createMeterProvider,
  isMetricsError,
  type NativeMeterProvider,
} from '@nativestage/metrics/sdk';
import { diagMessages, testMetrics } from '../instruments/support';

for (const name of ['', null, undefined]) {
  test(`a meter called ${JSON.stringify(name)} works, and keeps what name it has`, async t => {
    const messages = diagMessages(t);
    const metrics = testMetrics(t);
    const meter = metrics.provider.getMeter(name as string);
    meter.createCounter('it').add(3);
    const collection = await metrics.collect();
    assert.equal(collection.value('it'), 3);
    assert.equal(collection.metric('it')?.scope.name, name ?? '');
    assert.ok(messages.some(message => message.startsWith('warn')));
  });
}

test('every kind of instrument is exported with its name, kind, unit and description', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  const expected = Object.entries({
    createCounter: ['sum', true],
    createUpDownCounter: ['sum', false],
    createHistogram: ['histogram', undefined],
    createGauge: ['gauge', undefined],
    createObservableCounter: ['sum', true],
    createObservableUpDownCounter: ['sum', false],
    createObservableGauge: ['gauge', undefined],
  } as const).map(([create, [kind, monotonic]]) => {
    const name = create.replace('create', 'a.');
    const [unit, description] = [`{${name}}`, `What ${name} counts`];
    const options = { unit, description };
    const instrument = meter[create as 'createCounter'](name, options);
    if (create.startsWith('createObservable')) {
      const observable = instrument as unknown as ReturnType<
        typeof meter.createObservableGauge
      >;
      observable.addCallback(result => result.observe(1));
    } else {
      (
        instrument.add ??
        (instrument as unknown as ReturnType<typeof meter.createGauge>).record
      ).call(instrument, 1);
    }
    return { name, kind, unit, description, monotonic };
  });
  const { metrics: found } = await metrics.collect();
  assert.deepEqual(
    found.map(({ name, kind, unit, description, monotonic }) => ({
      name,
      kind,
      unit,
      description,
      monotonic: kind === 'sum' ? Boolean(monotonic) : undefined,
    })),
    expected,
  );
});

// Metrics API specification, "Instrument description": the BMP at least, and 1023 characters at least.
test('a description is any text, of up to 4096 characters', async t => {
  const metrics = testMetrics(t);
  const description = `Größe 大小 🍕 "\\\n${'ü'.repeat(4000)}`;
  metrics.provider.getMeter('m').createCounter('it', { description }).add(1);
  const collection = await metrics.collect();
  assert.equal(collection.metric('it')?.description, description);
});

test('providers know nothing of each other', async t => {
  const [one, two] = [testMetrics(t), testMetrics(t, { cardinalityLimit: 7 })];
  one.provider.getMeter('m').createCounter('it').add(1);
  two.provider.getMeter('m').createCounter('it').add(2);
  assert.equal((await one.collect()).value('it'), 1);
  assert.equal((await two.collect()).value('it'), 2);
});

test('a cumulative series starts with the collection before its first value', async t => {
  const metrics = testMetrics(t);
  const counter = metrics.provider.getMeter('m').createCounter('it');
  counter.add(1, { set: 'early' });
  const starts = () => startsOf(metrics.provider, 'it');
  const first = await starts();
  counter.add(1, { set: 'late' });
  const second = await starts();
  assert.equal(second.get('early'), first.get('early'));
  assert.ok(second.get('late')! > second.get('early')!);
});

test('the buckets that a reader gives histograms are those of no other kind of instrument', async t => {
  const metrics = testMetrics(t, { histogram: 'exponential' });
  const meter = metrics.provider.getMeter('m');
  meter.createHistogram('histogram').record(1);
  meter.createCounter('counter').add(1);
  const collection = await metrics.collect();
  assert.equal(collection.metric('histogram')?.kind, 'exponentialHistogram');
  assert.equal(collection.metric('counter')?.kind, 'sum');
});

test('the documentation says that attributes which a view drops may be on exemplars', () => {
  const page = path.join(__dirname, '../../docs/operating.md');
  assert.match(
    readFileSync(page, 'utf8'),
    /Attributes that a view drops are on the exemplar\./,
  );
});

test('a provider takes one configuration, which can be updated', t => {
  const provider = createMeterProvider({ exporters: { prometheus: false } });
  t.after(() => provider.shutdown());
  assert.throws(
    () => provider.configure({}),
    error =>
      isMetricsError(error) && error.code === 'ERR_METRICS_ALREADY_CONFIGURED',
  );
  provider.update({ cardinalityLimit: 10 });
});

/** When each series of a metric starts, by its attribute `set`. */
async function startsOf(provider: unknown, name: string) {
  interface Collected {
    resourceMetrics: {
      scopeMetrics: {
        metrics: {
          name: string;
          sum?: {
            dataPoints: {
              startTimeUnixNano: string;
              attributes: { value: { stringValue: string } }[];
            }[];
          };
        }[];
      }[];
    }[];
  }
  const text = await (provider as NativeMeterProvider).addReader().collect();
  const { resourceMetrics } = JSON.parse(text) as Collected;
  return new Map(
    resourceMetrics
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .filter(metric => metric.name === name)
      .flatMap(({ sum }) => sum!.dataPoints)
      .map(({ attributes: [{ value }], startTimeUnixNano }) => [
        value.stringValue,
        BigInt(startTimeUnixNano),
      ]),
  );
}
