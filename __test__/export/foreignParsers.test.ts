// A page with awkward contents, read by parsers that share no code with those of prometheus.test.ts. What
// a parser reads differently from what was recorded is a difference with a name and a reason; nothing
// else may differ, and a difference that is gone fails.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createMeterProvider,
  type NativeMeterProvider,
} from '@nativestage/metrics/sdk';
import parsePage from 'parse-prometheus-text-format';
import * as promClient from 'prom-client';
import { freePort } from '../support/ports';
import { Pushgateway } from '../support/Pushgateway';
import { PUSHGATEWAY, VICTORIA_METRICS, without } from '../support/tools';
import { VictoriaMetrics } from '../support/VictoriaMetrics';

const CLASSIC = 'text/plain;version=0.0.4';
const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';
const PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const UTF8 = ';escaping=allow-utf-8';

const ODD = 'a"b\n\\c\\n{},=# 🍕\0';
const SCOPE = { otel_scope_name: 'm"\n\\' };

type Numbers = Record<string, number>;

interface Series {
  labels: Record<string, string>;
  value?: number;
  count?: number;
  sum?: number;
  buckets?: Numbers;
  quantiles?: Numbers;
}

interface Family {
  type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM' | 'SUMMARY';
  help: string;
  series: Series[];
}

type Families = Record<string, Family>;

/** What a page has under the names of classic text. */
const EXPECTED: Families = {
  odd_things_bytes_total: {
    type: 'COUNTER',
    help: ODD,
    series: [
      { labels: { ...SCOPE, v: ODD, k_k: 'x', _: 'ü' }, value: 1e21 },
      { labels: { ...SCOPE, v: '\\' }, value: 0 },
    ],
  },
  infinite: {
    type: 'GAUGE',
    help: '',
    series: [
      { labels: { ...SCOPE, sign: '+' }, value: Infinity },
      { labels: { ...SCOPE, sign: '-' }, value: -Infinity },
    ],
  },
  small_ratio: {
    type: 'GAUGE',
    help: '',
    series: [{ labels: SCOPE, value: -5e-324 }],
  },
  explicit: {
    type: 'HISTOGRAM',
    help: '',
    series: [
      {
        labels: { ...SCOPE, v: ODD },
        count: 3,
        sum: 6.5,
        buckets: { 0.5: 1, 2: 2, Infinity: 3 },
      },
    ],
  },
  exponential: {
    type: 'HISTOGRAM',
    help: '',
    series: [
      // At scale 0 the buckets end at powers of two.
      {
        labels: SCOPE,
        count: 3,
        sum: 5.5,
        buckets: { 1: 0, 2: 2, 4: 3, Infinity: 3 },
      },
    ],
  },
  without_sum: {
    type: 'HISTOGRAM',
    help: '',
    series: [{ labels: SCOPE, count: 1, buckets: { 1: 1, Infinity: 1 } }],
  },
  legacy_wait: {
    type: 'SUMMARY',
    help: ODD,
    series: [
      {
        labels: { queue: ODD },
        count: 2,
        sum: 4,
        quantiles: { 0.5: 2, 0.9: 3 },
      },
    ],
  },
  legacy_nan: {
    type: 'GAUGE',
    help: 'n',
    series: [{ labels: {}, value: NaN }],
  },
  legacy_empty: {
    type: 'HISTOGRAM',
    help: 'e',
    series: [
      { labels: {}, count: 0, sum: 0, buckets: { 1: 0, 2: 0, Infinity: 0 } },
    ],
  },
};

let provider: NativeMeterProvider;
let url: string;

