// What bounds the size of series, beside their number: the length of a value, and the texts of all
// sets together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesControl } from '@nativestage/metrics/sdk';
import type { TestMetrics } from '@nativestage/metrics/testing';
import type { Attributes, Counter } from '@opentelemetry/api';
import fc from 'fast-check';
import { parseCollection } from '../../ts/export/otlpJson';
import { loadBinding } from '../../ts/addon/native';
import { NativeMeterProvider } from '../../ts/provider/NativeMeterProvider';
import {
  diagMessages,
  dropped,
  setText,
  testMetrics,
} from '../instruments/support';
import { collectGarbage } from '../support/collectGarbage';
import { runNode } from '../support/Program';
import { fetchText, provide } from './support';

const MIB = 2 ** 20;
const OVERFLOW = { 'otel.metric.overflow': true };

type OurCounter = Counter &
  SeriesControl<Attributes, { add(value: number): void }>;

function counterOf({ provider }: Pick<TestMetrics, 'provider'>): OurCounter {
  return provider.getMeter('m').createCounter('it') as OurCounter;
}

/** Bytes that JavaScript's values take, and everything beside V8's heap: what is garbage is in neither. */
function memoryInUse(): number {
  collectGarbage();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return rss - heapTotal + heapUsed;
}

async function series(metrics: TestMetrics, name = 'it') {
  const points = (await metrics.collect()).metric(name)?.points ?? [];
  return Object.fromEntries(
    points.map(({ attributes, value, sum }) => [
      setText(attributes),
      value ?? sum,
    ]),
  );
}

function expected(...sets: [Attributes, number][]) {
  return Object.fromEntries(sets.map(([set, value]) => [setText(set), value]));
}

test('two thousand sets with long values make a page that can be scraped, and count in full', async t => {
  const said = diagMessages(t);
  const { provider, url } = provide(t);
  const meter = provider.getMeter('m');
  const histogram = meter.createHistogram('requests');
  const counter = meter.createCounter('requests.counted');
  const long = (index: number) => `${index} ${'x'.repeat(8192)}`;
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 2000; index++) {
      histogram.record(1, { url: long(index) });
      counter.add(1, { url: long(index) });
    }
  }
  const page = await fetchText(url, 'text/plain');
  // Of a histogram: 2000 sets, 18 lines each, 2048 characters in each line. It was 283 MiB.
  assert.ok(page.length < 85 * MIB, `${page.length / MIB} MiB`);
  const counts = page.match(/^requests_count\{.*\} 2$/gm) ?? [];
  assert.equal(counts.length, 2000);
  assert.equal(page.match(/^requests_counted_total\{.*\} 2$/gm)?.length, 2000);
  assert.ok(page.includes(`url="${long(7).slice(0, 2048)}"`));
  const cut = page
    .split('\n')
    .filter(line => line.includes('reason="truncated_attribute"'));
  assert.ok(
    cut.some(line => /instrument="requests",.* 4000$/.test(line)),
    cut.join('\n'),
  );
  const about = said.filter(line => line.includes('"requests"'));
  assert.equal(about.length, 1);
  assert.match(
    about[0],
    /attribute "url" has more than 2048 characters.*attributeValueLengthLimit/,
  );
});

test('many attributes with long values, and long lists, are bounded together', async t => {
  diagMessages(t);
  const { provider, url } = provide(t);
  const meter = provider.getMeter('m');
  const keys = Array.from({ length: 100 }, (_, index) => `key${index}`);
  const counter = meter.createCounter('keys');
  const lists = meter.createCounter('lists');
  for (let index = 0; index < 2000; index++) {
    const long = `${index} ${'x'.repeat(1000)}`;
    counter.add(1, Object.fromEntries(keys.map(key => [key, long])));
    lists.add(1, { list: keys.map(() => long) });
  }
  const page = await fetchText(url, 'text/plain');
  assert.ok(page.length < 12 * MIB, `${page.length / MIB} MiB`);
  for (const name of ['keys', 'lists']) {
    const values = [
      ...page.matchAll(new RegExp(`^${name}_total\\{.*\\} (\\d+)$`, 'gm')),
    ];
    const sum = values.reduce((total, [, value]) => total + Number(value), 0);
    assert.equal(sum, 2000, name);
    assert.match(
      page,
      new RegExp(
        `^${name}_total\\{otel_metric_overflow="true",.*\\} \\d+$`,
        'm',
      ),
    );
  }
});

test('long values take no more memory than short ones', async t => {
  diagMessages(t);
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  const record = (round: number) => {
    for (let index = 0; index < 2000; index++) {
      const long = `${index} ${'y'.repeat(64 * 1024)} ${round}`;
      counter.add(1, { url: long, list: [long, long] });
    }
    // V8 keeps the pages of much garbage for a while.
    collectGarbage();
  };
  record(0);
  await metrics.collect();
  // The garbage of the tests before this is gone by now as well.
  record(1);
  const before = memoryInUse();
  for (let round = 2; round < 10; round++) {
    record(round);
  }
  const grown = (memoryInUse() - before) / MIB;
  // The texts that were passed have 1 GiB.
  assert.ok(grown < 100, `${grown} MiB`);
  const points = (await metrics.collect()).metric('it')!.points;
  const sum = points.reduce((total, { value }) => total + value!, 0);
  assert.equal(sum, 20_000);
});

