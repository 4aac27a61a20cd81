import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { diagMessages } from '../instruments/support';
import {
  attributesOf,
  dataOf,
  OtlpReceiver,
  type OtlpRequest,
} from '../support/OtlpReceiver';
import { python, PYTHON, without } from '../support/tools';
import {
  assertNothingInjected,
  fetchText,
  KINDS,
  parseStrictly,
  provide,
  recordAll,
} from './support';

/** Sets by what is odd about them, made anew for each record, and what remains of them. */
const SHAPES: [odd: string, make: () => unknown, left: Attributes][] = [
  [
    'getters that throw',
    () => ({
      a: 1,
      get b() {
        return fail();
      },
    }),
    { a: 1 },
  ],
  ['revoked proxies', revoked, {}],
  [
    'proxies that throw',
    () =>
      new Proxy(
        { a: 1 },
        { ownKeys: fail, get: fail, has: fail, getOwnPropertyDescriptor: fail },
      ),
    {},
  ],
  [
    'proxies that list keys they have not',
    () =>
      new Proxy(
        { a: 1 },
        {
          ownKeys: () => ['a', 'b'],
          getOwnPropertyDescriptor: () => ({
            value: 1,
            enumerable: true,
            configurable: true,
          }),
        },
      ),
    { a: 1 },
  ],
  [
    'arrays with getters',
    () => ({ a: 1, b: Object.defineProperty(['x'], 0, { get: fail }) }),
    { a: 1 },
  ],
  ['revoked proxies as values', () => ({ a: 1, b: revoked() }), { a: 1 }],
  [
    'proxies of arrays',
    () => ({ a: new Proxy(['x', 'y'], {}) }),
    { a: ['x', 'y'] },
  ],
  ['holes in arrays', () => ({ a: ['x', , 'y'] }), { a: ['x', '', 'y'] }], // eslint-disable-line no-sparse-arrays
  [
    'values that convert themselves',
    () => ({
      a: 1,
      b: {
        toString: fail,
        valueOf: fail,
        toJSON: fail,
        [Symbol.toPrimitive]: fail,
      },
    }),
    { a: 1 },
  ],
  [
    'boxed values and dates',
    () => ({
      a: 1,
      b: new String('x'),
      c: new Date(0),
      d: Object(1n) as unknown,
    }),
    { a: 1 },
  ],
  ['cycles', cycle, { a: 1 }],
  ['depth', deep, { a: 1 }],
  ['symbols', () => ({ a: 1, [Symbol('b')]: 2, c: Symbol('d') }), { a: 1 }],
  [
    'class instances',
    () =>
      new (class {
        a = 1;
        get b() {
          return 2;
        }
      })(),
    { a: 1 },
  ],
  [
    'no prototype',
    () => Object.assign(Object.create(null) as object, { a: 1 }),
    { a: 1 },
  ],
  [
    'frozen objects',
    () => Object.freeze({ a: Object.freeze(['x']) }),
    { a: ['x'] },
  ],
  [
    'keys of Object.prototype',
    () =>
      own([
        ['__proto__', 'x'],
        ['constructor', 'y'],
        ['toString', 'z'],
        ['toJSON', 'w'],
      ]),
    own([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
      ['toJSON', 'w'],
    ]),
  ],
  ['arrays for sets', () => ['x', 'y'], { 0: 'x', 1: 'y' }],
  ['errors', () => new Error('x'), {}],
  ['typed arrays', () => ({ a: 1, b: new Uint8Array(3) }), { a: 1 }],
];

function fail(): never {
  throw new Error('from the attributes');
}

function revoked() {
  const { proxy, revoke } = Proxy.revocable<string[]>([], {});
  revoke();
  return proxy;
}

function cycle() {
  const set: Record<string, unknown> = { a: 1 };
  set.self = set;
  set.list = [set];
  return set;
}

function deep() {
  let value: unknown[] = [];
  for (let depth = 0; depth < 100_000; depth++) {
    value = [value];
  }
  return { a: 1, value };
}

function own(entries: [string, string][]): Attributes {
  return Object.fromEntries(entries);
}

/** As MessageToDict has it: integers as texts, arrays as messages. */
function decoded(left: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(left).map(([key, value]) => [
      key,
      Array.isArray(value)
        ? { values: value.map(item => ({ stringValue: item })) }
        : typeof value === 'number'
          ? String(value)
          : value,
    ]),
  );
}

