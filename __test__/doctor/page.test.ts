import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type MetricsOptions,
} from '@nativestage/metrics/sdk';
import { type AppOptions, openApp } from '../../ts/doctor/App';
import { diagnose } from '../../ts/doctor/diagnose';
import { pageSettings } from '../../ts/doctor/PageSettings';
import { backend, ready } from '../support/backend';
import { freePort } from '../support/ports';
import { AppFixture } from './AppFixture';

test('names on a running page that no rule and no convention accounts for are a note', async t => {
  const { url } = servePage(t, {}, [
    ['shop', 'orders.placed'],
    ['shop', 'backstage.plugin.orders.orders.placed'],
    ['shop', 'catalog_entities_count'],
    ['shop', 'http.server.active_requests'],
    ['@opentelemetry/instrumentation-acme', 'acme.calls'],
  ]);
  const [note, ...others] = await examine(t, { url });
  assert.deepEqual(others, []);
  assert.deepEqual([note.check, note.severity], ['page', 'note']);
  assert.match(note.message, /outside of the rules: orders_placed_total\.$/);
  assert.match(note.fix, /metricsServiceRef/);
});

test('what Backstage emits itself is no note, under old names and new ones', async t => {
  const port = await freePort();
  const started = await backend(
    t,
    { exporters: { prometheus: { port } } },
    ['upstream', 'orders'],
    {},
  );
  await ready(started);
  const url = `http://127.0.0.1:${port}/metrics`;
  const text = await (await fetch(url)).text();
  assert.match(text, /^events_google_pubsub_consumer_messages_total/m);
  assert.deepEqual(await examine(t, { url }), []);
});

test('a file of declarative configuration says where the page is, and no variable does', async t => {
  const app = await AppFixture.create(t);
  app.config({ exporters: {} });
  const page = (settings: string) =>
    `  readers:\n    - pull:\n        exporter:\n          prometheus/development: ${settings}\n`;
  const environment = {
    OTEL_CONFIG_FILE: 'otel.yaml',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_EXPORTER_PROMETHEUS_PORT: '1',
    PAGE_PORT: '0',
  };
  for (const [provider, host, port] of [
    [page("{ host: '0.0.0.0', port: 0 }"), '0.0.0.0', 0],
    [page('{ port: "${PAGE_PORT}" }'), '127.0.0.1', 0],
    [page('null'), '127.0.0.1', 9464],
  ] as const) {
    app.write('otel.yaml', `file_format: '1.0'\nmeter_provider:\n${provider}`);
    const found = await openApp({ directory: app.directory, environment });
    assert.deepEqual([found.page?.host, found.page?.port], [host, port]);
  }
  for (const without of ["file_format: '1.0'\n", 'a list\n']) {
    app.write('otel.yaml', without);
    const found = await openApp({ directory: app.directory, environment });
    assert.equal(found.page, undefined);
  }
});

test('the doctor reads OTEL_METRICS_EXPORTER as the addon does', async t => {
  const name = 'OTEL_METRICS_EXPORTER';
  process.env.OTEL_EXPORTER_PROMETHEUS_PORT = '0';
  t.after(() => {
    delete process.env[name];
    delete process.env.OTEL_EXPORTER_PROMETHEUS_PORT;
  });
  const values = [
    'otlp, prometheus',
    'OTLP,PROMETHEUS',
    'prometheus',
    'none,prometheus',
    'otlp',
    'console',
    'logging',
    'None',
    'none, none',
    'jaeger',
    'jaeger,zipkin',
    'jaeger,otlp',
    ',',
    ' ',
    '',
  ];
  for (const value of values) {
    process.env[name] = value;
    for (const given of [undefined, false, 'false', true, 'true']) {
      const exporters = {
        prometheus: given,
        otlp: false,
        console: false,
      } as MetricsOptions['exporters'];
      const page = pageSettings({ exporters }, { [name]: value });
      const provider = createMeterProvider({ exporters });
      assert.equal(
        provider.prometheusAddress !== undefined,
        page !== undefined,
        `${JSON.stringify(value)}, ${given}`,
      );
      await provider.shutdown();
    }
  }
});

