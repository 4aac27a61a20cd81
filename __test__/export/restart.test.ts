import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsCounter, MetricsHistogram } from '@nativestage/metrics';
import { createMeterProvider } from '@nativestage/metrics/sdk';
import { decodeOtlp } from '../support/decodeOtlp';
import {
  attributesOf,
  metricsOf,
  OtlpReceiver,
  pointsOf,
} from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { PYTHON, without } from '../support/tools';

const KINDS = ['counter', 'explicit', 'exponential'];

/** Two series of each kind, of which one is removed and comes back between the exports. */
for (const [protocol, format] of [
  ['http/protobuf', 'protobuf'],
  ['http/json', 'json'],
] as const) {
  test(
    `a series that was removed starts anew over ${protocol}, and on the page`,
    { skip: without(PYTHON) },
    async t => {
      const receiver = await OtlpReceiver.start(t);
      const port = await freePort();
      const provider = createMeterProvider({
        exporters: {
          prometheus: { port },
          otlp: { endpoint: receiver.url, protocol, compression: 'none' },
        },
        views: [
          {
            selector: { instrument_name: 'exponential' },
            stream: {
              aggregation: { base2_exponential_bucket_histogram: {} },
            },
          },
        ],
      });
      t.after(() => provider.shutdown().catch(() => {}));
      const meter = provider.getMeter('m');
      const counter = meter.createCounter('counter') as MetricsCounter;
      const explicit = meter.createHistogram('explicit') as MetricsHistogram;
      const exponential = meter.createHistogram(
        'exponential',
      ) as MetricsHistogram;
      const record = (series: string) => {
        counter.add(1, { series });
        explicit.record(1, { series });
        exponential.record(1, { series });
      };
      const page = async () => {
        const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
          headers: { accept: 'application/openmetrics-text;version=1.0.0' },
        });
        const lines = (await response.text()).matchAll(
          /^(\w+)_created\{[^}]*series="(\w+)"[^}]*\} ([\d.]+)$/gm,
        );
        return new Map(
          [...lines].map(([, name, series, time]) => [
            `${name} ${series}`,
            Number(time),
          ]),
        );
      };

      record('stays');
      record('goes');
      await provider.forceFlush();
      const createdBefore = await page();
      await sleep(20);
      for (const instrument of [counter, explicit, exponential]) {
        instrument.remove({ series: 'goes' });
      }
      record('goes');
      await provider.forceFlush();
      const createdAfter = await page();
      await provider.shutdown();

      const [before, after] = await Promise.all(
        receiver.received.map(async ({ body }) => {
          const metrics = metricsOf(await decodeOtlp(format, body));
          return new Map(
            metrics.flatMap(metric =>
              pointsOf(metric).map(point => [
                `${metric.name} ${String(attributesOf(point.attributes).series)}`,
                BigInt(point.startTimeUnixNano ?? 0),
              ]),
            ),
          );
        }),
      );
      for (const kind of KINDS) {
        const [stays, goes] = [`${kind} stays`, `${kind} goes`];
        assert.equal(after.get(stays), before.get(stays));
        assert.ok(after.get(goes)! > before.get(goes)! + 20_000_000n);
        assert.equal(createdAfter.get(stays), createdBefore.get(stays));
        assert.ok(createdAfter.get(goes)! > createdBefore.get(goes)! + 0.02);
      }
    },
  );
}
