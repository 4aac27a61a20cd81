// Which metrics and series each reader gets.
import assert from 'node:assert/strict';
import { afterEach, describe, type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type FilteredMetric,
  type MetricFilter,
  type MetricsOptions,
  setLogger,
} from '@nativestage/metrics/sdk';
import { diag } from '@opentelemetry/api';
import * as promClient from 'prom-client';
import { parseCollection } from '../../ts/export/otlpJson';
import { eventually } from '../support/eventually';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';

afterEach(() => promClient.register.clear());

function start(t: TestContext, options: MetricsOptions = {}) {
  const provider = createMeterProvider({
    exporters: { prometheus: false },
    ...options,
  });
  t.after(() => provider.shutdown().catch(() => {}));
  return provider;
}

type Provider = ReturnType<typeof createMeterProvider>;

function record(provider: Provider): void {
  const meter = provider.getMeter('shop', '1.0');
  const requests = meter.createCounter('http.requests', { unit: '{request}' });
  requests.add(1, { route: '/orders', code: 200 });
  requests.add(2, { route: '/healthcheck', code: 200 });
  requests.add(4, { code: 404 });
  meter.createHistogram('http.debug').record(1);
  meter
    .createObservableGauge('stock')
    .addCallback(result =>
      result.observe(7, { article: 'a', 'at.hand': true }),
    );
}

/** `name{key=value} value` of each point, without our own metrics. */
function pointsOf(otlp: string): string[] {
  const metrics = parseCollection(otlp).filter(
    ({ name }) => !/^(otel\.sdk|nativestage)\./.test(name),
  );
  const lines = metrics.flatMap(({ name, points }) =>
    points.map(({ attributes, value, count }) => {
      const set = Object.entries(attributes).map(
        ([k, v]) => `${k}=${String(v)}`,
      );
      return `${name}{${set.sort().join()}} ${value ?? count}`;
    }),
  );
  return lines.sort();
}

