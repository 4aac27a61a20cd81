// Plain JavaScript passes anything anywhere. Nothing throws but the services and the configuration,
// and these throw errors with a code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configure,
  createMeterProvider,
  isMetricsError,
  setLogger,
} from '@nativestage/metrics/sdk';
import { createTestMetrics } from '@nativestage/metrics/testing';
import { diag, type Meter } from '@opentelemetry/api';
import fc from 'fast-check';
import { CREATORS, testMetrics } from '../instruments/support';
import { provide } from './support';

type Any = (...args: unknown[]) => unknown;

function fail(): never {
  throw Object.create(null) as Error;
}

function revoked(target: object = {}): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const THROWING = new Proxy(
  {},
  {
    get: fail,
    has: fail,
    ownKeys: fail,
    getPrototypeOf: fail,
    getOwnPropertyDescriptor: fail,
  },
);

function cycle(): unknown {
  const object: Record<string, unknown> = {};
  object.self = object;
  return object;
}

/** What is passed, by what it is; made anew for each call. */
const VALUES: Record<string, () => unknown> = {
  nothing: () => undefined,
  null: () => null,
  true: () => true,
  zero: () => 0,
  'minus one': () => -1,
  NaN: () => NaN,
  infinity: () => Infinity,
  'a big integer': () => 10n ** 30n,
  'a symbol': () => Symbol('s'),
  'the empty text': () => '',
  'a text': () => 'text',
  'a name': () => 'orders.placed',
  'a lone surrogate': () => '\ud800',
  'a megabyte': () => '"\n'.repeat(2 ** 19),
  'a list': () => [],
  'a list of these': () => [null, revoked(), 1n, '', THROWING],
  'a list with holes': () => [, 1, , 'x'], // eslint-disable-line no-sparse-arrays
  'a list that throws': () => Object.defineProperty([1], 0, { get: fail }),
  'a list without an end': () => new Array<unknown>(2 ** 32 - 1),
  'a revoked list': () => revoked([]),
  'an object': () => ({}),
  'an object without a prototype': () => Object.create(null) as unknown,
  'a cycle': cycle,
  'a function': () => () => {},
  'a function that throws': () => fail,
  'an asynchronous function that throws': () => async () => {
    await Promise.resolve();
    fail();
  },
  'a class': () => class {},
  'a revoked proxy': () => revoked(),
  'a revoked function': () => revoked(() => {}),
  'a proxy that throws': () => THROWING,
  'what converts itself': () => ({
    toString: fail,
    valueOf: fail,
    toJSON: fail,
    [Symbol.toPrimitive]: fail,
  }),
  'options that throw': () =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        ['unit', 'description', 'valueType', 'advice', 'schemaUrl'].map(key => [
          key,
          { get: fail, enumerable: true },
        ]),
      ),
    ),
  'options of odd values': () => ({
    unit: Symbol('u'),
    description: 1n,
    valueType: {},
    advice: { explicitBucketBoundaries: [revoked(), 1n, fail] },
    schemaUrl: THROWING,
  }),
  'advice that throws': () => ({
    advice: Object.defineProperty({}, 'explicitBucketBoundaries', {
      get: fail,
    }),
  }),
  'advice that is a revoked list': () => ({
    advice: { explicitBucketBoundaries: revoked([]) },
  }),
  'advice without an end': () => ({
    advice: { explicitBucketBoundaries: new Array(2 ** 32 - 1) },
  }),
  'a date': () => new Date(NaN),
  'a map': () => new Map([[1, 2]]),
  'a buffer': () => Buffer.alloc(3),
  'an error': () => new Error('x'),
  'a promise': () => Promise.resolve(1),
};

const NAMES = Object.keys(VALUES);

/** One to four arguments, by their names. */
const argumentNames = fc.array(fc.constantFrom(...NAMES), {
  minLength: 0,
  maxLength: 4,
});

/** Calls with each value in each place, and with some hundred combinations. */
function walk(what: string, call: (args: unknown[]) => void, usual: unknown[]) {
  const attempt = (args: unknown[], names: unknown) => {
    try {
      call(args);
    } catch (error) {
      throw new Error(`${what} with ${JSON.stringify(names)}`, {
        cause: error,
      });
    }
  };
  for (let place = 0; place < 4; place++) {
    for (const name of NAMES) {
      const args = usual.slice(0, Math.max(place, usual.length));
      args[place] = VALUES[name]();
      attempt(args, [place, name]);
    }
  }
  fc.assert(
    fc.property(argumentNames, names =>
      attempt(
        names.map(name => VALUES[name]()),
        names,
      ),
    ),
    { numRuns: 100 },
  );
}