test(
  'odd attributes are what they seem to every kind of instrument',
  {
    skip: without(PYTHON),
  },
  async t => {
    const said = diagMessages(t);
    const receiver = await OtlpReceiver.start(t);
    const { provider } = provide(
      t,
      {},
      { exporters: { otlp: { endpoint: receiver.url } } },
    );
    for (const [odd, make] of SHAPES) {
      // Twice: the first is read carefully, the next may be found by its path.
      recordAll(provider.getMeter(odd), () => [make(), make()]);
    }
    await provider.forceFlush();
    const { body } = receiver.received.at(-1)!;
    const { resourceMetrics } = (await python(
      'decode_otlp.py',
      body,
      'protobuf',
    )) as OtlpRequest;
    const scopes = new Map(
      resourceMetrics[0].scopeMetrics.map(scope => [
        scope.scope?.name,
        scope.metrics,
      ]),
    );
    for (const [odd, , left] of SHAPES) {
      const metrics = scopes.get(odd) ?? [];
      for (const kind of KINDS) {
        const metric = metrics.find(({ name }) => name === `hostile.${kind}`);
        const points = metric ? dataOf(metric).dataPoints : [];
        assert.equal(points.length, 1, `${kind} with ${odd}`);
        const [point] = points;
        assert.deepEqual(attributesOf(point.attributes), decoded(left), odd);
        // Both are added up, save where the last one counts.
        const keepsLast = kind === 'gauge' || kind.startsWith('observable');
        assert.equal(
          Number(point.asDouble ?? point.count),
          keepsLast ? 2 : 3,
          `${kind} with ${odd}`,
        );
      }
    }
    assert.ok(said.every(message => message.length < 1000));
  },
);

test('a getter that changes is recorded once a call, under a value that it had', async t => {
  const { provider, url } = provide(t);
  const counter = provider.getMeter('m').createCounter('changing');
  let reads = 0;
  const set = {
    get a() {
      return `read ${reads++}`;
    },
  };
  for (let call = 0; call < 10; call++) {
    counter.add(1, set);
  }
  const text = await fetchText(url, 'text/plain');
  const samples = [
    ...text.matchAll(/^changing_total\{a="read (\d+)",.*\} (\d+)$/gm),
  ];
  assert.ok(samples.every(([, read]) => Number(read) < reads));
  assert.equal(
    samples.reduce((sum, [, , value]) => sum + Number(value), 0),
    10,
  );
});

test('a toJSON on a prototype changes no attribute and no instrument', async t => {
  for (const prototype of [
    Object.prototype,
    Array.prototype,
    String.prototype,
  ]) {
    const { provider, url } = provide(t);
    const polluted = prototype as { toJSON?: () => unknown };
    polluted.toJSON = () => 'polluted';
    try {
      const counter = provider.getMeter('m').createCounter('polluted');
      counter.add(1, { a: 'x' });
      counter.add(2, { a: 'y', b: ['p'] });
      counter.add(4, { a: 'y', b: ['q'] });
      counter.add(8, { a: NaN, b: '\ud800' });
    } finally {
      delete polluted.toJSON;
    }
    const text = await fetchText(url, 'text/plain');
    for (const line of [
      'polluted_total{a="x",otel_scope_name="m"} 1',
      'polluted_total{a="y",b="[\\"p\\"]",otel_scope_name="m"} 2',
      'polluted_total{a="y",b="[\\"q\\"]",otel_scope_name="m"} 4',
      'polluted_total{a="NaN",b="\ufffd",otel_scope_name="m"} 8',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
    }
  }
});

test('ten thousand keys and a hundred thousand elements are one series of every kind', async t => {
  const { provider, url } = provide(t);
  const keys = Array.from({ length: 10_000 }, (_, index): [string, number] => [
    `k${index}`,
    index,
  ]);
  const big = {
    ...Object.fromEntries(keys),
    list: Array.from({ length: 100_000 }, () => 'x'),
  };
  recordAll(provider.getMeter('m'), () => [big]);
  const text = await fetchText(url, 'text/plain');
  const lines = text.split('\n').filter(line => line.includes('k9999="9999"'));
  const samples = lines.filter(
    line => !/_(bucket|sum)/.test(line.slice(0, 40)),
  );
  assert.equal(samples.length, KINDS.length);
  for (const sample of samples) {
    assert.match(sample.slice(-40), / 1$/);
    assert.equal(sample.match(/[{,]k\d+="\d+"/g)?.length, 10_000);
    assert.equal(sample.split('\\"x\\"').length, 100_001);
  }
});

test('values of a megabyte arrive whole where they may, and those beyond the limit take no memory', async t => {
  const { provider, url } = provide(
    t,
    {},
    { cardinalityLimit: 4, attributeValueLengthLimit: 1_000_000 },
  );
  const counter = provider.getMeter('m').createCounter('large');
  const gauge = provider.getMeter('m').createGauge('large.gauge');
  // As many as may be, of five bytes each four.
  const times = 249_999;
  const text = (index: number) => `${index}${'\n"\\ü'.repeat(times)}`;
  const record = (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const v = text(index);
      counter.add(1, { v });
      gauge.record(index, { v });
    }
  };
  record(0, 20);
  await fetchText(url, 'text/plain');
  const before = process.memoryUsage.rss();
  record(20, 120);
  const page = await fetchText(url, 'text/plain');
  // A hundred values of more than two megabytes, for two instruments.
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grown < 100, `${grown} MiB`);
  const escaped = '\\n\\"\\\\ü'.repeat(times);
  assert.ok(
    page.includes(`large_total{v="0${escaped}",otel_scope_name="m"} 1\n`),
  );
  assert.match(
    page,
    /^large_total\{otel_metric_overflow="true",otel_scope_name="m"\} 116$/m,
  );
});

