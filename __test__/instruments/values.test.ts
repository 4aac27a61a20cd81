import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { InstrumentOptions } from '@nativestage/metrics';
import type { NativeMeterProvider } from '@nativestage/metrics/sdk';
import type { TestMetrics } from '@nativestage/metrics/testing';
import { type Meter, ValueType } from '@opentelemetry/api';
import { diagMessages, dropped, testMetrics } from './support';

type Put = (value: unknown) => void;

/** Every way to record, by name. */
const WAYS: Record<string, (meter: Meter, int: boolean) => Put> = {
  counter: (meter, int) => {
    const counter = meter.createCounter('it', options(int));
    return value => counter.add(value as number);
  },
  'bound counter': (meter, int) => {
    const counter = meter.createCounter('it', options(int)) as unknown as {
      bind(): { add: Put };
    };
    return counter.bind().add;
  },
  'up-down counter': (meter, int) => {
    const counter = meter.createUpDownCounter('it', options(int));
    return value => counter.add(value as number);
  },
  'bound up-down counter': (meter, int) => {
    const counter = meter.createUpDownCounter(
      'it',
      options(int),
    ) as unknown as {
      bind(): { add: Put };
    };
    return counter.bind().add;
  },
  gauge: (meter, int) => {
    const gauge = meter.createGauge('it', options(int));
    return value => gauge.record(value as number);
  },
  'bound gauge': (meter, int) => {
    const gauge = meter.createGauge('it', options(int)) as unknown as {
      bind(): { record: Put };
    };
    return gauge.bind().record;
  },
  histogram: (meter, int) => {
    const histogram = meter.createHistogram('it', options(int));
    return value => histogram.record(value as number);
  },
  'bound histogram': (meter, int) => {
    const histogram = meter.createHistogram('it', options(int)) as unknown as {
      bind(): { record: Put };
    };
    return histogram.bind().record;
  },
  'observable counter': (meter, int) =>
    observed(meter.createObservableCounter('it', options(int))),
  'observable up-down counter': (meter, int) =>
    observed(meter.createObservableUpDownCounter('it', options(int))),
  'observable gauge': (meter, int) =>
    observed(meter.createObservableGauge('it', options(int))),
};

function options(int: boolean) {
  return { valueType: int ? ValueType.INT : ValueType.DOUBLE };
}

/** Observes everything put so far, each in a series of its own, once. */
function observed(observable: ReturnType<Meter['createObservableGauge']>): Put {
  let values: unknown[] = [];
  observable.addCallback(result => {
    values.forEach(value => result.observe(value as number));
    values = [];
  });
  return value => values.push(value);
}

function isMonotonic(way: string): boolean {
  return /counter/.test(way) && !way.includes('up-down');
}

function takesNegative(way: string): boolean {
  return !isMonotonic(way) && !way.includes('histogram');
}

function start(t: TestContext, way: string, int = false) {
  const metrics = testMetrics(t);
  return { metrics, put: WAYS[way](metrics.provider.getMeter('m'), int) };
}

const NOT_A_VALUE: [string, unknown][] = [
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['minus Infinity', -Infinity],
  ['a string', '1'],
  ['undefined', undefined],
  ['null', null],
  ['a bigint', 1n],
  ['a symbol', Symbol('one')],
  ['a boolean', true],
  ['an object', { valueOf: () => 1 }],
];

