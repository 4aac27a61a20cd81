import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, type TestContext, test } from 'node:test';
import { createMeterProvider, setLogger } from '@nativestage/metrics/sdk';
import { diag } from '@opentelemetry/api';
import * as prometheusClient from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { samples } from '../support/samples';

// Their types agree in all that is used here.
const CLIENTS = {
  'prom-client': promClient,
  '@prometheus-io/client': prometheusClient as unknown as typeof promClient,
};

type Client = typeof promClient;

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';

/** A sample, and an exemplar after it. */
const EXEMPLAR = /^([\w:]+(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? \S+) # .*$/gm;

/** What a program does with its registry. */
const STEPS = {
  'speaks OpenMetrics': ({ register, Registry }) =>
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never),
  'speaks classic text': ({ register, Registry }) =>
    register.setContentType(Registry.PROMETHEUS_CONTENT_TYPE),
  'makes metrics': record,
  'makes metrics with exemplars': recordExemplars,
  'serves its page': ({ register }) => register.metrics(),
  'serves a merged page': async ({ register, Registry }) => {
    const other = new Registry();
    other.setContentType(register.contentType);
    await Registry.merge([register, other]).metrics();
  },
  'sets default labels': ({ register }) =>
    register.setDefaultLabels({ app: 'shop', kind: 'default' }),
  'registers a metric again': ({ register }) => {
    register.getMetricsAsArray().forEach(metric => {
      register.registerMetric(metric as never);
    });
  },
} satisfies Record<string, (client: Client) => unknown>;

type Step = keyof typeof STEPS;

const PROGRAMS: Step[][] = [
  ['makes metrics'],
  ['makes metrics', 'speaks OpenMetrics'],
  ['speaks OpenMetrics', 'makes metrics', 'serves its page'],
  [
    'speaks OpenMetrics',
    'makes metrics with exemplars',
    'sets default labels',
    'serves its page',
    'serves its page',
  ],
  ['speaks OpenMetrics', 'makes metrics', 'serves a merged page'],
  [
    'speaks OpenMetrics',
    'makes metrics',
    'serves its page',
    'speaks classic text',
    'sets default labels',
  ],
  [
    'makes metrics',
    'speaks OpenMetrics',
    'serves its page',
    'registers a metric again',
  ],
];

afterEach(() => {
  for (const client of Object.values(CLIENTS)) {
    client.register.clear();
    client.register.setDefaultLabels({});
    STEPS['speaks classic text'](client);
  }
});

