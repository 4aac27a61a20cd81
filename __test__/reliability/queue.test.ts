import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsCounter } from '@nativestage/metrics';
import { testMetrics } from '../instruments/support';

const MIB = 2 ** 20;

test('records and removals without a pause take little memory, and the last ones count', async t => {
  const metrics = testMetrics(t);
  const meter = metrics.provider.getMeter('m');
  const counter = meter.createCounter('c') as MetricsCounter;
  const round = (n: number) => {
    counter.add(1, { n });
    counter.remove({ n });
  };
  for (let n = 0; n < 1000; n++) {
    round(n);
  }
  const before = process.memoryUsage.rss();
  let most = before;
  for (let n = 0; n < 50_000; n++) {
    round(n);
    if (n % 500 === 0) {
      most = Math.max(most, process.memoryUsage.rss());
    }
  }
  counter.add(3, { n: -1 });
  const collection = await metrics.collect();
  assert.deepEqual(
    collection.metric('c')?.points.map(({ value }) => value),
    [3],
  );
  const grown = (most - before) / MIB;
  t.diagnostic(`${grown.toFixed(1)} MiB more`);
  assert.ok(grown < 80, `${grown} MiB more`);
});