for (const way of Object.keys(WAYS)) {
  for (const [name, value] of NOT_A_VALUE) {
    test(`${name} put into a ${way} is dropped and counted, and does not throw`, async t => {
      diagMessages(t);
      const { metrics, put } = start(t, way);
      put(value);
      put(2);
      const collection = await metrics.collect();
      const point = collection.point('it');
      assert.equal(point?.value ?? point?.sum, 2);
      assert.equal(await dropped(metrics, 'it'), 1);
    });
  }

  test(`dropped values of a ${way} are said once and counted every time`, async t => {
    const messages = diagMessages(t);
    const { metrics, put } = start(t, way);
    put(NaN);
    put(NaN);
    put('x');
    await metrics.collect();
    assert.equal(await dropped(metrics, 'it'), 3);
    const said = messages.filter(message => message.includes('"it"'));
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0], /^warn: .*dropped the value NaN, expected a finite/);
  });

  test(`a negative value put into a ${way} ${takesNegative(way) ? 'counts' : 'is dropped'}`, async t => {
    diagMessages(t);
    const { metrics, put } = start(t, way);
    put(-2);
    const collection = await metrics.collect();
    if (takesNegative(way)) {
      assert.equal(collection.value('it'), -2);
      assert.equal(await dropped(metrics, 'it'), undefined);
    } else {
      assert.equal(collection.metric('it'), undefined);
      assert.equal(await dropped(metrics, 'it'), 1);
    }
  });

  test(`a ${way} of integers rounds toward zero and exports integers`, async t => {
    const { metrics, put } = start(t, way, true);
    const value = takesNegative(way) ? -2.9 : 2.9;
    put(value);
    const point = await onlyPoint(metrics);
    if (way.includes('histogram')) {
      assert.equal(Number(point.sum), 2);
    } else {
      assert.equal(point.asInt, String(Math.trunc(value)));
      assert.equal(point.asDouble, undefined);
    }
  });

  test(`a ${way} of integers counts beyond 2^53, alone and in sum`, async t => {
    const { metrics, put } = start(t, way, true);
    put(2 ** 60);
    const point = await onlyPoint(metrics);
    if (way.includes('histogram')) {
      assert.equal(Number(point.sum), 2 ** 60);
      return;
    }
    assert.equal(point.asInt, String(2n ** 60n));
    put(2 ** 60);
    const adds = way.includes('ounter') && !way.includes('observable');
    const { asInt } = await onlyPoint(metrics);
    assert.equal(asInt, String(adds ? 2n ** 61n : 2n ** 60n));
  });

  test(`a ${way} of doubles exports doubles, also whole ones`, async t => {
    const { metrics, put } = start(t, way);
    put(3);
    const point = await onlyPoint(metrics);
    if (way.includes('histogram')) {
      assert.equal(point.sum, 3);
    } else {
      assert.equal(point.asDouble, 3);
      assert.equal(point.asInt, undefined);
    }
  });

  for (const zero of [0, -0]) {
    const name = Object.is(zero, -0) ? 'minus zero' : 'zero';
    test(`${name} put into a ${way} reports the series`, async t => {
      const { metrics, put } = start(t, way);
      put(zero);
      const point = (await metrics.collect()).point('it');
      // Equal, whichever its sign.
      assert.ok((point?.value ?? point?.sum) === 0);
      assert.equal(point?.count, way.includes('histogram') ? 1 : undefined);
    });
  }

  test(`a ${way} keeps the smallest and the largest doubles`, async t => {
    for (const value of [Number.MIN_VALUE, Number.MAX_VALUE]) {
      const { metrics, put } = start(t, way);
      put(value);
      const point = (await metrics.collect()).point('it');
      assert.equal(point?.value ?? point?.sum, value);
    }
  });
}

interface RawPoint {
  asInt?: string;
  asDouble?: number;
  sum?: number;
}

async function onlyPoint(metrics: TestMetrics): Promise<RawPoint> {
  const { resourceMetrics } = JSON.parse(
    await (metrics.provider as NativeMeterProvider).addReader().collect(),
  ) as {
    resourceMetrics: {
      scopeMetrics: {
        metrics: Record<string, { dataPoints?: RawPoint[] } | string>[];
      }[];
    }[];
  };
  const metric = resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(scope => scope.metrics)
    .find(({ name }) => name === 'it');
  assert.ok(metric, 'no metric');
  const points = Object.values(metric).flatMap(data =>
    typeof data === 'string' ? [] : (data.dataPoints ?? []),
  );
  assert.equal(points.length, 1);
  return points[0];
}

test('+5 and -5 between two collections report 0', async t => {
  const metrics = testMetrics(t, { temporality: 'delta' });
  const counter = metrics.provider.getMeter('m').createUpDownCounter('it');
  counter.add(5, { a: 1 });
  counter.add(-5, { a: 1 });
  assert.equal((await metrics.collect()).value('it', { a: 1 }), 0);
});

test('add(0) reports a delta of 0, and nothing when nothing was added', async t => {
  const metrics = testMetrics(t, { temporality: 'delta' });
  const counter = metrics.provider.getMeter('m').createCounter('it');
  counter.add(0);
  assert.equal((await metrics.collect()).value('it'), 0);
  assert.equal((await metrics.collect()).metric('it'), undefined);
  counter.add(-0);
  assert.equal((await metrics.collect()).value('it'), 0);
});

test('up-down counters and gauges that become histograms have no sum', async t => {
  const metrics = testMetrics(t, {
    views: [
      {
        selector: { instrument_name: 'explicit.*' },
        stream: { aggregation: { explicit_bucket_histogram: {} } },
      },
      {
        selector: { instrument_name: 'exponential.*' },
        stream: { aggregation: { base2_exponential_bucket_histogram: {} } },
      },
    ],
  });
  const meter = metrics.provider.getMeter('m');
  for (const prefix of ['explicit', 'exponential']) {
    meter.createUpDownCounter(`${prefix}.updown`).add(-1);
    meter.createGauge(`${prefix}.gauge`).record(-1);
    meter.createCounter(`${prefix}.counter`).add(1);
  }
  const collection = await metrics.collect();
  for (const prefix of ['explicit', 'exponential']) {
    assert.equal(collection.point(`${prefix}.updown`)?.count, 1);
    assert.equal(collection.point(`${prefix}.updown`)?.sum, undefined);
    assert.equal(collection.point(`${prefix}.gauge`)?.count, 1);
    assert.equal(collection.point(`${prefix}.gauge`)?.sum, undefined);
    assert.equal(collection.point(`${prefix}.counter`)?.sum, 1);
  }
});