const silent = () => {};

function quiet(t: { after(run: () => void): void }): string[] {
  const lines: string[] = [];
  const hear = (line: string) => void lines.push(line);
  setLogger({ debug: silent, info: silent, warn: hear, error: hear });
  t.after(() => setLogger(diag));
  return lines;
}

const RECORDING: Record<string, unknown[]> = {
  add: [1, { a: 1 }],
  record: [1, { a: 1 }],
  bind: [{ a: 1 }],
  remove: [{ a: 1 }],
  addCallback: [silent],
  removeCallback: [silent],
};

test('nothing that is passed to a meter or its instruments throws', async t => {
  const lines = quiet(t);
  const { provider } = provide(t);
  walk(
    'getMeter',
    args => {
      const meter = (provider.getMeter as Any).apply(provider, args) as Meter;
      meter.createCounter('c').add(1);
    },
    ['m', '1', {}],
  );
  const meter = provider.getMeter('m');
  const odd = meter as unknown as Record<string, Any>;
  for (const create of CREATORS) {
    walk(create, args => use(odd[create](...args)), ['it', {}]);
    const instrument = odd[create]('used') as Record<string, Any>;
    for (const [method, usual] of Object.entries(RECORDING)) {
      if (typeof instrument[method] === 'function') {
        walk(
          `${create}().${method}`,
          args => {
            const bound = instrument[method](...args) as
              Record<string, Any> | undefined;
            if (method === 'bind') {
              const put = 'add' in bound! ? bound.add : bound!.record;
              Object.values(VALUES).forEach(make => put(make()));
            }
          },
          usual,
        );
      }
    }
  }
  const observable = meter.createObservableGauge('batch');
  for (const method of [
    'addBatchObservableCallback',
    'removeBatchObservableCallback',
  ]) {
    walk(method, args => odd[method](...args), [silent, [observable]]);
  }
  observable.addCallback(result => {
    walk('observe', args => (result.observe as Any).apply(result, args), [
      1,
      { a: 1 },
    ]);
  });
  meter.addBatchObservableCallback(
    result => {
      walk(
        'observe of a batch',
        args => (result.observe as Any).apply(result, args),
        [observable, 1, { a: 1 }],
      );
      result.observe(observable, 42, { done: 'yes' });
    },
    [observable],
  );
  const page = await (
    await fetch(`http://${provider.prometheusAddress}/metrics`)
  ).text();
  assert.match(page, /^batch\{done="yes",.*\} 42$/m);
  assert.ok(lines.every(line => line.length < 5000));
  assert.ok(!lines.some(line => line.includes('internal error')));
});

/** Records with whatever was made: what is no instrument of ours does nothing. */
function use(instrument: unknown): void {
  const { add, record } = instrument as Record<string, Any | undefined>;
  (add ?? record)?.call(instrument, 1, { a: 1 });
}

function throwsCoded(what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!isMetricsError(error)) {
      throw error;
    }
    assert.match(error.code, /^ERR_METRICS_/, what);
  }
}

test('services throw nothing but errors with a code', t => {
  quiet(t);
  const { root } = testMetrics(t);
  const odd = root as unknown as Record<string, Any>;
  for (const [method, usual] of [
    ['forPlugin', ['orders']],
    ['forService', ['orders', 'core']],
    ...CREATORS.map(create => [create, ['orders.placed', {}]] as const),
  ] as const) {
    walk(
      method,
      args =>
        throwsCoded(method, () => {
          const made = odd[method](...args);
          use(made);
        }),
      [...usual],
    );
  }
  const plugin = root.forPlugin('orders') as unknown as Record<string, Any>;
  for (const create of CREATORS) {
    walk(
      create,
      args => throwsCoded(create, () => use(plugin[create](...args))),
      ['orders.placed', {}],
    );
  }
  for (const wrong of [undefined, null, 5, Symbol('s'), {}, revoked()]) {
    assert.throws(() => root.forPlugin(wrong as string), {
      code: 'ERR_METRICS_INVALID_NAME',
      message: /expected text/,
    });
    assert.throws(() => root.forService(wrong as string, 'core'), {
      code: 'ERR_METRICS_INVALID_NAME',
    });
    assert.throws(() => root.forService('a', wrong as 'core'), {
      code: 'ERR_METRICS_INVALID_NAME',
    });
  }
});