async function page(provider: Provider): Promise<string[]> {
  const url = `http://${provider.prometheusAddress}/metrics`;
  const text = await (await fetch(url)).text();
  return text
    .split('\n')
    .filter(line => /^(# TYPE )?(http|stock|jobs)/.test(line))
    .map(line => line.replace(/,?otel_scope_\w+="[^"]*"/g, ''));
}

/** What is logged from now on. */
function listen(t: TestContext): string[] {
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  setLogger({ debug: note, info: note, warn: note, error: note });
  t.after(() => setLogger(diag));
  return messages;
}

describe('a filter by rules', () => {
  const ALL = [
    'http.debug{} 1',
    'http.requests{code=200,route=/healthcheck} 2',
    'http.requests{code=200,route=/orders} 1',
    'http.requests{code=404} 4',
    'stock{article=a,at.hand=true} 7',
  ];

  test('leaves metrics and series out for one reader and for no other', async t => {
    const provider = start(t);
    const everything = provider.addReader();
    const filtered = provider.addReader({
      metricFilter: {
        included: ['http.*', 'stock'],
        excluded: ['*.debug'],
        attributes: [
          { key: 'route', metrics: 'http.*', excluded: ['/health*'] },
          { key: 'article', metrics: 'stock', included: ['a', 'b'] },
        ],
      },
    });
    record(provider);
    assert.deepEqual(pointsOf(await everything.collect()), ALL);
    assert.deepEqual(pointsOf(await filtered.collect()), [
      'http.requests{code=200,route=/orders} 1',
      'http.requests{code=404} 4',
      'stock{article=a,at.hand=true} 7',
    ]);
  });

  for (const temporality of ['cumulative', 'delta'] as const) {
    test(`takes a missing attribute for an empty one, and numbers for their texts (${temporality})`, async t => {
      const provider = start(t);
      const reader = provider.addReader({
        temporality,
        metricFilter: {
          attributes: [
            { key: 'route', metrics: 'http.requests', included: [''] },
            { key: 'code', included: ['4??', ''] },
            { key: 'at.hand', excluded: ['true'] },
          ],
        },
      });
      record(provider);
      assert.deepEqual(pointsOf(await reader.collect()), [
        'http.debug{} 1',
        'http.requests{code=404} 4',
      ]);
    });
  }

  test('is each exporter’s own: two of OTLP, the page and one of the program’s', async t => {
    const [first, second] = await Promise.all([
      OtlpReceiver.start(t),
      OtlpReceiver.start(t),
    ]);
    const otlp = (receiver: OtlpReceiver, included: string) => ({
      endpoint: receiver.url,
      protocol: 'http/json' as const,
      metricFilter: { included: [included] },
    });
    const provider = start(t, {
      exporters: {
        prometheus: {
          port: 0,
          metricFilter: {
            excluded: ['http.debug', 'stock'],
            attributes: [{ key: 'route', included: ['/orders'] }],
          },
        },
        otlp: [otlp(first, 'http.*'), otlp(second, 'stock')],
      },
    });
    const own: string[] = [];
    provider.addExporter(
      { export: text => void own.push(text) },
      { metricFilter: { included: ['http.debug'] } },
    );
    record(provider);
    await provider.forceFlush();
    const names = (receiver: OtlpReceiver) => [
      ...new Set(receiver.metrics.map(({ name }) => name)),
    ];
    assert.deepEqual(names(first), ['http.requests', 'http.debug']);
    assert.deepEqual(names(second), ['stock']);
    assert.deepEqual(own.flatMap(pointsOf), ['http.debug{} 1']);
    assert.deepEqual(await page(provider), [
      '# TYPE http_requests_total counter',
      'http_requests_total{code="200",route="/orders"} 1',
    ]);
  });

  test('is for the names that views give', async t => {
    const provider = start(t, {
      views: [
        {
          selector: { instrument_name: 'http.requests' },
          stream: { name: 'shop.requests' },
        },
      ],
    });
    const reader = provider.addReader({
      metricFilter: { included: ['shop.*'] },
    });
    record(provider);
    assert.equal(pointsOf(await reader.collect()).length, 3);
  });

  test('is for what Prometheus clients have, which is not read where nobody gets it', async t => {
    const read: string[] = [];
    for (const name of ['jobs', 'jobs_debug']) {
      new promClient.Gauge({
        name,
        help: name,
        labelNames: ['kind'],
        collect() {
          read.push(name);
          this.set({ kind: 'a' }, 1);
          this.set({ kind: 'b' }, 2);
        },
      });
    }
    const provider = start(t, {
      producers: { prometheus: true },
      exporters: {
        prometheus: {
          port: 0,
          metricFilter: {
            excluded: ['*_debug'],
            attributes: [{ key: 'kind', excluded: ['b'] }],
          },
        },
      },
    });
    assert.deepEqual(await page(provider), [
      '# TYPE jobs gauge',
      'jobs{kind="a"} 1',
    ]);
    assert.deepEqual(new Set(read), new Set(['jobs']));
    const everything = provider.addReader();
    assert.deepEqual(pointsOf(await everything.collect()), [
      'jobs_debug{kind=a} 1',
      'jobs_debug{kind=b} 2',
      'jobs{kind=a} 1',
      'jobs{kind=b} 2',
    ]);
    assert.equal((await page(provider)).length, 2);
  });

  test('has a metric that no reader gets do nothing', t => {
    const provider = start(t);
    provider.addReader({ metricFilter: { excluded: ['unread'] } });
    const meter = provider.getMeter('shop');
    type Switchable = { enabled(): boolean };
    const enabled = (name: string) =>
      (meter.createCounter(name) as unknown as Switchable).enabled();
    assert.equal(enabled('unread'), false);
    assert.equal(enabled('read'), true);
  });

  for (const [metricFilter, message] of [
    [{ include: ['a'] }, /metricFilter.*`include`.*`included`/],
    [
      { attributes: [{ key: 'a' }] },
      /metricFilter\.attributes\[0\]: found neither included nor excluded/,
    ],
    [{ testMetric: 'drop' }, /metricFilter.*`testMetric`/],
    [7, /metricFilter: .*`7`, expected a map of settings/],
  ] as const) {
    test(`is refused where it is ${JSON.stringify(metricFilter)}`, t => {
      const provider = start(t);
      const options = { metricFilter } as object;
      assert.throws(() => provider.addReader(options), message);
      assert.throws(
        () =>
          createMeterProvider({
            exporters: { prometheus: { port: 0, ...options } },
          }),
        message,
      );
    });
  }
});

describe('a filter in code', () => {
  test('is asked once for a metric, and for each series of one accepted in part', async t => {
    const provider = start(t);
    const asked: unknown[] = [];
    const filter: MetricFilter = {
      testMetric(metric) {
        asked.push(metric);
        return metric.name === 'http.requests'
          ? 'accept_partial'
          : metric.name === 'stock'
            ? 'accept'
            : 'drop';
      },
      testAttributes({ name }, attributes) {
        asked.push([name, { ...attributes }]);
        return attributes.route === '/healthcheck' ? 'drop' : 'accept';
      },
    };
    const reader = provider.addReader({ metricFilter: filter });
    const everything = provider.addReader();
    record(provider);
    const expected = [
      'http.requests{code=200,route=/orders} 1',
      'http.requests{code=404} 4',
      'stock{article=a,at.hand=true} 7',
    ];
    for (let collection = 0; collection < 3; collection++) {
      assert.deepEqual(pointsOf(await reader.collect()), expected);
    }
    assert.equal(pointsOf(await everything.collect()).length, 5);
    const own = (metric: unknown) =>
      !/^(otel\.sdk|nativestage)\./.test((metric as FilteredMetric).name);
    const scope = { name: 'shop', version: '1.0', attributes: {} };
    const json = (list: unknown[]) =>
      list.map(one => JSON.stringify(one)).sort();
    assert.deepEqual(
      json(asked.filter(own)),
      json([
        { scope, kind: 'sum', name: 'http.requests', unit: '{request}' },
        { scope, kind: 'histogram', name: 'http.debug', unit: '' },
        { scope, kind: 'gauge', name: 'stock', unit: '' },
        ['http.requests', { code: 200, route: '/orders' }],
        ['http.requests', { code: 200, route: '/healthcheck' }],
        ['http.requests', { code: 404 }],
      ]),
    );
  });

  test('is asked about series that are new, and loses no delta by it', async t => {
    const provider = start(t);
    const reader = provider.addReader({
      temporality: 'delta',
      metricFilter: {
        testAttributes: (_, { kept }) => (kept ? 'accept' : 'drop'),
      },
    });
    const counter = provider.getMeter('m').createCounter('it');
    for (let value = 1; value < 5; value++) {
      counter.add(value, { kept: true, value });
      counter.add(value, { kept: false, value });
      assert.deepEqual(pointsOf(await reader.collect()), [
        `it{kept=true,value=${value}} ${value}`,
      ]);
    }
  });

  test('is an exporter’s too: of OTLP, of the page, of Prometheus clients’ metrics', async t => {
    const receiver = await OtlpReceiver.start(t);
    const only = (wanted: string): MetricFilter => ({
      testMetric: ({ name }) => (name === wanted ? 'accept' : 'drop'),
    });
    const jobs = new promClient.Gauge({
      name: 'jobs',
      help: 'Jobs',
      labelNames: ['kind'],
    });
    jobs.set({ kind: 'a' }, 1);
    jobs.set({ kind: 'b' }, 2);
    const provider = start(t, {
      producers: { prometheus: true },
      exporters: {
        prometheus: {
          port: 0,
          metricFilter: {
            testMetric: ({ scope }) =>
              scope.name === 'prom-client' ? 'accept_partial' : 'drop',
            testAttributes: (_, { kind }) => (kind === 'b' ? 'accept' : 'drop'),
          },
        },
        otlp: {
          endpoint: receiver.url,
          protocol: 'http/json',
          metricFilter: only('stock'),
        },
      },
    });
    const own: string[] = [];
    provider.addExporter(
      { export: text => void own.push(text) },
      { metricFilter: only('http.debug') },
    );
    record(provider);
    await provider.forceFlush();
    assert.deepEqual(
      receiver.metrics.map(({ name }) => name),
      ['stock'],
    );
    assert.deepEqual(own.flatMap(pointsOf), ['http.debug{} 1']);
    assert.deepEqual(await page(provider), [
      '# TYPE jobs gauge',
      'jobs{kind="b"} 2',
    ]);
  });

  for (const [what, metricFilter, message] of [
    [
      'throws',
      {
        testMetric() {
          throw new Error('no idea');
        },
      },
      /testMetric of a metric filter threw for "it", which is left out: Error: no idea/,
    ],
    [
      'answers something else',
      { testMetric: () => Promise.resolve('accept') },
      /testMetric .* returned \[object Promise\] for "it", expected drop or accept or accept_partial/,
    ],
    [
      'accepts in part and has nothing to ask for the parts',
      { testMetric: () => 'accept_partial' },
      /testAttributes .* returned undefined for "it", expected drop or accept;/,
    ],
  ] as [string, MetricFilter, RegExp][]) {
    test(`leaves out what it was asked about where it ${what}, and says so once`, async t => {
      const messages = listen(t);
      const provider = start(t);
      const reader = provider.addReader({ metricFilter });
      provider.getMeter('m').createCounter('it').add(1);
      assert.deepEqual(pointsOf(await reader.collect()), []);
      assert.deepEqual(pointsOf(await reader.collect()), []);
      const said = messages.filter(line => message.test(line));
      assert.equal(said.length, 1, messages.join('\n'));
    });
  }

  test('that does not answer in time has what it has not decided about left out, and counted', async t => {
    const messages = listen(t);
    const provider = start(t);
    const reader = provider.addReader({
      metricFilter: {
        testMetric: ({ name }) =>
          name === 'later' ? 'accept_partial' : 'accept',
        testAttributes: () => 'accept',
      },
    });
    const meter = provider.getMeter('m');
    meter.createCounter('known').add(1);
    assert.deepEqual(pointsOf(await reader.collect()), ['known{} 1']);
    meter.createCounter('later').add(1);
    // Nobody is waited for.
    assert.deepEqual(pointsOf(await reader.collect({ timeout: 0 })), [
      'known{} 1',
    ]);
    await eventually(async () =>
      assert.deepEqual(pointsOf(await reader.collect()), [
        'known{} 1',
        'later{} 1',
      ]),
    );
    const undecided = parseCollection(await reader.collect()).find(
      ({ name }) => name === 'nativestage.metrics.filters.undecided',
    );
    assert.ok((undecided?.points[0].value ?? 0) >= 1);
    const said = messages.filter(line => /did not answer in time/.test(line));
    assert.equal(said.length, 1, messages.join('\n'));
  });

  test('goes with its reader', async t => {
    const provider = start(t);
    const reader = provider.addReader({
      metricFilter: { testMetric: () => 'accept' },
    });
    record(provider);
    assert.equal(pointsOf(await reader.collect()).length, 5);
    reader.shutdown();
    const next = provider.addReader({
      metricFilter: { testMetric: () => 'drop' },
    });
    assert.deepEqual(pointsOf(await next.collect()), []);
  });

  test('decides about what is exported last, when the program ends', async t => {
    const receiver = await OtlpReceiver.start(t);
    const { code } = await runNode(t, 'export/filter-at-exit.cjs', {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    });
    assert.equal(code, 0);
    assert.equal(receiver.value('it', { kept: true }), 1);
    assert.throws(() => receiver.value('it', { kept: false }));
    assert.throws(() => receiver.value('dropped'));
  });
});