test('a value on a bucket boundary that decimal digits describe exactly is below it', async t => {
  const metrics = testMetrics(t);
  // Doubles whose decimal digits a careless parser turns into their neighbours.
  const boundaries = [
    5.233e-104, 1.797693134862316e-9, 0.30000000000000004, 2.3e15, 1.234e33,
    8.41e200,
  ];
  const histogram = metrics.provider.getMeter('m').createHistogram('it', {
    advice: { explicitBucketBoundaries: boundaries },
  });
  boundaries.forEach(boundary => histogram.record(boundary));
  const point = (await metrics.collect()).point('it');
  assert.deepEqual(point?.bounds, boundaries);
  assert.deepEqual(point?.bucketCounts, [1, 1, 1, 1, 1, 1, 0]);
});

test('infinities at the ends of advised boundaries are implied ones', async t => {
  const messages = diagMessages(t);
  const metrics = testMetrics(t);
  const histogram = metrics.provider.getMeter('m').createHistogram('it', {
    advice: { explicitBucketBoundaries: [-Infinity, 1, 2, Infinity] },
  });
  histogram.record(1.5);
  const point = (await metrics.collect()).point('it');
  assert.deepEqual(point?.bounds, [1, 2]);
  assert.deepEqual(messages, []);
});

for (const [name, boundaries] of [
  ['NaN', [1, NaN]],
  ['no numbers', ['a', {}]],
  ['descending', [2, 1]],
  ['no list', '1, 2' as unknown],
] as [string, number[]][]) {
  test(`advised boundaries that are ${name} are reported and the default ones used`, async t => {
    const messages = diagMessages(t);
    const metrics = testMetrics(t);
    const histogram = metrics.provider.getMeter('m').createHistogram('it', {
      advice: { explicitBucketBoundaries: boundaries },
    });
    histogram.record(1);
    const point = (await metrics.collect()).point('it');
    assert.equal(point?.bounds?.length, 15);
    assert.match(messages.join('\n'), /"it".*explicitBucketBoundaries/);
  });
}

for (const attributes of ['kept', [1], [''], [null]] as unknown[]) {
  test(`advised attributes that are ${JSON.stringify(attributes)} are reported and all kept`, async t => {
    const messages = diagMessages(t);
    const metrics = testMetrics(t);
    const options: InstrumentOptions = {
      advice: { attributes: attributes as string[] },
    };
    const counter = metrics.provider.getMeter('m').createCounter('it', options);
    counter.add(1, { kept: 1, other: 1 });
    const { points } = (await metrics.collect()).metric('it')!;
    assert.deepEqual(points[0].attributes, { kept: 1, other: 1 });
    assert.match(messages.join('\n'), /"it".*advice\.attributes: found/);
  });
}

test('what is recorded with attributes beyond the advice is added up', async t => {
  const metrics = testMetrics(t);
  const options: InstrumentOptions = { advice: { attributes: ['kept'] } };
  const counter = metrics.provider.getMeter('m').createCounter('it', options);
  counter.add(1, { kept: 1, other: 1 });
  counter.add(2, { other: 2, kept: 1 });
  counter.add(4, { other: 2 });
  const { points } = (await metrics.collect()).metric('it')!;
  assert.deepEqual(
    points.map(({ attributes, value }) => [attributes, value]),
    [
      [{ kept: 1 }, 3],
      [{}, 4],
    ],
  );
});

test('a unit is any text', async t => {
  const messages = diagMessages(t);
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  const units = ['µs', '°C', 'u'.repeat(64)];
  units.forEach(unit => meter.createCounter('it', { unit }).add(1));
  const collection = await metrics.collect();
  assert.deepEqual(
    collection.metrics.filter(({ name }) => name === 'it').map(m => m.unit),
    units,
  );
  // They are three instruments of one name.
  assert.equal(messages.length, 2, messages.join('\n'));
});

test('advice on attributes that is none is said as it was found, and all are kept', async t => {
  const messages = diagMessages(t);
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  for (const [name, attributes, found] of [
    ['text', 'nope', 'nope'],
    ['number', [1, 'a'], '1'],
    ['empty', ['a', ''], '""'],
    ['object', [{}], '[object Object]'],
  ] as [string, string[], string][]) {
    const ours: InstrumentOptions = { advice: { attributes } };
    const counter = meter.createCounter(name, ours);
    counter.add(1, { a: 1, b: 2 });
    assert.equal((await metrics.collect()).value(name, { a: 1, b: 2 }), 1);
    const said = messages.at(-1)!;
    assert.ok(
      said.includes(
        `metric "${name}": advice.attributes: found ${found}, expected attribute keys; all attributes are kept`,
      ),
      said,
    );
  }
});
