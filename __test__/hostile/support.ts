import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  createMeterProvider,
  type MetricsOptions,
  type NativeMeterProvider,
  type PrometheusExporterOptions,
} from '@nativestage/metrics/sdk';
import type { Attributes, Meter } from '@opentelemetry/api';
import { pipe, prometheus, python } from '../support/tools';

/** A provider with a page, until the test ends. */
export function provide(
  t: TestContext,
  prometheus: PrometheusExporterOptions = {},
  options: MetricsOptions = {},
): { provider: NativeMeterProvider; url: string } {
  const provider = createMeterProvider({
    ...options,
    exporters: { ...options.exporters, prometheus: { port: 0, ...prometheus } },
  });
  t.after(() => provider.shutdown().catch(() => {}));
  const url = `http://${provider.prometheusAddress}/metrics`;
  return { provider, url };
}

/** The kinds of instruments. {@link recordAll} gives the kind as the description. */
export const KINDS = [
  'counter',
  'upDownCounter',
  'gauge',
  'histogram',
  'observableCounter',
  'observableUpDownCounter',
  'observableGauge',
] as const;

/** Records every set into an instrument of every kind: its place, from 1, as the value. */
export function recordAll(meter: Meter, makeSets: () => unknown[]): void {
  const named = (kind: (typeof KINDS)[number]) =>
    [`hostile.${kind}`, { description: kind }] as const;
  const counter = meter.createCounter(...named('counter'));
  const upDown = meter.createUpDownCounter(...named('upDownCounter'));
  const gauge = meter.createGauge(...named('gauge'));
  const histogram = meter.createHistogram(...named('histogram'));
  for (const [index, set] of (makeSets() as Attributes[]).entries()) {
    counter.add(index + 1, set);
    upDown.add(index + 1, set);
    gauge.record(index + 1, set);
    for (let time = 0; time <= index; time++) {
      histogram.record(0.5, set);
    }
  }
  for (const observable of [
    meter.createObservableCounter(...named('observableCounter')),
    meter.createObservableUpDownCounter(...named('observableUpDownCounter')),
    meter.createObservableGauge(...named('observableGauge')),
  ]) {
    observable.addCallback(result => {
      for (const [index, set] of (makeSets() as Attributes[]).entries()) {
        result.observe(index + 1, set);
      }
    });
  }
}

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: string;
}

export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

/** Every text a scraper may ask for. */
export const TEXTS = [
  ['classic', 'text/plain;version=0.0.4'],
  ['openmetrics', 'application/openmetrics-text;version=1.0.0'],
  ...['allow-utf-8', 'underscores', 'dots', 'values'].map(
    escaping =>
      [
        'openmetrics',
        `application/openmetrics-text;version=1.0.0;escaping=${escaping}`,
      ] as const,
  ),
] as const;

export async function fetchText(url: string, accept: string): Promise<string> {
  const response = await fetch(url, { headers: { accept } });
  assert.equal(response.status, 200);
  return response.text();
}

/** What Prometheus' Python parser finds on a page; promtool has to accept it as well. */
export async function parseStrictly(
  format: string,
  text: string,
): Promise<Family[]> {
  if (format === 'classic') {
    for (const major of [2, 3] as const) {
      const { promtool } = prometheus(major);
      const result = await pipe(promtool, ['check', 'metrics'], text);
      // 3: the page is valid and its names are against the conventions.
      assert.ok([0, 3].includes(result.code!), JSON.stringify(result));
    }
  }
  const families = (await python('parse_page.py', text, format)) as Family[];
  assert.equal(
    new Set(families.map(({ name }) => name)).size,
    families.length,
    'a family is announced twice',
  );
  return families;
}

/** The samples that hold the values of {@link recordAll}: a histogram's are its counts. */
export function samplesOf(
  families: Family[],
  kind: (typeof KINDS)[number],
): Sample[] {
  const family = families.find(({ help }) => help === kind);
  assert.ok(family, `${kind} among ${families.map(({ help }) => help).join()}`);
  return family.samples.filter(({ name }) =>
    kind === 'histogram' ? name.endsWith('_count') : !name.endsWith('_created'),
  );
}

/** Every line is one of ours: nothing that a value or a name said became a sample or a comment. */
export function assertNothingInjected(families: Family[]): void {
  for (const { name, samples } of families) {
    assert.doesNotMatch(name, /^injected/);
    for (const sample of samples) {
      assert.doesNotMatch(sample.name, /^injected/);
      assert.notEqual(Number(sample.value), 666);
      assert.equal('evil' in sample.labels, false);
    }
  }
}
