// The page as OpenTelemetry's own suite of its JavaScript exporter expects it
// (experimental/packages/opentelemetry-exporter-prometheus/test), in our own words: what is on it, not
// in which order.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type MetricsOptions,
  type PrometheusExporterOptions,
} from '@nativestage/metrics/sdk';
import type { Attributes, Meter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import {
  AggregationType,
  MeterProvider,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import { freePort } from '../../support/ports';
import { samples } from '../../support/samples';

type Page = {
  /** By name, what `# TYPE` says. */
  types: Record<string, string>;
  /** By name and sorted labels. */
  values: Record<string, number>;
};

interface Case {
  title: string;
  record: (meter: Meter) => void;
  views?: [NonNullable<MetricsOptions['views']>, ViewOptions[]];
  expected: Page;
}

const KEY = { key1: 'attributeValue1' };
const SCOPE = 'otel_scope_name="test-prometheus",otel_scope_version="1"';
const LABELS = `{key1="attributeValue1",${SCOPE}}`;

const BOUNDS = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000,
];

/** One metric of one value. */
const one = (
  name: string,
  type: string,
  value: number,
  labels = LABELS,
): Page => ({ types: { [name]: type }, values: { [name + labels]: value } });

const cases: Case[] = [
  {
    title: 'a counter',
    record: meter =>
      meter
        .createCounter('counter_total', { description: 'a test description' })
        .add(10, KEY),
    expected: one('counter_total', 'counter', 10),
  },
  {
    title: 'a counter whose name lacks the suffix',
    record: meter => meter.createCounter('counter').add(10, KEY),
    expected: one('counter_total', 'counter', 10),
  },
  {
    title: 'an observable gauge',
    record: meter =>
      meter.createObservableGauge('gauge').addCallback(result => {
        result.observe(0.999, { pid: '123', core: '1' });
      }),
    expected: one('gauge', 'gauge', 0.999, `{core="1",${SCOPE},pid="123"}`),
  },
  {
    title: 'several sets of attributes',
    record(meter) {
      const counter = meter.createCounter('counter_total');
      counter.add(10, { key1: 'a' });
      counter.add(20, { key1: 'b' });
    },
    expected: {
      types: { counter_total: 'counter' },
      values: {
        [`counter_total{key1="a",${SCOPE}}`]: 10,
        [`counter_total{key1="b",${SCOPE}}`]: 20,
      },
    },
  },
  {
    title: 'nothing recorded',
    record: () => {},
    expected: { types: {}, values: {} },
  },
  {
    title: 'a name with characters that are escaped',
    record: meter => meter.createCounter('counter..bad-name').add(10, KEY),
    expected: one('counter_bad_name_total', 'counter', 10),
  },
  {
    title: 'an up-down counter',
    record: meter => meter.createUpDownCounter('counter').add(20, KEY),
    expected: one('counter', 'gauge', 20),
  },
  {
    title: 'an observable counter',
    record: meter =>
      meter.createObservableCounter('observed').addCallback(result => {
        result.observe(20, KEY);
      }),
    expected: one('observed_total', 'counter', 20),
  },
  {
    title: 'an observable up-down counter',
    record: meter =>
      meter.createObservableUpDownCounter('observed').addCallback(result => {
        result.observe(20, KEY);
      }),
    expected: one('observed', 'gauge', 20),
  },
  {
    title: 'a histogram',
    record: meter => meter.createHistogram('sizes').record(20, KEY),
    expected: {
      types: { sizes: 'histogram' },
      values: {
        [`sizes_count${LABELS}`]: 1,
        [`sizes_sum${LABELS}`]: 20,
        ...Object.fromEntries(
          [...BOUNDS, '+Inf'].map(le => [
            `sizes_bucket{key1="attributeValue1",le="${le}",${SCOPE}}`,
            le === '+Inf' || Number(le) >= 20 ? 1 : 0,
          ]),
        ),
      },
    },
  },
  {
    title: 'a histogram of what may go down, which has no sum',
    record(meter) {
      const counter = meter.createUpDownCounter('sizes');
      counter.add(5);
      counter.add(50);
      counter.add(120);
    },
    views: [
      [
        {
          selector: { instrument_name: 'sizes' },
          stream: {
            aggregation: {
              explicit_bucket_histogram: { boundaries: [1, 10, 100] },
            },
          },
        },
      ],
      [
        {
          instrumentName: 'sizes',
          aggregation: {
            type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
            options: { boundaries: [1, 10, 100] },
          },
        },
      ],
    ],
    expected: {
      types: { sizes: 'histogram' },
      values: {
        [`sizes_count{${SCOPE}}`]: 3,
        [`sizes_bucket{le="1",${SCOPE}}`]: 0,
        [`sizes_bucket{le="10",${SCOPE}}`]: 1,
        [`sizes_bucket{le="100",${SCOPE}}`]: 2,
        [`sizes_bucket{le="+Inf",${SCOPE}}`]: 3,
      },
    },
  },
  {
    title: 'a unit that is a word',
    record: meter =>
      meter.createCounter('test', { unit: 'seconds' }).add(1, KEY),
    expected: one('test_total', 'counter', 1),
  },
  {
    title: 'a set without attributes',
    record: meter => meter.createUpDownCounter('test').add(1),
    expected: one('test', 'gauge', 1, `{${SCOPE}}`),
  },
  {
    title: 'attribute values that are no text',
    record: meter =>
      meter.createUpDownCounter('test').add(1, {
        true: true,
        false: false,
        list: [1, undefined, null, 2],
        object: {},
        Infinity,
        NaN,
        null: null,
        undefined,
      } as unknown as Attributes),
    expected: one(
      'test',
      'gauge',
      1,
      `{Infinity="null",NaN="null",false="false",list="[1,null,null,2]",null="null",object="{}",${SCOPE},true="true",undefined=""}`,
    ),
  },
  {
    title: 'attribute values with characters that are escaped',
    record: meter =>
      meter.createUpDownCounter('test').add(1, {
        backslash: '\\',
        doubleQuote: '"',
        lineFeed: '\n',
        backslashN: '\\n',
        backslashDoubleQuote: '\\"',
        backslashLineFeed: '\\\n',
      }),
    expected: one(
      'test',
      'gauge',
      1,
      String.raw`{backslash="\\",backslashDoubleQuote="\\\"",backslashLineFeed="\\\n",backslashN="\\n",doubleQuote="\"",lineFeed="\n",${SCOPE}}`,
    ),
  },
  {
    title: 'an attribute key with characters that are escaped',
    record: meter =>
      meter.createUpDownCounter('test').add(1, { 'account-id': '123456' }),
    expected: one('test', 'gauge', 1, `{account_id="123456",${SCOPE}}`),
  },
];

const differences: Record<
  string,
  { reason: string; ours: Record<string, Page> }
> = {
  unitsAreSuffixes: {
    reason:
      'Units are suffixes of names by default (Prometheus and OpenMetrics Compatibility, "Metric Metadata"), which the JS exporter leaves out.',
    ours: {
      'a unit that is a word': one('test_seconds_total', 'counter', 1),
    },
  },
  oddAttributesAreReadAsTheApiDefinesThem: {
    reason:
      'What is no attribute value (Common specification, "Attribute") is left out, as it is over OTLP, and a zero in lists; numbers that JSON lacks keep their names; and an empty label is none in Prometheus.',
    ours: {
      'attribute values that are no text': one(
        'test',
        'gauge',
        1,
        `{Infinity="Infinity",NaN="NaN",false="false",list="[1,0,0,2]",${SCOPE},true="true"}`,
      ),
    },
  },
};

describe('the page', () => {
  for (const { title, record, views, expected } of cases) {
    test(`with ${title} is as the JS exporter's suite expects it`, async t => {
      assert.deepEqual(await theirs(t, record, views?.[1]), expected);
      const difference = Object.values(differences).find(
        ({ ours }) => title in ours,
      );
      const own = await ours(t, record, views?.[0]);
      if (difference) {
        assert.deepEqual(own, difference.ours[title]);
        assert.notDeepEqual(own, expected, 'the difference is gone');
      } else {
        assert.deepEqual(own, expected);
      }
    });
  }

  test('differs in nothing but what is listed with a reason', () => {
    const titles = cases.map(({ title }) => title);
    for (const { reason, ours } of Object.values(differences)) {
      assert.match(reason, /^[A-Z].{20,}\.$/s);
      for (const title of Object.keys(ours)) {
        assert.ok(titles.includes(title), title);
      }
    }
  });
});

async function theirs(
  t: TestContext,
  record: Case['record'],
  views: ViewOptions[] = [],
): Promise<Page> {
  const port = await freePort();
  const exporter = new PrometheusExporter({ port, preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter], views });
  t.after(() => provider.shutdown());
  await exporter.startServer();
  record(provider.getMeter('test-prometheus', '1'));
  return pageOf(`http://127.0.0.1:${port}/metrics`);
}

async function ours(
  t: TestContext,
  record: Case['record'],
  views: MetricsOptions['views'] = [],
  options: PrometheusExporterOptions = {},
): Promise<Page> {
  const port = await freePort();
  const provider = createMeterProvider({
    exporters: { prometheus: { port, ...options } },
    views,
  });
  t.after(() => provider.shutdown());
  record(provider.getMeter('test-prometheus', '1'));
  return pageOf(`http://127.0.0.1:${port}/metrics`);
}

/** All but the resource, and what is said about attributes that were left out. */
async function pageOf(url: string): Promise<Page> {
  const page = await (await fetch(url)).text();
  const types = [...page.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(
    ([, name, type]) => [name, type] as const,
  );
  return {
    types: Object.fromEntries(types.filter(([name]) => !isOwn(name))),
    values: Object.fromEntries(
      [...samples(page)]
        .filter(([key]) => !isOwn(key))
        .map(([key, value]) => [key.replace(/\{\}$/, ''), value]),
    ),
  };
}

function isOwn(name: string): boolean {
  return /^(target_info|nativestage_metrics_)/.test(name);
}