before(async () => {
  const port = await freePort();
  const wait = new promClient.Summary({
    name: 'legacy_wait',
    help: ODD,
    labelNames: ['queue'],
    percentiles: [0.5, 0.9],
  });
  wait.observe({ queue: ODD }, 1);
  wait.observe({ queue: ODD }, 3);
  new promClient.Gauge({ name: 'legacy_nan', help: 'n' }).set(NaN);
  new promClient.Histogram({
    name: 'legacy_empty',
    help: 'e',
    buckets: [1, 2],
  });
  const histogram = (name: string, aggregation: object) => ({
    selector: { instrument_name: name },
    stream: { aggregation: aggregation as { default: null } },
  });
  provider = createMeterProvider({
    exporters: {
      prometheus: { port, translationStrategy: 'NoUTF8EscapingWithSuffixes' },
    },
    producers: { prometheus: true },
    views: [
      histogram('exponential', {
        base2_exponential_bucket_histogram: { max_scale: 0 },
      }),
      histogram('without_sum', {
        explicit_bucket_histogram: { boundaries: [1] },
      }),
    ],
  });
  const meter = provider.getMeter(SCOPE.otel_scope_name);
  const odd = meter.createCounter('odd.things', {
    description: ODD,
    unit: 'By',
  });
  odd.add(1e21, { v: ODD, 'k.k': 'x', ü: 'ü' });
  odd.add(0, { v: '\\' });
  const infinite = meter.createUpDownCounter('infinite');
  for (const [sign, value] of [
    ['+', Number.MAX_VALUE],
    ['-', -Number.MAX_VALUE],
  ] as const) {
    infinite.add(value, { sign });
    infinite.add(value, { sign });
  }
  meter.createGauge('small', { unit: '1' }).record(-5e-324);
  const explicit = meter.createHistogram('explicit', {
    advice: { explicitBucketBoundaries: [0.5, 2] },
  });
  [0.5, 1, 5].forEach(value => explicit.record(value, { v: ODD }));
  const exponential = meter.createHistogram('exponential');
  [1.5, 1.5, 2.5].forEach(value => exponential.record(value));
  // An up-down counter's values have no sum.
  meter.createUpDownCounter('without_sum').add(-3);
  url = `http://127.0.0.1:${port}/metrics`;
});

after(async () => {
  promClient.register.clear();
  await provider.shutdown();
});

async function page(accept: string) {
  const response = await fetch(url, { headers: { accept } });
  const bytes = await response.arrayBuffer();
  const contentType = response.headers.get('content-type') ?? '';
  return { bytes, text: Buffer.from(bytes).toString(), contentType };
}

/** Those of ours that tell about the process and the exporter itself are not what was recorded. */
function isOwn(name: string): boolean {
  return /^(target_info|otel_sdk_|otel\.sdk\.|push_)/.test(name);
}

const numberOf = (text: string) => Number(text.replace(/Inf$/, 'Infinity'));

function numbersOf(texts: Record<string, string> = {}): Numbers {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [numberOf(key), numberOf(text)]),
  );
}

/** A series of a parser that has all numbers as text. */
function seriesOf(
  labels: Series['labels'],
  texts: {
    value?: string;
    count?: string;
    sum?: string;
    buckets?: Record<string, string>;
    quantiles?: Record<string, string>;
  },
): Series {
  const { value, count, sum, buckets, quantiles } = texts;
  return {
    labels,
    ...(value !== undefined && { value: numberOf(value) }),
    ...(count !== undefined && { count: numberOf(count) }),
    ...(sum !== undefined && { sum: numberOf(sum) }),
    ...(buckets && { buckets: numbersOf(buckets) }),
    ...(quantiles && { quantiles: numbersOf(quantiles) }),
  };
}

/** Sorted, so that neither the order of series nor that of their labels counts. */
function sorted(families: Families): Families {
  const byLabels = ({ labels }: Series) =>
    JSON.stringify(Object.entries(labels).sort());
  return Object.fromEntries(
    Object.entries(families).map(([name, family]) => [
      name,
      {
        ...family,
        series: [...family.series].sort((a, b) =>
          byLabels(a) < byLabels(b) ? -1 : 1,
        ),
      },
    ]),
  );
}

