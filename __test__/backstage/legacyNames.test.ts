import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { JsonObject } from '@backstage/types';
import {
  PrometheusExporter,
  PrometheusSerializer,
} from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Meter } from '@opentelemetry/api';
import type { NativeRename, NativeRootMetricsService } from '../../binding';
import { backend, ready } from '../support/backend';
import { metricsOf, OtlpReceiver, pointsOf } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { samples } from '../support/samples';

const require = createRequire(path.resolve('__test__/backstage/x'));
const binding = require('../../binding.js') as {
  NativeRootMetricsService: typeof NativeRootMetricsService;
};
const upstream = require('../fixtures/backstage/upstream-metrics.cjs') as {
  plugins: Record<string, [kind: string, name: string][]>;
  defaultMeter: [kind: string, name: string][];
  record: (meter: Meter, definitions: [kind: string, name: string][]) => void;
};

/** The plugins of the fixture that have scheduled tasks. */
const SCHEDULING = ['catalog', 'scaffolder'];

const RENAMES = binding.NativeRootMetricsService.renames('backstage').flatMap(
  (rename: NativeRename) =>
    rename.plugin === '{id}'
      ? SCHEDULING.map(id => ({
          ...rename,
          new: rename.new.replace('{id}', id),
          successor: rename.new,
        }))
      : [{ ...rename, successor: rename.new }],
);

test('what Backstage emits today is on the page letter for letter, and under its new names', async t => {
  const receiver = await OtlpReceiver.start(t);
  const { page, stop, stdout } = await scrape(t, {
    exporters: { otlp: { endpoint: receiver.url, protocol: 'http/json' } },
  });
  const now = samples(page);
  const before = samples(await todaysPage());
  assert.ok(before.size > 100);
  for (const [series, value] of before) {
    assert.equal(now.get(series), value, series);
  }

  const emitted = [
    ...Object.values(upstream.plugins).flat(),
    ...upstream.defaultMeter,
  ].map(([, name]) => name);
  assert.deepEqual(
    [...new Set(emitted)].sort(),
    [...new Set(RENAMES.map(({ old }) => old))].sort(),
  );
  const names = new Set([...now.keys()].map(series => series.split('{')[0]));
  for (const rename of RENAMES) {
    const name = pageName(rename);
    const suffix = rename.kind === 'histogram' ? '_count' : '';
    assert.ok(names.has(name + suffix), name);
    assert.match(
      page,
      new RegExp(`^# HELP ${name} ${escaped(rename.description)}`, 'm'),
    );
    assert.match(
      page,
      new RegExp(
        `^# HELP ${oldPageName(rename)} Deprecated, use ${escaped(rename.successor)}\\. What `,
        'm',
      ),
    );
    for (const bound of rename.boundaries) {
      assert.match(page, new RegExp(`^${name}_bucket\\{.*le="${bound}`, 'm'));
    }
  }
  assert.doesNotMatch(stdout(), /invalid metric name/);

  await stop();
  const metrics = receiver.received.flatMap(({ body }) =>
    metricsOf(JSON.parse(body.toString()) as Parameters<typeof metricsOf>[0]),
  );
  for (const rename of RENAMES) {
    const renamed = metrics.find(({ name }) => name === rename.new);
    assert.equal(renamed?.unit ?? '', rename.unit, rename.new);
    assert.equal(renamed?.description, rename.description);
    const old = metrics.find(({ name }) => name === rename.old);
    assert.ok(old, rename.old);
    if (rename.boundaries.length > 0) {
      assert.deepEqual(pointsOf(renamed)[0].explicitBounds, rename.boundaries);
      assert.equal(pointsOf(old)[0].explicitBounds?.length, 15);
    }
  }
});

test('the overlap ends when legacyNames is switched off', async t => {
  const { page } = await scrape(t, { naming: { legacyNames: false } });
  const names = new Set([...samples(page).keys()].map(s => s.split('{')[0]));
  for (const rename of RENAMES) {
    const suffix = rename.kind === 'histogram' ? '_count' : '';
    assert.ok(names.has(pageName(rename) + suffix), rename.new);
    assert.ok(!names.has(oldPageName(rename) + suffix), rename.old);
  }
});

test('names that are passed through are not renamed', async t => {
  const { page } = await scrape(t, { naming: { mode: 'passthrough' } });
  assert.doesNotMatch(page, /^backstage_|Deprecated/m);
  assert.match(page, /^catalog_processed_entities_count_total\{/m);
});

async function scrape(t: TestContext, metrics: JsonObject) {
  const port = await freePort();
  const { exporters, ...rest } = metrics;
  const started = await backend(
    t,
    {
      ...rest,
      // Real schedulers would register what the fixture does, with descriptions of their own.
      core: { scheduler: false },
      exporters: { ...(exporters as JsonObject), prometheus: { port } },
    },
    ['upstream'],
  );
  await ready(started);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return {
    page: await response.text(),
    stdout: () => started.program.stdout,
    stop: () => started.program.stop('SIGTERM'),
  };
}

/** The page of the JS SDK and its exporter. */
async function todaysPage(): Promise<string> {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [reader] });
  for (const [plugin, definitions] of Object.entries(upstream.plugins)) {
    upstream.record(
      provider.getMeter(`backstage-plugin-${plugin}`),
      definitions,
    );
  }
  upstream.record(provider.getMeter('default'), upstream.defaultMeter);
  const { resourceMetrics, errors } = await reader.collect();
  assert.deepEqual(errors, []);
  const serializer = new PrometheusSerializer('', false, undefined, true);
  return serializer.serialize(resourceMetrics);
}

type Rename = (typeof RENAMES)[number];

function pageName({ new: name, unit, kind }: Rename): string {
  const seconds = unit === 's' ? '_seconds' : '';
  const total = kind === 'counter' ? '_total' : '';
  return name.replaceAll(/\W/g, '_') + seconds + total;
}

function oldPageName({ old, kind }: Rename): string {
  const name = old.replaceAll(/\W/g, '_');
  return kind === 'counter' && !name.endsWith('_total')
    ? `${name}_total`
    : name;
}

function escaped(text: string): string {
  return text.replaceAll(/[.\\+*?[\](){}^$|]/g, '\\$&');
}