test('of many such names the note has the first, and how many more there are', async t => {
  const { url } = servePage(
    t,
    {},
    Array.from({ length: 25 }, (_, index) => ['shop', `count.n${index}`]),
  );
  const [note] = await examine(t, { url });
  assert.match(note.message, /count_n\d+_total and 15 more\.$/);
});

test('the page at the configured address is found, and its port is no port in use', async t => {
  const { port } = servePage(t, {}, [['shop', 'orders.placed']]);
  const findings = await examine(t, {}, app => app.config({}, { port }));
  assert.deepEqual(
    findings.map(({ check, severity }) => [check, severity]),
    [['page', 'note']],
  );
});

test("a page behind a token is read with the configuration's token or METRICS_TOKEN", async t => {
  const { port } = servePage(t, { token: 't0ken' }, []);
  const ways: [JsonToken: string | undefined, environment: object][] = [
    ['t0ken', {}],
    ['t0ken\n', { METRICS_TOKEN: ' ' }],
    [undefined, { METRICS_TOKEN: 't0ken' }],
    [undefined, { METRICS_TOKEN: 't0ken\n' }],
  ];
  for (const [token, environment] of ways) {
    const findings = await examine(
      t,
      { environment: { ...environment } },
      app => app.config({}, token ? { port, token } : { port }),
    );
    assert.deepEqual(findings, []);
  }
  const [note, ...others] = await examine(t, {}, app =>
    app.config({}, { port }),
  );
  assert.deepEqual(others, []);
  assert.match(note.message, /asks for another token/);
  assert.match(note.fix, /METRICS_TOKEN/);
});

test('a token that no header can hold is not repeated', async t => {
  const { port } = servePage(t, { token: 't0ken' }, []);
  const environment = { METRICS_TOKEN: 's3cret\n' };
  const findings = await examine(t, { environment }, app =>
    app.config({}, { port }),
  );
  assert.match(findings[0].message, /asks for another token/);
  assert.doesNotMatch(JSON.stringify(findings), /s3cret/);
});

test('the token goes to nobody who does not ask for one', async t => {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.end('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const findings = await examine(t, {}, app =>
    app.config({}, { port, token: 't0ken' }),
  );
  assert.deepEqual(
    findings.map(({ check }) => check),
    ['port'],
  );
  assert.ok(requests.length > 0);
  assert.ok(requests.every(({ headers }) => !headers.authorization));
});

test('a page that was asked for and is not there, or not ours, is a problem', async t => {
  const server = createServer((_, response) => response.end('up 1\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const [foreign] = await examine(t, {
    url: `http://127.0.0.1:${port}/metrics`,
  });
  assert.match(
    foreign.message,
    /is no page of @nativestage\/metrics \(HTTP 200\)/,
  );
  const app = await AppFixture.create(t);
  const [absent] = await examine(t, { url: `http://127.0.0.1:${app.port}/` });
  assert.match(absent.message, /cannot be reached \(ECONNREFUSED\)/);
  for (const { check, severity, fix } of [foreign, absent]) {
    assert.deepEqual([check, severity], ['page', 'problem']);
    assert.match(fix, /--url/);
  }
});

/** A real page with one counter for each of these scopes and names. */
function servePage(
  t: TestContext,
  settings: { token?: string },
  counters: string[][],
) {
  const options: MetricsOptions = {
    exporters: { prometheus: { ...settings, port: 0 } },
  };
  const provider = createMeterProvider(options);
  t.after(() => provider.shutdown());
  for (const [scope, name] of counters) {
    provider.getMeter(scope).createCounter(name).add(1);
  }
  const address = provider.prometheusAddress!;
  const port = Number(address.split(':')[1]);
  return { url: `http://${address}/metrics`, port };
}

async function examine(
  t: TestContext,
  where: Partial<AppOptions>,
  change: (app: AppFixture) => void = () => {},
) {
  const app = await AppFixture.create(t);
  change(app);
  return diagnose(
    await openApp({ directory: app.directory, environment: {}, ...where }),
  );
}
