import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMeterProvider,
  type MetricsOptions,
  setLogger,
} from '@nativestage/metrics/sdk';
import { diag } from '@opentelemetry/api';
import * as prometheusClient from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { decodeOtlp } from '../support/decodeOtlp';
import { eventually } from '../support/eventually';
import {
  type OtlpMetric,
  type OtlpPoint,
  OtlpReceiver,
} from '../support/OtlpReceiver';
import { Program } from '../support/Program';
import { Prometheus, SCRAPE_PROTOCOLS } from '../support/Prometheus';
import { samples } from '../support/samples';
import { pipe, prometheus, python, PYTHON, without } from '../support/tools';

// Their types agree in all that is used here.
const CLIENTS = {
  'prom-client': promClient,
  '@prometheus-io/client': prometheusClient as unknown as typeof promClient,
};

afterEach(() => {
  for (const { register } of Object.values(CLIENTS)) {
    register.clear();
    register.setDefaultLabels({});
  }
});

describe('one-off metrics', () => {
  for (const [name, client] of Object.entries(CLIENTS)) {
    test(`of ${name} are on the page as ${name} itself serves them`, async t => {
      recordEveryKind(client);
      const page = await (await fetch(serve(t))).text();
      const theirs = await client.register.metrics();
      const expected = samples(theirs);
      assert.ok(expected.size > 40, theirs);
      const found = samples(page);
      for (const [series, value] of expected) {
        assert.ok(Object.is(found.get(series), value), `${series} ${page}`);
      }
      for (const [header] of theirs.matchAll(
        /^# HELP .*\n# TYPE .*\n(?=\w)/gm,
      )) {
        assert.ok(page.includes(header), header);
      }
    });

    test(
      `of ${name} pass other people's parsers in every text format`,
      { skip: without(PYTHON, prometheus(3).promtool) },
      async t => {
        recordEveryKind(client);
        const url = serve(t);
        for (const [format, accept] of [
          ['classic', 'text/plain'],
          ['openmetrics', 'application/openmetrics-text;version=1.0.0'],
        ]) {
          const page = await (await fetch(url, { headers: { accept } })).text();
          const families = (await python('parse_page.py', page, format)) as {
            name: string;
            type: string;
          }[];
          const summary = families.find(family => family.name === 'job_wait');
          assert.equal(summary?.type, 'summary');
        }
        const text = await (await fetch(url)).text();
        const { promtool } = prometheus(3);
        const lint = await pipe(promtool, ['check', 'metrics'], text);
        // 3: it would call some of them otherwise, as it would in prom-client.
        assert.ok([0, 3].includes(lint.code ?? -1), lint.stderr);
      },
    );
  }

  test(
    'are read by a real Prometheus from text, OpenMetrics and protobuf',
    { skip: without(prometheus(3).server) },
    async t => {
      recordEveryKind(promClient);
      const url = new URL(serve(t));
      const server = await Prometheus.start(
        t,
        3,
        Object.entries(SCRAPE_PROTOCOLS).map(([job, protocol]) => ({
          job_name: job,
          scrape_protocols: [protocol],
          static_configs: [{ targets: [url.host] }],
        })),
      );
      await server.scraped(3);
      for (const job of Object.keys(SCRAPE_PROTOCOLS)) {
        for (const [query, value] of [
          ['jobs{kind="a"}', 2.5],
          ['queue_length', -3],
          ['job_wait{quantile="0.5"}', 2],
          ['job_wait_sum', 6],
          ['job_wait_count', 3],
          ['job_seconds_count{kind="a"}', 3],
          ['job_seconds_bucket{kind="a",le=~"1|1.0"}', 2],
        ] as const) {
          const selector = query.includes('{')
            ? query.replace('{', `{job="${job}",`)
            : `${query}{job="${job}"}`;
          assert.equal(await server.value(selector), value, selector);
        }
      }
    },
  );

  for (const protocol of ['http/protobuf', 'http/json'] as const) {
    test(
      `are exported over OTLP as ${protocol}`,
      { skip: without(PYTHON) },
      async t => {
        recordEveryKind(promClient);
        const receiver = await OtlpReceiver.start(t);
        const provider = bridged(t, {
          otlp: { endpoint: receiver.url, protocol, temporality: 'delta' },
        });
        await provider.shutdown();
        const format = protocol === 'http/json' ? 'json' : 'protobuf';
        const decoded = await decodeOtlp(format, receiver.received[0].body);
        const scope = decoded.resourceMetrics[0].scopeMetrics.find(
          ({ scope }) => scope?.name === 'prom-client',
        );
        assert.ok(scope, 'the scope of prom-client');
        assert.equal(scope.scope?.version, '15.1.3');
        const points = (name: string, kind: keyof OtlpMetric) => {
          const metric = scope.metrics.find(metric => metric.name === name);
          const data = metric?.[kind] as { dataPoints: OtlpPoint[] };
          return data.dataPoints;
        };
        const jobs = scope.metrics.find(({ name }) => name === 'jobs')?.sum;
        assert.equal(jobs?.isMonotonic, true);
        assert.equal(
          jobs.aggregationTemporality,
          'AGGREGATION_TEMPORALITY_CUMULATIVE',
        );
        assert.deepEqual(
          jobs.dataPoints.slice(0, 2).map(({ asDouble }) => asDouble),
          [2.5, 0.5],
        );
        assert.equal(points('queue_length', 'gauge')[0].asDouble, -3);
        const [histogram] = points('job_seconds', 'histogram');
        assert.equal(histogram.count, '3');
        assert.deepEqual(histogram.explicitBounds, [0.5, 1]);
        assert.deepEqual(histogram.bucketCounts, ['1', '1', '1']);
        const [summary] = points('job_wait', 'summary');
        assert.equal(summary.count, '3');
        assert.equal(summary.sum, 6);
        assert.deepEqual(summary.quantileValues, [
          { quantile: 0.5, value: 2 },
          { quantile: 0.9, value: 3 },
        ]);
      },
    );
  }

  test('yield to a metric of OpenTelemetry with the same name, which is said', async t => {
    new promClient.Counter({ name: 'orders_total', help: 'Mine' }).inc(1);
    new promClient.Gauge({ name: 'orders_wait_sum', help: 'Mine' }).set(1);
    const messages = listen(t);
    const provider = bridged(t, { prometheus: { port: 0 } });
    const meter = provider.getMeter('shop');
    meter.createCounter('orders', { description: 'Theirs' }).add(5);
    meter.createHistogram('orders.wait').record(1);
    const page = await (await fetch(pageOf(provider))).text();
    assert.equal(page.match(/^orders_total/gm)?.length, 1, page);
    assert.equal(page.match(/^orders_wait_sum/gm)?.length, 1, page);
    assert.match(page, /^orders_total\{.*\} 5$/m);
    await messages.until(
      /the counter orders_total \(from orders_total in scope "prom-client"\) is left out/,
    );
  });

  test('cost no others when one of them fails, and that is said once', async t => {
    const messages = listen(t);
    new promClient.Gauge({
      name: 'broken',
      help: 'Broken',
      collect: () => {
        throw new Error('no database');
      },
    });
    new promClient.Gauge({ name: 'whole', help: 'Whole' }).set(1);
    const url = serve(t);
    for (let i = 0; i < 2; i += 1) {
      const page = await (await fetch(url)).text();
      assert.match(page, /^whole 1$/m);
      assert.doesNotMatch(page, /broken/);
    }
    assert.equal(
      messages.matching(
        /the metric "broken" of prom-client could not be read and is left out: Error: no database/,
      ).length,
      1,
    );
  });

  test('keep their last value while one of them takes its time', async t => {
    let slow = false;
    let calls = 0;
    const gauge = new promClient.Gauge({
      name: 'slow',
      help: 'Slow',
      async collect() {
        calls += 1;
        await (slow ? sleep(3000, undefined, { ref: false }) : undefined);
        gauge.set(calls);
      },
    });
    const counter = new promClient.Counter({ name: 'quick', help: 'Quick' });
    const url = serve(t);
    assert.match(await (await fetch(url)).text(), /^slow 1$/m);
    slow = true;
    for (const quick of [1, 2]) {
      counter.inc();
      const page = await (await fetch(url)).text();
      assert.match(page, /^slow 1$/m);
      assert.match(page, new RegExp(`^quick ${quick}$`, 'm'));
    }
    assert.equal(calls, 2, 'is not asked again before it has answered');
  });

  test('are on every page, also on those of scrapes that overlap', async t => {
    let calls = 0;
    const gauge = new promClient.Gauge({
      name: 'slow',
      help: 'Slow',
      async collect() {
        calls += 1;
        await sleep(200);
        gauge.set(1);
      },
    });
    const url = serve(t);
    const first = fetch(url);
    await eventually(() => assert.equal(calls, 1));
    const pages = await Promise.all([first, fetch(url), fetch(url)]);
    for (const page of pages) {
      assert.match(await page.text(), /^slow 1$/m);
    }
  });

  test('carry the default labels of their registry, and go when they are removed', async t => {
    promClient.register.setDefaultLabels({ app: 'shop' });
    new promClient.Gauge({ name: 'stock', help: 'Stock' }).set(4);
    const url = serve(t);
    assert.match(await (await fetch(url)).text(), /^stock\{app="shop"\} 4$/m);
    promClient.register.removeSingleMetric('stock');
    assert.doesNotMatch(await (await fetch(url)).text(), /stock/);
  });

  test('of an OpenMetrics registry are called as their samples', async t => {
    t.after(() =>
      promClient.register.setContentType(
        promClient.Registry.PROMETHEUS_CONTENT_TYPE,
      ),
    );
    promClient.register.setContentType(
      promClient.Registry.OPENMETRICS_CONTENT_TYPE as never,
    );
    new promClient.Counter({ name: 'sold', help: 'Sold' }).inc(2);
    const page = await (await fetch(serve(t))).text();
    assert.match(page, /^# TYPE sold_total counter\nsold_total 2$/m);
  });

  test('of a second copy of a client are found too; what both have is exported once', async t => {
    // Below this project, so that it finds what it depends on.
    await mkdir(path.resolve('.cache'), { recursive: true });
    const directory = await mkdtemp(path.resolve('.cache/copy-'));
    t.after(() => rm(directory, { recursive: true }));
    const require = createRequire(path.resolve('__test__/x'));
    await cp(
      path.dirname(require.resolve('prom-client/package.json')),
      path.join(directory, 'node_modules/prom-client'),
      { recursive: true },
    );
    const second = createRequire(path.join(directory, 'x'))(
      'prom-client',
    ) as typeof promClient;
    assert.notEqual(second, promClient);
    const messages = listen(t);
    new promClient.Gauge({ name: 'both', help: 'Both' }).set(1);
    new second.Gauge({ name: 'both', help: 'Both' }).set(2);
    new second.Gauge({ name: 'second', help: 'Second' }).set(3);
    const page = await (await fetch(serve(t))).text();
    assert.match(page, /^second 3$/m);
    assert.equal(page.match(/^both /gm)?.length, 1);
    await messages.until(
      /several registries of one-off metrics have a metric "both"; the first is exported/,
    );
  });

  test('of a program are exported without a word, unless they are switched off', async t => {
    for (const [producers, expected] of [
      [undefined, true],
      [{ prometheus: false }, false],
      [{ prometheus: 'false' }, false],
      [{ prometheus: { included: ['one_*'] } }, true],
      [{ prometheus: { excluded: ['one_*'] } }, false],
    ] as const) {
      const options = { exporters: { prometheus: { port: 0 } }, producers };
      const program = Program.node(t, 'export/one-offs.mjs', {
        env: { METRICS: JSON.stringify(options) },
      });
      const [, url] = await program.line(/^(http\S+)$/m);
      const page = await (await fetch(url)).text();
      assert.equal(/^one_offs 7$/m.test(page), expected, page);
      await program.stop();
    }
  });

  test('whose names are left out are neither exported nor read', async t => {
    const read: string[] = [];
    for (const name of ['kept_stock', 'kept_debug', 'other_stock']) {
      new promClient.Gauge({
        name,
        help: name,
        collect() {
          read.push(name);
          this.set(1);
        },
      });
    }
    const provider = bridged(
      t,
      { prometheus: { port: 0 } },
      { included: ['kept_*'], excluded: ['*_debug'] },
    );
    const page = await (await fetch(pageOf(provider))).text();
    assert.match(page, /^kept_stock 1$/m);
    assert.doesNotMatch(page, /kept_debug|other_stock/);
    assert.deepEqual([...new Set(read)], ['kept_stock']);
  });

  test('are nothing to a provider that is made beside', async t => {
    new promClient.Gauge({ name: 'stock', help: 'Stock' }).set(4);
    const provider = createMeterProvider({
      exporters: { prometheus: { port: 0 } },
    });
    t.after(() => provider.shutdown());
    const page = await (await fetch(pageOf(provider))).text();
    assert.doesNotMatch(page, /stock/);
  });
});

function recordEveryKind(client: typeof promClient) {
  const labelNames = ['kind'] as const;
  const jobs = new client.Counter({ name: 'jobs', help: 'J\n\\', labelNames });
  jobs.inc({ kind: 'a' }, 2.5);
  jobs.inc({ kind: 'quote " newline \n backslash \\ 🍕' }, 0.5);
  new client.Counter({ name: 'runs_total', help: 'Runs' }).inc(3);
  new client.Gauge({ name: 'queue_length', help: 'Queue' }).set(-3);
  const odd = new client.Gauge({ name: 'odd:value', help: 'Odd', labelNames });
  odd.set({ kind: 'nan' }, NaN);
  odd.set({ kind: 'inf' }, -Infinity);
  new client.Gauge({ name: 'unused', help: 'Unused', labelNames });
  const seconds = new client.Histogram({
    name: 'job_seconds',
    help: 'Seconds',
    labelNames,
    buckets: [0.5, 1],
  });
  [0.25, 0.5 + 1e-9, 100].forEach(s => seconds.observe({ kind: 'a' }, s));
  seconds.observe({ kind: 'b' }, 0.5);
  const wait = new client.Summary({
    name: 'job_wait',
    help: 'Wait',
    percentiles: [0.5, 0.9],
  });
  [1, 2, 3].forEach(value => wait.observe(value));
  client.collectDefaultMetrics();
  // What moves between two looks cannot be compared.
  for (const { name } of client.register.getMetricsAsArray()) {
    if (/^(process|nodejs)_(?!start_time|version)/.test(name)) {
      client.register.removeSingleMetric(name);
    }
  }
  for (let i = 0; i < 20; i += 1) {
    jobs.inc({ kind: `k${i}` }, i);
  }
}

function bridged(
  t: TestContext,
  exporters: NonNullable<MetricsOptions['exporters']>,
  prometheus: NonNullable<MetricsOptions['producers']>['prometheus'] = true,
) {
  const provider = createMeterProvider({
    exporters: { prometheus: false, ...exporters },
    producers: { prometheus },
  });
  t.after(() => provider.shutdown());
  return provider;
}

type Provider = ReturnType<typeof createMeterProvider>;

function pageOf(provider: Provider): string {
  return `http://${provider.prometheusAddress}/metrics`;
}

function serve(t: TestContext): string {
  return pageOf(bridged(t, { prometheus: { port: 0 } }));
}

/** What is logged from now on. */
function listen(t: TestContext) {
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  setLogger({ debug: note, info: note, warn: note, error: note });
  t.after(() => setLogger(diag));
  const matching = (pattern: RegExp) =>
    messages.filter(message => pattern.test(message));
  return {
    matching,
    until: (pattern: RegExp) =>
      eventually(() =>
        assert.ok(matching(pattern).length, messages.join('\n')),
      ),
  };
}
