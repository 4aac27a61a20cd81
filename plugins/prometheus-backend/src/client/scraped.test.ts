import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../../__test__/support/eventually';
import { Prometheus } from '../../../../__test__/support/Prometheus';
import { clientOf } from '../../../../__test__/support/prometheusClients';
import { prometheus, without } from '../../../../__test__/support/tools';

const PAGE = `# TYPE shop_wait_seconds histogram
# UNIT shop_wait_seconds seconds
# HELP shop_wait_seconds How long customers waited.
shop_wait_seconds_bucket{le="1.0"} 1 # {trace_id="a1b2"} 0.25
shop_wait_seconds_bucket{le="+Inf"} 2
shop_wait_seconds_sum 3.25
shop_wait_seconds_count 2
# EOF
`;

test(
  'a server that scrapes tells what a metric is, and which traces stand for it',
  { skip: without(prometheus(3).server) },
  async t => {
    const server = await Prometheus.serve(t, {
      jobs: [
        {
          job_name: 'shop',
          scrape_protocols: ['OpenMetricsText1.0.0'],
          static_configs: [{ targets: [await serve(t)] }],
        },
      ],
      features: ['exemplar-storage'],
    });
    const client = clientOf(t, server.url);

    const now = Date.now() / 1000;
    const [series] = await eventually(async () => {
      const found = await client.exemplars('shop_wait_seconds_bucket', {
        start: now - 60,
        end: now + 60,
      });
      assert.equal(found.length, 1);
      return found;
    });
    assert.equal(series.labels.le, '1.0');
    const [exemplar] = series.exemplars;
    assert.deepEqual(exemplar.labels, { trace_id: 'a1b2' });
    assert.equal(exemplar.value, 0.25);
    assert.ok(Math.abs(exemplar.timestamp - now) < 60);

    assert.deepEqual(await client.metadata('shop_wait_seconds'), [
      {
        type: 'histogram',
        help: 'How long customers waited.',
        unit: 'seconds',
      },
    ]);
    assert.deepEqual(await client.metadata('toString'), []);
  },
);

/** A target with exemplars; its address. */
async function serve(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader(
      'content-type',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    response.end(PAGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