describe('one-off metrics of a program', () => {
  for (const [name, client] of Object.entries(CLIENTS)) {
    for (const steps of PROGRAMS) {
      test(`that ${steps.join(', ')} are those that ${name} would serve next`, async t => {
        const { url, messages } = serve(t);
        for (const step of steps) {
          await STEPS[step](client);
          // Before the next step: reading must not take part in the program.
          await fetch(url);
        }
        const before = namesOf(client);
        const classic = await pageOf(url, 'text/plain');
        const openMetrics = await pageOf(url, OPEN_METRICS);
        assert.deepEqual(namesOf(client), before);

        const theirs = await client.register.metrics();
        const expected = samples(theirs.replace(EXEMPLAR, '$1'));
        assert.ok(expected.size > 15, theirs);
        for (const page of [classic, openMetrics]) {
          const found = samples(page.replace(EXEMPLAR, '$1'));
          const wrong = [...expected].filter(
            ([series, value]) => !Object.is(found.get(series), value),
          );
          assert.deepEqual(wrong, [], `${theirs}\n---\n${page}`);
          const ours = [...found.keys()].filter(series =>
            /^(sold|made|sealed|weight|wait|stock|plain)(?!.*_created)/.test(
              series,
            ),
          );
          assert.deepEqual(ours.sort(), [...expected.keys()].sort());
        }
        assert.deepEqual(exemplars(classic), []);
        assert.deepEqual(exemplars(openMetrics), exemplars(theirs));
        if (client.register.contentType.startsWith('application')) {
          const headers = theirs.match(/^# (HELP|TYPE) .*$/gm) ?? [];
          for (const header of headers) {
            assert.ok(openMetrics.includes(`${header}\n`), header);
          }
        }
        assert.deepEqual(messages, []);
      });
    }

    test(`goes on with ${name} as if nobody had read them`, async t => {
      const { url } = serve(t);
      const run = async (read: boolean) => {
        STEPS['speaks OpenMetrics'](client);
        recordExemplars(client);
        const pages = [];
        for (let i = 0; i < 3; i++) {
          if (read) {
            await fetch(url);
          }
          pages.push(await client.register.metrics());
          const sold = client.register.getSingleMetric('sold_total');
          (sold as promClient.Counter<'kind'>).inc({
            labels: { kind: 'a' },
            value: 1,
          } as never);
        }
        client.register.clear();
        // The time of an exemplar.
        return pages.map(page => page.replace(/ [\d.]+$/gm, ''));
      };
      assert.deepEqual(await run(true), await run(false));
    });

    test(`that ${name} knows no type of are gauges, or refused by name`, async t => {
      const { url, messages } = serve(t);
      const add = (metric: string, type: string, values: object[]) =>
        client.register.registerMetric({
          name: metric,
          type,
          help: 'Own',
          get: () => ({ name: metric, type, help: 'Own', values }),
        } as never);
      add('build', 'info', [
        { metricName: 'build_info', value: 1, labels: { version: '1' } },
      ]);
      add('door', 'stateset', [{ value: 1, labels: { door: 'open' } }]);
      add('thing', 'untyped', [{ value: 5 }]);
      add('jobs', 'counter', [
        { value: 5 },
        { metricName: 'jobs_created', value: 17e8 },
      ]);
      add('odd', 'gauge', [{ value: 1 }, { metricName: 'even', value: 2 }]);
      add('none', 'gaugehistogram', [{ metricName: 'none_gsum', value: 1 }]);
      const page = await pageOf(url, 'text/plain');
      for (const line of [
        '# TYPE build_info gauge\nbuild_info{version="1"} 1',
        '# TYPE door gauge\ndoor{door="open"} 1',
        '# TYPE thing gauge\nthing 5',
        '# TYPE jobs counter\njobs 5',
      ]) {
        assert.ok(page.includes(`${line}\n`), `${line} in ${page}`);
      }
      assert.doesNotMatch(page, /^(odd|even|none|jobs_created)/m);
      assert.match(messages.join('\n'), /left out: odd has a sample even/);
      assert.match(messages.join('\n'), /the unknown type "gaugehistogram"/);
    });
  }

  test('are those of the registry that is the default one now', async t => {
    const { url } = serve(t);
    const { register } = promClient;
    const exports = createRequire(path.resolve('__test__/x'))(
      'prom-client',
    ) as { register: unknown };
    t.after(() => {
      exports.register = register;
    });
    const own = new promClient.Registry();
    new promClient.Gauge({
      name: 'plain',
      help: 'P',
      registers: [own],
    }).set(1);
    await fetch(url);
    exports.register = own;
    assert.match(await pageOf(url, 'text/plain'), /^plain 1$/m);
  });
});

function record(client: Client): void {
  const labelNames = ['kind'];
  const counter = (name: string) =>
    new client.Counter({ name, help: `${name} \\ help`, labelNames });
  for (const name of ['sold_total', 'made', 'sealed_total_total', 'sold:x']) {
    counter(name).inc({ kind: 'a # {b="c"} 1' }, 2.5);
  }
  recordOthers(client);
}

function recordExemplars(client: Client): void {
  const enableExemplars = true;
  const labelNames = ['kind'];
  const exemplarLabels = { trace_id: 'a"b', span_id: '}' };
  new client.Counter({
    name: 'sold_total',
    help: 'Sold',
    labelNames,
    enableExemplars,
  }).inc({ labels: { kind: 'a' }, value: 2.5, exemplarLabels } as never);
  new client.Histogram({
    name: 'weight',
    help: 'Weight',
    labelNames,
    buckets: [1.5, 2.5],
    enableExemplars,
  }).observe({ labels: { kind: 'a' }, value: 1.5, exemplarLabels } as never);
  recordOthers(client);
}

function recordOthers(client: Client): void {
  const gauge = new client.Gauge({ name: 'stock', help: 'S', labelNames: [] });
  gauge.set(-3);
  new client.Gauge({ name: 'plain_total', help: 'Not a counter' }).set(1);
  const wait = new client.Summary({
    name: 'wait',
    help: 'Wait',
    labelNames: ['kind'],
    percentiles: [0.5],
  });
  wait.observe({ kind: 'a' }, 1);
  wait.observe({ kind: 'b' }, 2);
  const made = new client.Histogram({
    name: 'made_seconds',
    help: 'Made',
    labelNames: ['kind'],
    buckets: [1.5, 2.5],
  });
  made.observe({ kind: 'a' }, 1.5);
  made.observe({ kind: 'b' }, 3);
}

/** Samples with an exemplar, without its time, whose last digits are a matter of taste. */
function exemplars(page: string): string[] {
  return [...page.matchAll(EXEMPLAR)]
    .map(([line]) => {
      const [sample, exemplar] = line.split(' # ');
      const labels = (text: string) =>
        (text.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).sort().join();
      const value = /\} (\S+) \d+\.\d+$/.exec(exemplar)?.[1];
      return `${labels(sample)} # ${labels(exemplar)} ${value}`;
    })
    .sort();
}

function namesOf({ register }: Client) {
  return register.getMetricsAsArray().map(({ name, help }) => [name, help]);
}

async function pageOf(url: string, accept: string): Promise<string> {
  return (await fetch(url, { headers: { accept } })).text();
}

function serve(t: TestContext) {
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  setLogger({ debug: () => {}, info: () => {}, warn: note, error: note });
  t.after(() => setLogger(diag));
  const provider = createMeterProvider({
    exporters: { prometheus: { port: 0 } },
    producers: { prometheus: true },
  });
  t.after(() => provider.shutdown());
  return { url: `http://${provider.prometheusAddress}/metrics`, messages };
}
