import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  createTestMetrics,
  type TestMetrics,
  type TestMetricsOptions,
} from '@nativestage/metrics/testing';
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { Exemplars } from '../../ts/instruments/Exemplars';
import { Storage } from '../../ts/instruments/storage';

let spans = 0;

/** The context of a span that nobody exports. */
function spanContext(traceFlags = TraceFlags.SAMPLED): SpanContext {
  spans++;
  return {
    traceId: (0xabc0000 + spans).toString(16).padStart(32, '0'),
    spanId: (0xdef0000 + spans).toString(16).padStart(16, '0'),
    traceFlags,
  };
}

function within<T>(span: SpanContext, work: () => T): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span), work);
}

let metrics: TestMetrics;
afterEach(() => metrics.shutdown());

function create(options: TestMetricsOptions = {}) {
  metrics = createTestMetrics(options);
  return metrics.provider.getMeter('test');
}

async function exemplars(name: string, attributes: Attributes = {}) {
  const collection = await metrics.collect();
  return collection.point(name, attributes)!.exemplars;
}

const KINDS = [
  'createCounter',
  'createUpDownCounter',
  'createGauge',
  'createHistogram',
] as const;

function recorder(
  meter: ReturnType<typeof create>,
  kind: (typeof KINDS)[number],
) {
  const instrument = meter[kind]('x');
  return (value: number, attributes?: Attributes, given?: Context) =>
    'add' in instrument
      ? instrument.add(value, attributes, given)
      : instrument.record(value, attributes, given);
}

/** Records with the attribute `a`, by a bound handle or not. */
function recorderOfOne(
  meter: ReturnType<typeof create>,
  kind: (typeof KINDS)[number],
  isBound: boolean,
) {
  if (!isBound) {
    const record = recorder(meter, kind);
    return (value: number) => record(value, { a: 1 });
  }
  const instrument = meter[kind]('x') as unknown as {
    bind(attributes: Attributes): {
      add?(value: number): void;
      record?(value: number): void;
    };
  };
  const bound = instrument.bind({ a: 1 });
  return (value: number) => (bound.add ?? bound.record!)(value);
}

test('without a context manager nothing is captured', async () => {
  const record = recorder(create(), 'createHistogram');
  const given = trace.setSpanContext(ROOT_CONTEXT, spanContext());
  record(1, {}, given);
  assert.equal(await exemplars('x'), undefined);
});