/** The expected families after what a parser makes of each. */
function expected(...differences: ((family: Family) => Family)[]): Families {
  return sorted(
    Object.fromEntries(
      Object.entries(EXPECTED).map(([name, family]) => [
        name,
        differences.reduce((left, differ) => differ(left), family),
      ]),
    ),
  );
}

const ofSeries =
  (change: (series: Series, family: Family) => Series) =>
  (family: Family): Family => ({
    ...family,
    series: family.series.map(series => change(series, family)),
  });

/** One line of a page: what a reader of samples, which knows no families, makes of it. */
type Samples = Record<string, number>;

function sampleKey(name: string, labels: Record<string, string>): string {
  const bound = Object.entries(labels).map(([key, value]) =>
    // One bound has several spellings: `1` in classic text, `1.0` in OpenMetrics.
    key === 'le' || key === 'quantile'
      ? [key, String(numberOf(value))]
      : [key, value],
  );
  return `${name} ${JSON.stringify(bound.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function samplesOf(families: Families): Samples {
  const samples: Samples = {};
  const put = (name: string, labels: Series['labels'], value?: number) => {
    if (value !== undefined) {
      samples[sampleKey(name, labels)] = value;
    }
  };
  for (const [name, { series }] of Object.entries(families)) {
    for (const { labels, value, count, sum, buckets, quantiles } of series) {
      put(name, labels, value);
      put(`${name}_count`, labels, count);
      put(`${name}_sum`, labels, sum);
      for (const [le, found] of Object.entries(buckets ?? {})) {
        put(`${name}_bucket`, { ...labels, le }, found);
      }
      for (const [quantile, found] of Object.entries(quantiles ?? {})) {
        put(name, { ...labels, quantile }, found);
      }
    }
  }
  return samples;
}

/** OpenMetrics has no count where it has no sum, and neither for what may be negative. */
const withoutCountOfNegatives = ofSeries((series, { type }) =>
  type === 'HISTOGRAM' && series.sum === undefined
    ? { ...series, count: undefined }
    : series,
);

describe('the npm package parse-prometheus-text-format', () => {
  /** It compares labels with `le` and `quantile` among them, and keeps one series without the others. */
  const groupsAreWithoutLabels = ofSeries((series, { type }) =>
    ['HISTOGRAM', 'SUMMARY'].includes(type) && 'labels' in series
      ? {
          labels: {},
          ...(series.buckets && { buckets: series.buckets }),
          ...(series.quantiles && { quantiles: series.quantiles }),
          ...(Object.keys(series.labels).length === 0 && {
            count: series.count,
            sum: series.sum,
          }),
        }
      : series,
  );

  function parse(text: string): Families {
    const families: Families = {};
    for (const { name, help, type, metrics } of parsePage(text)) {
      if (isOwn(name)) {
        continue;
      }
      const series = metrics.map(({ labels = {}, ...rest }) =>
        seriesOf(labels, rest),
      );
      // A sample with another name ends a family to it: `_created` does, after every `_total`.
      families[name] ??= { type: type as Family['type'], help, series: [] };
      families[name].series.push(...series);
    }
    return sorted(families);
  }

  test('reads what was recorded from classic text', async () => {
    const { text } = await page(CLASSIC);
    assert.deepEqual(parse(text), expected(groupsAreWithoutLabels));
  });

  test('reads the values of OpenMetrics, whose counters have no type to it', async () => {
    const { text } = await page(OPENMETRICS);
    const found = parse(text);
    for (const [name, family] of Object.entries(
      expected(groupsAreWithoutLabels),
    )) {
      const isCounter = family.type === 'COUNTER';
      assert.deepEqual(found[name]?.series, family.series, name);
      assert.equal(found[name].type, isCounter ? 'UNTYPED' : family.type);
    }
  });

  test('knows no quoted names, and takes them for a part of the first label', async () => {
    const { text } = await page(OPENMETRICS + UTF8);
    const series = Object.values(parse(text)).flatMap(family => family.series);
    const keys = series.flatMap(({ labels }) => Object.keys(labels));
    assert.ok(keys.includes('"odd.things_bytes_total","k.k"'), text);
  });
});

describe('a Pushgateway', { skip: without(PUSHGATEWAY) }, () => {
  /** Whoever pushes is a label of what they push. */
  const GROUP = { job: 'foreign', instance: '' };
  const groupsAreLabels = ofSeries(series => ({
    ...series,
    labels: { ...series.labels, ...GROUP },
  }));
  /** Go's client has a number for every sum: 0 where classic text has none. */
  const missingSumsAreZero = ofSeries((series, { type }) =>
    type === 'HISTOGRAM' ? { ...series, sum: series.sum ?? 0 } : series,
  );
  /** A protobuf message without a sum reads as 0, which would be one: it says that there is none. */
  const missingSumsAreNaN = ofSeries((series, { type }) =>
    type === 'HISTOGRAM' ? { ...series, sum: series.sum ?? NaN } : series,
  );
  /** Version 1.5 knows no native histograms, and has their counts and sums alone. */
  const nativeHistogramsHaveNoBuckets = ofSeries(series =>
    series.sum === 5.5 ? { ...series, buckets: {} } : series,
  );

  const FORMATS: Record<string, [string, ((family: Family) => Family)[]]> = {
    'classic text': [CLASSIC, [groupsAreLabels, missingSumsAreZero]],
    protobuf: [
      PROTOBUF,
      [groupsAreLabels, missingSumsAreNaN, nativeHistogramsHaveNoBuckets],
    ],
  };
  for (const [format, [accept, differences]] of Object.entries(FORMATS)) {
    test(`takes ${format}, and has what was recorded`, async t => {
      const gateway = await Pushgateway.serve(t);
      const { bytes, contentType } = await page(accept);
      const answer = await gateway.push(bytes, contentType);
      assert.deepEqual(answer, { status: 200, text: '' });
      const found = Object.fromEntries(
        Object.entries(await gateway.families())
          .filter(([name]) => !isOwn(name))
          .map(([name, { type, help = '', metrics }]) => [
            name,
            {
              type: type as Family['type'],
              help,
              series: metrics.map(({ labels, ...rest }) =>
                seriesOf(labels, rest),
              ),
            },
          ]),
      );
      assert.deepEqual(sorted(found), expected(...differences));
    });
  }

  test('refuses OpenMetrics, which it reads as classic text', async t => {
    const gateway = await Pushgateway.serve(t);
    const { bytes, contentType } = await page(OPENMETRICS);
    const answer = await gateway.push(bytes, contentType);
    assert.equal(answer.status, 400);
    assert.match(answer.text, /unknown metric type "info"/);
  });
});

describe(
  "VictoriaMetrics' import of pages",
  { skip: without(VICTORIA_METRICS) },
  () => {
    /** Its storage has no NaN, and nothing between zero and the smallest normal double. */
    const storable = (samples: Samples) =>
      Object.fromEntries(
        Object.entries(samples)
          .filter(([, value]) => !Number.isNaN(value))
          .map(([key, value]) => [key, value === -5e-324 ? 0 : value]),
      );

    const FORMATS: Record<string, [string, ((family: Family) => Family)[]]> = {
      'classic text': [CLASSIC, []],
      OpenMetrics: [OPENMETRICS, [withoutCountOfNegatives]],
    };
    for (const [format, [accept, differences]] of Object.entries(FORMATS)) {
      test(`reads what was recorded from ${format}`, async t => {
        const { text } = await page(accept);
        const server = await VictoriaMetrics.serve(t, text);
        const found: Samples = {};
        for (const { metric, values } of await server.exported()) {
          const { __name__: name, ...labels } = metric;
          if (!isOwn(name) && !name.endsWith('_created')) {
            found[sampleKey(name, labels)] = numberOf(String(values[0]));
          }
        }
        assert.deepEqual(found, storable(samplesOf(expected(...differences))));
      });
    }
  },
);