test('what is longer than the limit loses its end in every place, and equal sets are one series', async t => {
  diagMessages(t);
  const metrics = testMetrics(t, { attributeValueLengthLimit: 4 });
  const counter = counterOf(metrics);
  counter.add(1, { a: 'abcdef' });
  counter.add(2, { a: 'abcdxyz' });
  counter.add(4, { a: 'abcd' });
  counter.bind({ a: 'abcde' }).add(8);
  counter.add(16, { b: ['abcde', 'x', 'abcdf'], c: 123456, d: true });
  counter.add(32, { d: true, c: 123456, b: ['abcdX', 'x', 'abcdY'] });
  counter.add(64, { a: 'abc' });
  assert.deepEqual(
    await series(metrics),
    expected(
      [{ a: 'abcd' }, 15],
      [{ b: ['abcd', 'x', 'abcd'], c: 123456, d: true }, 48],
      [{ a: 'abc' }, 64],
    ),
  );
  assert.equal(await dropped(metrics, 'it', 'truncated_attribute'), 5);
  counter.remove({ b: ['abcd!', 'x', 'abcd?'], c: 123456, d: true });
  counter.remove({ a: 'abc' });
  assert.deepEqual(await series(metrics), expected([{ a: 'abcd' }, 15]));
});

test('observations of sets that are equal once they are cut are one', async t => {
  diagMessages(t);
  const metrics = testMetrics(t, { attributeValueLengthLimit: 4 });
  metrics.provider
    .getMeter('m')
    .createObservableGauge('it')
    .addCallback(result => {
      result.observe(1, { a: 'abcdef' });
      result.observe(2, { a: 'abcdxyz' });
      result.observe(3, { a: 'ab' });
    });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(
      await series(metrics),
      expected([{ a: 'abcd' }, 2], [{ a: 'ab' }, 3]),
    );
  }
});

test('characters are counted as the specification does, and none is cut in two', async t => {
  diagMessages(t);
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.integer({ min: 1, max: 12 }),
      async (text, limit) => {
        const metrics = testMetrics(t, { attributeValueLengthLimit: limit });
        counterOf(metrics).add(1, { a: text });
        const [point] = (await metrics.collect()).metric('it')!.points;
        const characters = [...text.toWellFormed()];
        assert.equal(point.attributes.a, characters.slice(0, limit).join(''));
      },
    ),
    { numRuns: 50 },
  );
});

test('a set that is cut is found in a full trie, and new ones share the overflow series', async t => {
  diagMessages(t);
  const metrics = testMetrics(t, {
    attributeValueLengthLimit: 4,
    cardinalityLimit: 2,
  });
  const counter = counterOf(metrics);
  counter.add(1, { a: 'known!' });
  counter.add(2, { a: 'other', b: 1 });
  for (let time = 0; time < 3; time++) {
    counter.add(10, { a: `know${time}` });
    counter.add(20, { b: 1, a: `othe${time}` });
    counter.add(100, { a: `new ${time}` });
    counter.add(100, { a: 'n' });
  }
  assert.deepEqual(
    await series(metrics),
    expected([{ a: 'know' }, 31], [{ a: 'othe', b: 1 }, 62], [OVERFLOW, 600]),
  );
});

test('a key that is too long is left out, counted and reported', async t => {
  const said = diagMessages(t);
  const metrics = testMetrics(t);
  const counter = counterOf(metrics);
  const longest = 'k'.repeat(1024);
  counter.add(1, { a: 1, [`${longest}k`]: 2 });
  counter.add(10, { a: 1, [longest]: 2 });
  assert.deepEqual(
    await series(metrics),
    expected([{ a: 1 }, 1], [{ a: 1, [longest]: 2 }, 10]),
  );
  assert.equal(await dropped(metrics, 'it', 'invalid_attribute'), 1);
  const [line] = said.filter(each => each.includes('"it"'));
  assert.match(line, /whose key has 1025 characters.*1 to 1024/);
  assert.ok(line.length < 500);
});

test('values recorded before the configuration are cut as it says', async t => {
  diagMessages(t);
  const provider = new NativeMeterProvider(
    loadBinding()!.NativeProvider.isolated(),
  );
  t.after(() => provider.shutdown());
  const meter = provider.getMeter('m');
  const counter = counterOf({ provider });
  const bound = counter.bind({ a: 'abcdxx' });
  const gauge = meter.createGauge('gauge');
  counter.add(1, { a: 'abcdef' });
  counter.add(2, { a: 'abcdxyz' });
  bound.add(4);
  gauge.record(1, { a: 'abcdef' });
  const reader = provider.addReader();
  provider.configureWithoutExporters({ attributeValueLengthLimit: 4 });
  counter.add(8, { a: 'abcd' });
  bound.add(16);
  gauge.record(2, { a: 'abcdxx' });
  const found = parseCollection(await reader.collect());
  for (const [name, value] of [
    ['it', 31],
    ['gauge', 2],
  ] as const) {
    const points = found.find(metric => metric.name === name)!.points;
    assert.deepEqual(
      points.map(point => [point.attributes, point.value]),
      [[{ a: 'abcd' }, value]],
    );
  }
});

test('the environment sets the limit where the options do not', async t => {
  for (const [options, value] of [
    ['{}', 'abc'],
    ['{"attributeValueLengthLimit":5}', 'abcde'],
  ]) {
    const { stdout, stderr } = await runNode(t, 'config/value-length.cjs', {
      args: [options],
      env: { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3' },
    });
    assert.match(stdout, new RegExp(`a="${value}"`), stderr);
  }
});
