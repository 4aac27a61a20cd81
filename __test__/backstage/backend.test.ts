import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backend, ready } from '../support/backend';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';

describe(
  'a Backstage backend with the package added',
  { concurrency: 2 },
  () => {
    test('exports plugins of both kinds, and flushes when it is told to stop', async t => {
      const receiver = await OtlpReceiver.start(t);
      const metricsPort = await freePort();
      const started = await backend(
        t,
        {
          exporters: {
            prometheus: { port: metricsPort, onBackend: true, token: 's3cret' },
            otlp: { endpoint: receiver.url, protocol: 'http/json' },
          },
          plugin: { legacy: { meter: { name: 'legacy-meter' } } },
        },
        ['orders', 'legacy', 'app'],
      );
      await ready(started);
      const { program, url } = started;

      const headers = { authorization: 'Bearer s3cret' };
      for (const address of [`http://127.0.0.1:${metricsPort}`, url]) {
        const response = await fetch(`${address}/metrics`, { headers });
        assert.equal(response.status, 200, address);
        const page = await response.text();
        assert.match(
          page,
          /^backstage_plugin_orders_orders_placed_total\{.*by="web".*\} 2$/m,
        );
        assert.match(page, /^backstage_plugin_orders_queue_depth\{.*\} 7$/m);
        assert.match(
          page,
          /^backstage_plugin_legacy_requests_count_total\{.*otel_scope_name="legacy-meter".*\} 3$/m,
        );
        assert.match(page, /^backstage_core_database_pool_size\{.*\} 5$/m);
        const refused = await fetch(`${address}/metrics`);
        assert.equal(refused.status, 401, address);
        const head = await fetch(`${address}/metrics`, {
          method: 'HEAD',
          headers,
        });
        assert.equal(head.status, 200);
      }

      // Names that were mended are told once, by the backend's own logger.
      const lines = program.stdout
        .split('\n')
        .filter(line => line.includes('legacy_requests_count'));
      assert.equal(lines.length, 1, program.stdout);
      assert.match(lines[0], /backstage\.plugin\.legacy\.requests\.count/);
      assert.match(lines[0], /warn/);
      assert.match(program.stdout, /"\.\.\."|\\"\.\.\.\\"/);
      assert.doesNotMatch(program.stdout + program.stderr, /s3cret/);

      assert.equal(receiver.received.length, 0, 'the interval is a minute');
      await program.stop('SIGTERM');
      assert.equal(
        receiver.value('backstage.plugin.orders.orders.placed', { by: 'web' }),
        2,
      );
      assert.equal(receiver.value('backstage.plugin.legacy.requests.count'), 3);
      assert.equal(receiver.resource['service.name'], 'backstage');
      assert.equal(receiver.resource['service.version'], '1.55.3');
    });

    test('leaves an explicit factory of the app in place, for plugins of both kinds', async t => {
      const metricsPort = await freePort();
      const started = await backend(
        t,
        { exporters: { prometheus: { port: metricsPort } } },
        ['own-factory', 'orders'],
      );
      await ready(started);
      const page = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      assert.match(
        await page.text(),
        /^backstage_plugin_own-orders_orders_placed_total|^backstage_plugin_own_orders_orders_placed_total/m,
      );
    });

    test('leaves an explicit root factory of the app in place', async t => {
      const metricsPort = await freePort();
      const started = await backend(
        t,
        { exporters: { prometheus: { port: await freePort() } } },
        ['own-root-factory', 'orders'],
        {
          OWN_EXPORTERS: JSON.stringify({ prometheus: { port: metricsPort } }),
        },
      );
      await ready(started);
      const page = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      assert.match(
        await page.text(),
        /^mine_plugin_orders_orders_placed_total/m,
      );
    });

    test('does not start with a wrong setting, and names its path', async t => {
      const { program, url } = await backend(
        t,
        { exporters: { prometheus: { prot: 9464 } } },
        ['orders'],
      );
      // Backstage reports what its start threw and leaves the process to whoever watches readiness.
      await program.line(
        /backend\.metrics\.exporters\.prometheus\.prot: unknown field `prot`, expected one of `host`, `port`/,
      );
      const health = await fetch(`${url}/.backstage/health/v1/readiness`);
      assert.equal(health.status, 503);
    });

    test('starts although its scrape port is in use, and says so', async t => {
      const receiver = await OtlpReceiver.start(t);
      const started = await backend(
        t,
        { exporters: { prometheus: { port: receiver.port } } },
        ['orders'],
      );
      await ready(started);
      await started.program.line(
        new RegExp(
          `127\\.0\\.0\\.1:${receiver.port}: the port is in use; set backend\\.metrics\\.exporters\\.prometheus\\.port.*not exposed`,
        ),
      );
    });

    test('does not serve the page on its own port unless told to', async t => {
      const started = await backend(
        t,
        // As a variable in app-config gives it.
        { exporters: { prometheus: { port: 0, onBackend: 'false' } } },
        [],
      );
      await ready(started);
      assert.equal((await fetch(`${started.url}/metrics`)).status, 404);
    });
  },
);
