import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMeterProvider } from '@nativestage/metrics/sdk';
import { diagMessages } from '../instruments/support';
import { Collector } from '../support/Collector';
import { eventually } from '../support/eventually';

/** A page and an export, with the time that each gives callbacks. */
async function exporting(
  t: TestContext,
  { collectTimeout, timeout }: { collectTimeout: number; timeout: number },
) {
  diagMessages(t);
  const collector = await Collector.start(t);
  const provider = createMeterProvider({
    exporters: {
      prometheus: { port: 0, collectTimeout },
      otlp: {
        endpoint: collector.url,
        protocol: 'http/json',
        timeout,
        interval: 3_600_000,
      },
    },
  });
  t.after(() => void provider.shutdown().catch(() => {}));
  const url = `http://${provider.prometheusAddress}/metrics`;
  return {
    meter: provider.getMeter('m'),
    /** The value on the page. */
    scrape: async (name: string) => {
      const page = await (await fetch(url)).text();
      const line = new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(page);
      return line ? Number(line[1]) : undefined;
    },
    /** The value in the export. */
    flush: async (name: string) => {
      const before = collector.taken.length;
      await provider.forceFlush();
      return collector.taken.length > before ? collector.last(name) : undefined;
    },
  };
}

test('a scrape that gives callbacks less time takes nothing off an export that overlaps with it', async t => {
  const { meter, scrape, flush } = await exporting(t, {
    collectTimeout: 100,
    timeout: 5000,
  });
  let runs = 0;
  meter.createObservableGauge('slow').addCallback(async result => {
    const run = ++runs;
    await sleep(300);
    result.observe(run);
  });
  const [exported, scraped] = await Promise.all([
    flush('slow'),
    scrape('slow'),
  ]);
  assert.ok(exported === 1 || exported === 2, String(exported));
  assert.equal(scraped, undefined);
  assert.equal(runs, 2);
  // The late value is known by then.
  await eventually(async () => {
    const value = await scrape('slow');
    assert.ok(value && value !== exported, String(value));
  });
});

test('an export that gives callbacks less time takes nothing off a scrape that overlaps with it', async t => {
  const { meter, scrape, flush } = await exporting(t, {
    collectTimeout: 5000,
    timeout: 400,
  });
  let runs = 0;
  meter.createObservableGauge('slow').addCallback(async result => {
    const run = ++runs;
    await sleep(1000);
    result.observe(run);
  });
  const [exported, scraped] = await Promise.all([
    flush('slow'),
    scrape('slow'),
  ]);
  assert.equal(exported, undefined);
  assert.ok(scraped === 1 || scraped === 2, String(scraped));
  assert.equal(runs, 2);
  const known = await flush('slow');
  assert.ok(known && known !== scraped, String(known));
});

test('scrapes and exports that overlap each have an observation of their own', async t => {
  const { meter, scrape, flush } = await exporting(t, {
    collectTimeout: 5000,
    timeout: 5000,
  });
  let runs = 0;
  meter.createObservableCounter('runs').addCallback(async result => {
    const run = ++runs;
    await sleep(300);
    result.observe(run);
  });
  const begun = (run: number) =>
    eventually(() => assert.equal(runs, run), 5000);
  const values = [scrape('runs_total')];
  await begun(1);
  values.push(scrape('runs_total'));
  await begun(2);
  values.push(flush('runs'));
  assert.deepEqual(await Promise.all(values), [1, 2, 3]);
});

test('what observes less in one collection removes nothing from another', async t => {
  const { meter, scrape, flush } = await exporting(t, {
    collectTimeout: 5000,
    timeout: 5000,
  });
  let runs = 0;
  meter.createObservableGauge('it').addCallback(async result => {
    const run = ++runs;
    if (run === 1) {
      result.observe(7);
      await sleep(300);
    }
  });
  const exported = flush('it');
  await eventually(() => assert.equal(runs, 1));
  assert.equal(await scrape('it'), undefined);
  assert.equal(await exported, 7);
});

test('a callback that does not end is left alone by the reader whose time it took, and by no other', async t => {
  const { meter, scrape, flush } = await exporting(t, {
    collectTimeout: 100,
    timeout: 5000,
  });
  let runs = 0;
  let finish = () => {};
  meter.createObservableGauge('stuck').addCallback(async result => {
    const run = ++runs;
    if (run === 1) {
      await new Promise<void>(resolve => {
        finish = resolve;
      });
    }
    result.observe(run);
  });
  meter.createObservableGauge('other').addCallback(r => r.observe(runs));
  assert.equal(await scrape('stuck'), undefined);
  assert.equal(await scrape('other'), 1);
  assert.equal(runs, 1);
  assert.equal(await flush('stuck'), 2);
  // Another reader's observation is better than none.
  assert.equal(await scrape('stuck'), 2);
  assert.equal(runs, 2);
  finish();
  await new Promise(setImmediate);
  assert.equal(await scrape('stuck'), 3);
});