test('what is said about a key of a megabyte is short', t => {
  const said = diagMessages(t);
  const { provider } = provide(t);
  const key = 'k"\n'.repeat(2 ** 18);
  provider
    .getMeter('m')
    .createCounter('c')
    .add(1, { [key]: {} } as never);
  provider.getMeter('m').createCounter(key).add(1);
  provider.getMeter(key).createCounter('c', { unit: key }).add(1);
  assert.ok(said.length >= 2, said.join('\n').slice(0, 1000));
  for (const message of said) {
    assert.ok(
      message.length < 1000,
      `${message.length}: ${message.slice(0, 200)}`,
    );
  }
});

test(
  'odd scopes, descriptions and units leave the page valid',
  { skip: without(PYTHON) },
  async t => {
    diagMessages(t);
    const { provider, url } = provide(t);
    const evil =
      '"} 1\ninjected_total{evil="1"} 666\n# HELP injected x\n# EOF\n{}\\';
    const meter = provider.getMeter(evil, evil, { schemaUrl: evil });
    const options = [
      evil,
      '\0',
      '\ud800',
      '{}',
      '{x}',
      '1',
      '%',
      '\r\n',
      '# HELP',
      'a/b/c',
      '/',
      '\\',
    ];
    for (const [index, text] of options.entries()) {
      const both = { unit: text, description: text };
      meter.createCounter(`odd.c${index}`, both).add(index);
      meter.createGauge(`odd.g${index}`, both).record(index);
      meter.createHistogram(`odd.h${index}`, both).record(index);
    }
    // Names that are none make no sample.
    for (const name of [
      evil,
      '',
      '{}',
      '# HELP x',
      'a\nb',
      'a b',
      '__name__',
      '1',
      'é',
      Symbol('s') as never,
    ]) {
      meter.createCounter(name).add(666);
      meter
        .createObservableGauge(name)
        .addCallback(result => result.observe(666));
    }
    for (const [format, accept] of [
      ['classic', 'text/plain'],
      ['openmetrics', 'application/openmetrics-text'],
      ['openmetrics', 'application/openmetrics-text;escaping=allow-utf-8'],
    ] as const) {
      const families = await parseStrictly(
        format,
        await fetchText(url, accept),
      );
      assertNothingInjected(families);
      for (const [index] of options.entries()) {
        const family = families.find(
          ({ name }) =>
            name.startsWith(`odd_g${index}`) &&
            !/^\d/.test(name.slice(`odd_g${index}`.length)),
        );
        assert.equal(Number(family?.samples[0].value), index);
        assert.equal(family?.samples[0].labels.otel_scope_name, evil);
      }
    }
  },
);
