import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Collector } from '../support/Collector';
import { provide } from './support';

test("clients that give the page a millisecond take nothing off anybody's pages and exports", async t => {
  const collector = await Collector.start(t);
  const { provider, url } = provide(
    t,
    {},
    { exporters: { otlp: { endpoint: collector.url, protocol: 'http/json' } } },
  );
  let observed = 0;
  provider
    .getMeter('m')
    .createObservableGauge('slow')
    .addCallback(async result => {
      await sleep(400);
      result.observe(++observed);
    });
  const scrape = async (headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    const [, value] = /^slow\{.*\} (\d+)$/m.exec(await response.text()) ?? [];
    return Number(value);
  };
  assert.equal(await scrape(), 1);

  const impatient = setInterval(() => {
    for (const seconds of ['0.001', '1e-300', 'NaN', '-1']) {
      // Until the test ends, and with it the page.
      scrape({ 'x-prometheus-scrape-timeout-seconds': seconds }).catch(
        () => {},
      );
    }
  }, 100);
  t.after(() => clearInterval(impatient));
  let last = 1;
  for (let round = 0; round < 5; round++) {
    const value = await scrape();
    assert.ok(value >= last, `${value} after ${last}`);
    last = value;
    await provider.forceFlush();
    assert.ok(collector.last('slow')! >= last, 'exported');
  }
  // What comes late is taken over.
  assert.ok(last > 1, String(last));
  clearInterval(impatient);
});
