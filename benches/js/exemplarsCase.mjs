// Records of two providers within one sampled span: with exemplars, and without. Prints nanoseconds a
// record.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { alternate, median, ratio } from './measure.mjs';
import { compileLoop, POOL, workload } from './workload.mjs';

const { kind, first = 'off' } = JSON.parse(process.argv[2]);

new node.NodeTracerProvider().register();
// After that: of two copies of the API the older one may be older than what is registered, not newer.
const { createTestMetrics } = createRequire(import.meta.url)(
  '../../dist/testing.js',
);
const span = trace.getTracer('bench').startSpan('request');
assert.ok(span.isRecording());
const within = trace.setSpan(context.active(), span);

const { api } = await import('./sides.mjs');
// Every round ends with a collection, after which the first values of all series are looked at anew: a
// quarter of a million records are what a busy backend has in a minute.
const LAPS = 256;
const work = workload({ site: 'mono', kind, attributes: 2 });
const FILTERS = { off: 'always_off', on: 'trace_based' };
const order = first === 'off' ? ['off', 'on'] : ['on', 'off'];
const sides = order.map(name => {
  const exemplars = FILTERS[name];
  const metrics = createTestMetrics({ exemplars });
  const meter = metrics.provider.getMeter('bench');
  const instruments = work.shapes.map((_, shape) =>
    api.make(meter, kind, `bench_instrument_${shape}`),
  );
  const loop = compileLoop(work, api.call(kind));
  return {
    name,
    metrics,
    run() {
      context.with(within, () => loop(instruments, work, LAPS));
      return LAPS * POOL;
    },
    async check() {
      const points = (await metrics.collect()).metrics.flatMap(
        metric => metric.points,
      );
      const found = points.some(point => (point.exemplars ?? []).length > 0);
      assert.equal(found, name === 'on', `exemplars: ${name}`);
    },
  };
});
const times = await alternate(sides, { warmUp: 12, rounds: 11 });
for (const { metrics } of sides) {
  await metrics.shutdown();
}
console.log(
  JSON.stringify({
    off: median(times.off),
    on: median(times.on),
    ratio: ratio(times.on, times.off),
  }),
);