describe('with a context manager', () => {
  before(() => new node.NodeTracerProvider().register());
  after(() => context.disable());

  for (const kind of KINDS) {
    test(`an exemplar of ${kind} has value, trace, span and time`, async () => {
      const record = recorder(create(), kind);
      const span = spanContext();
      const start = Date.now();
      within(span, () => record(2.5, { a: 1 }));
      const end = Date.now();
      const [found, ...others] = (await exemplars('x', { a: 1 }))!;
      assert.deepEqual(others, []);
      const { traceId, spanId } = span;
      const { time, ...rest } = found;
      assert.deepEqual(rest, { value: 2.5, traceId, spanId, attributes: {} });
      assert.ok(
        start - 1 <= time && time <= end + 1,
        `${start} ${time} ${end}`,
      );
    });

    test(`the context that is passed to ${kind} counts, not the active one`, async () => {
      const record = recorder(create(), kind);
      const span = spanContext();
      const given = trace.setSpanContext(ROOT_CONTEXT, span);
      within(spanContext(), () => record(1, {}, given));
      const [found] = (await exemplars('x'))!;
      assert.equal(found.traceId, span.traceId);
    });

    for (const isBound of [false, true]) {
      const what = isBound ? `the bound handle of ${kind}` : kind;

      test(`${what} captures a value that is larger than those before`, async () => {
        const record = recorderOfOne(create(), kind, isBound);
        record(1);
        const span = spanContext();
        within(span, () => record(2));
        const [found] = (await exemplars('x', { a: 1 }))!;
        assert.equal(found.spanId, span.spanId);
        assert.equal(found.value, 2);
      });

      test(`${what} captures one of 64 values that are not`, async () => {
        const record = recorderOfOne(create(), kind, isBound);
        record(5);
        const span = spanContext();
        within(span, () => {
          for (let i = 0; i < 60; i++) {
            record(1);
          }
        });
        const collected = await exemplars('x', { a: 1 });
        assert.equal(collected, undefined);
        // The interval's first, and outside of the span.
        record(5);
        within(span, () => {
          for (let i = 0; i < 64; i++) {
            record(1);
          }
        });
        const found = (await exemplars('x', { a: 1 }))!;
        assert.deepEqual(
          found.map(({ value, spanId }) => [value, spanId]),
          [[1, span.spanId]],
        );
      });
    }

    test(`a context that ${kind} cannot make sense of costs the exemplar only`, async () => {
      const record = recorder(create(), kind);
      const hostile = {
        getValue() {
          throw new Error('none of your business');
        },
      } as unknown as Context;
      for (const given of [hostile, {} as Context, 7 as unknown as Context]) {
        record(1, {}, given);
      }
      const odd = { ...spanContext(), traceId: 'x"}' };
      within(odd, () => record(1));
      assert.equal(await exemplars('x'), undefined);
    });
  }

  test('the slow request among many has one, and so has a usual one', async () => {
    const record = recorder(create(), 'createHistogram');
    within(spanContext(), () => {
      for (let i = 0; i < 20_000; i++) {
        record(20 + (i % 4));
      }
    });
    const slow = spanContext();
    within(slow, () => record(4000));
    within(spanContext(), () => {
      for (let i = 0; i < 20_000; i++) {
        record(20 + (i % 4));
      }
    });
    const found = (await exemplars('x'))!;
    assert.deepEqual(
      found.map(({ value }) => (value > 25 ? value : 'usual')),
      ['usual', 4000],
    );
    assert.equal(found[1].traceId, slow.traceId);
  });

  test('every series has its own slow request in every interval', async () => {
    const options = { temporality: 'delta' } as const;
    const record = recorder(create(options), 'createHistogram');
    for (const slow of [900, 300]) {
      for (let i = 0; i < 5000; i++) {
        within(spanContext(), () => record(1, { route: `/${i % 100}` }));
      }
      within(spanContext(), () => record(slow, { route: '/50' }));
      within(spanContext(), () => record(slow / 2, { route: '/51' }));
      const collection = await metrics.collect();
      for (const [route, value] of [
        ['/50', slow],
        ['/51', slow / 2],
      ] as const) {
        const found = collection.point('x', { route })!.exemplars!;
        assert.ok(
          found.some(exemplar => exemplar.value === value),
          JSON.stringify(found),
        );
      }
    }
  });

  test('only sampled spans count, unless all values do', async () => {
    const unsampled = spanContext(TraceFlags.NONE);
    const work = async (options: TestMetricsOptions) => {
      const record = recorder(create(options), 'createCounter');
      within(unsampled, () => record(1));
      record(1, { outside: true });
      const collection = await metrics.collect();
      await metrics.shutdown();
      return [{}, { outside: true }].map(
        attributes => collection.point('x', attributes)!.exemplars,
      );
    };
    assert.deepEqual(await work({}), [undefined, undefined]);
    assert.deepEqual(await work({ exemplars: 'always_off' }), [
      undefined,
      undefined,
    ]);
    const [within1, outside] = await work({ exemplars: 'always_on' });
    assert.equal(within1![0].traceId, unsampled.traceId);
    assert.equal(outside!.length, 1);
    assert.equal(outside![0].traceId, undefined);
  });

  test('a span that is not sampled keeps no later, sampled one from being captured', async () => {
    const record = recorder(create(), 'createHistogram');
    within(spanContext(TraceFlags.NONE), () => {
      record(1);
      record(100);
    });
    const span = spanContext();
    within(span, () => {
      for (let i = 0; i < 4 * 64 + 1; i++) {
        record(50);
      }
      record(51);
    });
    const found = (await exemplars('x'))!;
    assert.equal(found.at(-1)!.value, 51);
    assert.equal(found.at(-1)!.spanId, span.spanId);
  });

  test('two spans of one interval each have the value that was recorded within them', async () => {
    const record = recorder(create(), 'createHistogram');
    const [first, second] = [spanContext(), spanContext()];
    within(first, () => record(1));
    within(second, () => record(100));
    const found = (await exemplars('x'))!;
    assert.deepEqual(
      found.map(({ value, traceId }) => [value, traceId]),
      [
        [1, first.traceId],
        [100, second.traceId],
      ],
    );
  });

  test('attributes that a view drops stay on the exemplar', async () => {
    const meter = create({
      views: [
        {
          selector: { instrument_name: 'x' },
          stream: { attribute_keys: { excluded: ['user', 'list'] } },
        },
      ],
    });
    const record = recorder(meter, 'createHistogram');
    const attributes = { route: '/', user: 'guest', list: ['a', 'b'] };
    within(spanContext(), () => {
      record(1, attributes);
      record(2, { ...attributes, user: undefined });
      record(30, { ...attributes, user: 'admin' });
    });
    const found = (await exemplars('x', { route: '/' }))!;
    assert.deepEqual(
      found.map(exemplar => exemplar.attributes),
      [{ list: ['a', 'b'] }, { user: 'admin', list: ['a', 'b'] }],
    );
  });

  test('a slot that is given to another series takes no exemplar with it', async () => {
    const meter = create();
    const counter = meter.createCounter('x') as unknown as {
      add(value: number, attributes: Attributes): void;
      remove(attributes: Attributes): void;
    };
    within(spanContext(), () => counter.add(1, { n: 1 }));
    counter.remove({ n: 1 });
    counter.add(1, { n: 2 });
    within(spanContext(), () => counter.add(1, { n: 3 }));
    const collection = await metrics.collect();
    assert.equal(collection.point('x', { n: 2 })!.exemplars, undefined);
    assert.equal(collection.point('x', { n: 3 })!.exemplars!.length, 1);
  });

  test('a getter that removes the series while it is captured harms nobody', async () => {
    const meter = create({
      views: [
        {
          selector: { instrument_name: 'x' },
          stream: { attribute_keys: { included: ['n'] } },
        },
      ],
    });
    const counter = meter.createCounter('x') as unknown as {
      add(value: number, attributes: Attributes): void;
      clear(): void;
    };
    let armed = false;
    const attributes = {
      n: 1,
      get odd() {
        if (armed) {
          armed = false;
          counter.clear();
          counter.add(5, { n: 2 });
        }
        return 'odd';
      },
    };
    within(spanContext(), () => {
      counter.add(1, attributes);
      for (let i = 0; i < 200; i++) {
        armed = true;
        counter.add(1, attributes);
      }
    });
    const collection = await metrics.collect();
    const found = collection.point('x', { n: 2 })?.exemplars ?? [];
    assert.ok(found.every(exemplar => exemplar.value === 5));
  });

  test('a tracer that is registered late is found at the next collection', async () => {
    context.disable();
    const record = recorder(create(), 'createCounter');
    record(1);
    new node.NodeTracerProvider().register();
    within(spanContext(), () => record(1));
    assert.equal(await exemplars('x'), undefined);
    within(spanContext(), () => record(1));
    assert.equal((await exemplars('x'))!.length, 1);
  });

  test('what does not fit is sampled, and what waits is bounded', async () => {
    const meter = create({ cardinalityLimit: 20_000 });
    const counter = meter.createCounter('x');
    within(spanContext(), () => {
      for (let n = 0; n < 12_000; n++) {
        counter.add(1, { n });
      }
    });
    const { points } = (await metrics.collect()).metric('x')!;
    const found = points.filter(point => point.exemplars).length;
    assert.equal(points.length, 12_000);
    assert.equal(found, 8192);
  });
});

test('looks become rarer once they found enough, and are as before after a collection', () => {
  const exemplars = new Exemplars(Storage.Sum);
  exemplars.filter = 'always_on';
  const owner = {
    removals: 0,
    int: false,
    droppedAttributes: () => undefined,
    complete: () => [],
  };
  const captured = (records: number) => {
    for (let record = 0; record < records; record++) {
      exemplars.reach(0);
      if (exemplars.isDue(0, 1)) {
        exemplars.offer(0, 1, owner, undefined, undefined);
      }
    }
    return exemplars.take()[0]?.count ?? 0;
  };
  // The first value, and one of 64.
  assert.equal(captured(64 * 64), 1 + 64);
  assert.ok(captured(2 ** 20) < 1000);
  let until = 1;
  while (captured(1) === 0) {
    until++;
  }
  assert.ok(until <= 4096);
  // The next look would be as far away.
  exemplars.beginInterval();
  assert.equal(captured(64 * 16), 1 + 16);
});