/** Settings by their keys, to put odd values in. */
const SETTINGS = [
  'serviceName',
  'resource',
  'naming',
  'exporters',
  'views',
  'cardinalityLimit',
  'attributeValueLengthLimit',
  'histogram',
  'exitTimeout',
  'plugin',
  'producers',
  'core',
  'temporality',
];

test('configurations throw nothing but errors with a code', t => {
  quiet(t);
  const made: { shutdown(): Promise<void> }[] = [];
  t.after(() => Promise.all(made.map(each => each.shutdown())));
  const noPort = { exporters: { prometheus: false } };
  for (const [what, make] of [
    ['createTestMetrics', createTestMetrics as Any],
    ['createMeterProvider', createMeterProvider as Any],
  ] as const) {
    for (const [name, value] of Object.entries(VALUES)) {
      // JSON takes seconds to find out that it is too long.
      if (name === 'a list without an end') {
        continue;
      }
      if (make === createTestMetrics) {
        throwsCoded(`${what}(${name})`, () =>
          made.push(make(value()) as { shutdown(): Promise<void> }),
        );
      }
      for (const key of SETTINGS) {
        // Some of them are exporters, which would open the default port.
        if (key === 'exporters' && make !== createTestMetrics) {
          continue;
        }
        throwsCoded(`${what}({ ${key}: ${name} })`, () =>
          made.push(
            make({ ...noPort, [key]: value() }) as {
              shutdown(): Promise<void>;
            },
          ),
        );
      }
    }
  }
  for (const wrong of [
    null,
    5,
    'x',
    [],
    () => {},
    1n,
    revoked(),
    THROWING,
    cycle(),
  ]) {
    for (const make of [createMeterProvider, createTestMetrics, configure]) {
      assert.throws(() => make(wrong as object), {
        code: 'ERR_METRICS_INVALID_CONFIG',
        message: /options: .*expected/,
      });
    }
  }
  for (const [wrong, found] of [
    [{ cardinalityLimit: NaN }, /cardinalityLimit.*NaN/],
    [{ cardinalityLimit: Infinity }, /cardinalityLimit.*inf/i],
    [{ serviceName: () => 'x' }, /serviceName is a function/],
    [{ resource: { a: Symbol('s') } }, /a is a symbol/],
  ] as const) {
    assert.throws(() => createMeterProvider(wrong as object), {
      code: 'ERR_METRICS_INVALID_CONFIG',
      message: found,
    });
  }
});

test('what tests read is looked up whatever is passed', async t => {
  const metrics = testMetrics(t);
  metrics.provider.getMeter('m').createCounter('c').add(1, { a: 1 });
  const collection = await metrics.collect();
  for (const method of ['metric', 'point', 'value'] as const) {
    walk(method, args => (collection[method] as Any).apply(collection, args), [
      'c',
      { a: 1 },
    ]);
  }
  assert.equal(collection.value('c', { a: 1 }), 1);
  assert.equal(collection.value('c', { a: 1, b: null as never }), 1);
  assert.equal(collection.value('c', { a: '1' }), undefined);
});

for (const [what, attributes] of [
  ['a text of 90 MB of NULs', () => ({ a: '\0'.repeat(90e6) })],
  [
    'a list of such texts',
    () => ({ a: ['\0'.repeat(90e6), '\0'.repeat(90e6)] }),
  ],
  ['a key of 90 MB of NULs', () => ({ ['\0'.repeat(90e6)]: 'x' })],
  ['a list of ten million texts', () => ({ a: new Array(1e7).fill('\0') })],
  [
    'a hundred thousand long values',
    () =>
      Object.fromEntries(
        Array.from({ length: 1e5 }, (_, index) => [
          `k${index}`,
          '\0'.repeat(2000),
        ]),
      ),
  ],
] as const) {
  test(`${what} throws nothing and loses no value`, async t => {
    quiet(t);
    const metrics = testMetrics(t);
    const meter = metrics.provider.getMeter('m');
    const set = attributes() as never;
    const counter = meter.createCounter('counter');
    counter.add(1, set);
    counter.add(1, set);
    meter.createHistogram('histogram').record(1, set);
    meter.createGauge('gauge').record(1, set);
    meter
      .createObservableGauge('observable')
      .addCallback(result => result.observe(1, set));
    const collection = await metrics.collect();
    const found = (name: string) =>
      collection.metric(name)!.points.map(point => point.value ?? point.count);
    assert.deepEqual(found('counter'), [2]);
    assert.deepEqual(found('histogram'), [1]);
    assert.deepEqual(found('gauge'), [1]);
    assert.deepEqual(found('observable'), [1]);
  });
}
