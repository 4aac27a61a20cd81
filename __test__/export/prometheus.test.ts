import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  createMeterProvider,
  type PrometheusExporterOptions,
} from '@nativestage/metrics/sdk';
import type { MeterProvider } from '@opentelemetry/api';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';
import { Prometheus, SCRAPE_PROTOCOLS } from '../support/Prometheus';
import { pipe, prometheus, python, PYTHON, without } from '../support/tools';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';
const UTF8 = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8';

// Prometheus discovers its targets only after five seconds: the four wait together.
describe('a real Prometheus', { concurrency: true }, () => {
  test(
    'reads exactly what was recorded, as classic text, OpenMetrics and protobuf',
    { skip: without(prometheus(3).server) },
    async t => {
      const target = await startShop(t);
      const server = await Prometheus.start(
        t,
        3,
        Object.entries(SCRAPE_PROTOCOLS).map(([job, protocol]) => ({
          job_name: job,
          scrape_protocols: [protocol],
          static_configs: [{ targets: [target] }],
        })),
        ['native-histograms'],
      );
      await server.scraped(3);
      for (const job of Object.keys(SCRAPE_PROTOCOLS)) {
        await assertShop(server, job);
      }
      for (const job of ['text', 'openmetrics']) {
        assert.equal(
          await server.value(`shop_parcel_size_count{job="${job}"}`),
          5,
        );
        assert.equal(
          await server.value(
            `shop_parcel_size_bucket{job="${job}", le="+Inf"}`,
          ),
          5,
        );
      }
      const native = 'shop_parcel_size{job="protobuf"}';
      assert.equal(await server.value(`histogram_count(${native})`), 5);
      assert.equal(await server.value(`histogram_sum(${native})`), 4.15);
      // At scale 20 a bucket is narrower than a millionth of its bound.
      const median = await server.value(`histogram_quantile(0.5, ${native})`);
      assert.ok(Math.abs(median - 0.2) < 0.01, String(median));
    },
  );

  test(
    'of version 2 reads the same through what it asks for by default',
    { skip: without(prometheus(2).server) },
    async t => {
      const target = await startShop(t);
      const server = await Prometheus.start(t, 2, [
        { job_name: 'shop', static_configs: [{ targets: [target] }] },
      ]);
      await server.scraped(1);
      await assertShop(server, 'shop');
    },
  );

  test(
    'of version 2 reads native histograms from protobuf when told to',
    { skip: without(prometheus(2).server) },
    async t => {
      const target = await startShop(t);
      const server = await Prometheus.start(
        t,
        2,
        [{ job_name: 'shop', static_configs: [{ targets: [target] }] }],
        ['native-histograms'],
      );
      await server.scraped(1);
      await assertShop(server, 'shop');
      assert.equal(
        await server.value('histogram_count(shop_parcel_size{job="shop"})'),
        5,
      );
    },
  );

  test(
    'keeps dots in names when the page is not to escape them',
    { skip: without(prometheus(3).server) },
    async t => {
      const page = await servePage(
        t,
        record => {
          record.getMeter('m').createCounter('a.b', { unit: 's' }).add(5, {
            'http.route': '/x',
          });
        },
        { translationStrategy: 'NoTranslation' },
      );
      const server = await Prometheus.start(t, 3, [
        {
          job_name: 'utf8',
          static_configs: [{ targets: [new URL(page).host] }],
        },
      ]);
      await server.scraped(1);
      assert.equal(await server.value('{"a.b", "http.route"="/x"}'), 5);
    },
  );
});

/** Pages that other exporters get wrong, and what a parser must find on them. */
const pages: {
  title: string;
  record: (provider: MeterProvider) => void;
  samples: Record<string, number>;
}[] = [
  {
    title: 'nothing recorded',
    record: () => {},
    samples: {},
  },
  {
    title: 'scopes that share a metric name',
    record: provider => {
      for (const id of ['catalog', 'scaffolder', 'search']) {
        provider
          .getMeter(`backstage-plugin-${id}`)
          .createCounter('requests.count', { description: `Of ${id}` })
          .add(id.length);
      }
    },
    samples: {
      'requests_count_total{backstage-plugin-catalog}': 7,
      'requests_count_total{backstage-plugin-scaffolder}': 10,
      'requests_count_total{backstage-plugin-search}': 6,
    },
  },
  {
    title: 'names that collide only once they are escaped',
    record: provider => {
      const meter = provider.getMeter('m');
      meter.createUpDownCounter('a.b').add(1);
      meter.createUpDownCounter('a-b').add(2);
      meter.createUpDownCounter('a/b').add(4);
      meter.createHistogram('a_b').record(1);
    },
    samples: { 'sum:a_b': 7 },
  },
  {
    title: 'labels that start with a digit or collide',
    record: provider => {
      provider.getMeter('m').createCounter('hits').add(3, {
        '1st': 'x',
        'a.b': 'y',
        'a-b': 'z',
        le: '5',
        otel_scope_name: 'mine',
        __name__: 'evil',
        '': 'left out',
        ü: 'umlaut',
      });
    },
    samples: { hits_total: 3 },
  },
  {
    title: 'quotes, newlines, backslashes and NUL in values and help',
    record: provider => {
      provider
        .getMeter('m"\n\\')
        .createCounter('odd', { description: 'a "b"\n\\c \0 d' })
        .add(2, { v: 'a"b\n\\c\0d', emoji: '🍕', lone: '\ud800' });
    },
    samples: { odd_total: 2 },
  },
  {
    title: 'every kind of instrument',
    record: provider => {
      const meter = provider.getMeter('m', '1', {
        schemaUrl: 'https://example.com/schema',
      });
      meter.createCounter('kinds.counter', { unit: 'By' }).add(1e21);
      meter.createGauge('kinds.gauge', { unit: '1' }).record(-1e-9);
      meter.createUpDownCounter('kinds.updown', { unit: '%' }).add(7);
      meter.createHistogram('kinds.histogram', { unit: 'ms' }).record(12);
      meter
        .createObservableCounter('kinds.observed', { unit: 's' })
        .addCallback(result => result.observe(9));
    },
    samples: {
      kinds_counter_bytes_total: 1e21,
      kinds_gauge_ratio: -1e-9,
      kinds_updown_percent: 7,
      kinds_histogram_milliseconds_count: 1,
      kinds_observed_seconds_total: 9,
    },
  },
];

describe('the Prometheus page', () => {
  for (const { title, record, samples } of pages) {
    for (const [format, accept] of [
      ['classic', 'text/plain;version=0.0.4'],
      ['openmetrics', OPENMETRICS],
      ['openmetrics', UTF8],
    ] as const) {
      test(
        `with ${title} satisfies Python's ${format} parser (${accept})`,
        { skip: without(PYTHON) },
        async t => {
          const url = await servePage(t, record);
          const text = await (await fetch(url, { headers: { accept } })).text();
          const families = await parsePage(format, text);
          const found = families.flatMap(family => family.samples);
          for (const [wanted, value] of Object.entries(samples)) {
            if (accept === UTF8) {
              continue; // Names keep their dots there; the grammar is what counts.
            }
            assert.equal(valueOf(found, wanted), value, `${wanted}\n${text}`);
          }
          assert.equal(
            new Set(families.map(family => family.name)).size,
            families.length,
            'a family is announced twice',
          );
          assert.ok(families.some(family => family.name.startsWith('target')));
        },
      );
    }

    test(
      `with ${title} has no syntax error for promtool`,
      { skip: without(prometheus(3).promtool) },
      async t => {
        const url = await servePage(t, record);
        const result = await checkMetrics(await (await fetch(url)).text(), 3);
        assert.ok(
          result.code === 0 || result.code === LINT_ONLY,
          JSON.stringify(result),
        );
      },
    );
  }

  test(
    "of a program that follows the conventions passes promtool's lint as well",
    { skip: without(prometheus(3).promtool, prometheus(2).promtool) },
    async t => {
      const url = await servePage(t, provider => {
        const meter = provider.getMeter('backstage-plugin-catalog');
        meter
          .createCounter('backstage.plugin.catalog.entities.processed', {
            description: 'Entities processed',
          })
          .add(1, { result: 'ok' });
        meter
          .createHistogram('backstage.plugin.catalog.processing.duration', {
            unit: 's',
            description: 'How long processing took',
          })
          .record(0.1);
        meter
          .createGauge('backstage.plugin.catalog.queue.depth', {
            description: 'Entities that wait',
          })
          .record(1);
      });
      const text = await (await fetch(url)).text();
      for (const major of [2, 3] as const) {
        assert.deepEqual(
          await checkMetrics(text, major),
          { code: 0, stdout: '', stderr: '' },
          text,
        );
      }
    },
  );

  test(
    'carries labels and help through escaping unharmed',
    { skip: without(PYTHON) },
    async t => {
      const odd = 'a"b\n\\c\\n"';
      const url = await servePage(t, provider => {
        provider
          .getMeter('m')
          .createCounter('odd', { description: odd })
          .add(2, { v: odd });
      });
      for (const [format, accept] of [
        ['classic', 'text/plain'],
        ['openmetrics', OPENMETRICS],
      ] as const) {
        const text = await (await fetch(url, { headers: { accept } })).text();
        const families = await parsePage(format, text);
        const family = families.find(({ name }) => name === 'odd');
        assert.equal(family?.samples[0].labels.v, odd, text);
        if (format === 'openmetrics') {
          assert.equal(family?.help, odd);
        }
      }
    },
  );

  test('is classic text for a browser and OpenMetrics for who asks', async t => {
    const url = await servePage(t, recordOne);
    const browser = await fetch(url);
    assert.match(
      browser.headers.get('content-type') ?? '',
      /^text\/plain; ?version=0\.0\.4/,
    );
    assert.doesNotMatch(await browser.text(), /# EOF/);
    const scraper = await fetch(url, { headers: { accept: OPENMETRICS } });
    assert.match(
      scraper.headers.get('content-type') ?? '',
      /^application\/openmetrics-text; ?version=1\.0\.0/,
    );
    assert.match(await scraper.text(), /# EOF\n$/);
  });

  test('follows the weights of the Accept header', async t => {
    const url = await servePage(t, recordOne);
    const accept = `${OPENMETRICS};q=0.3,text/plain;version=0.0.4;q=0.8`;
    const response = await fetch(url, { headers: { accept } });
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    await response.text();
  });

  test('is compressed for who takes gzip, and is the same page', async t => {
    const url = await servePage(t, recordOne);
    const plain = await ask(url, {});
    const zipped = await ask(url, { 'accept-encoding': 'gzip' });
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(
      withoutDurations(gunzipSync(zipped.body)),
      withoutDurations(plain.body),
    );
    const refused = await ask(url, { 'accept-encoding': 'gzip;q=0' });
    assert.equal(refused.headers['content-encoding'], undefined);
  });

  test('answers HEAD with the headers of GET and no body', async t => {
    const url = await servePage(t, recordOne);
    const head = await ask(url, {}, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.equal(
      head.headers['content-type'],
      (await ask(url, {})).headers['content-type'],
    );
  });

  test('is on one path only and takes no other method', async t => {
    const url = await servePage(t, recordOne, { path: '/deep/metrics' });
    assert.equal((await fetch(url)).status, 200);
    assert.equal((await fetch(`${url}?collect[]=x`)).status, 200);
    const elsewhere = await fetch(new URL('/metrics', url));
    assert.equal(elsewhere.status, 404);
    assert.match(await elsewhere.text(), /\/deep\/metrics/);
    const posted = await fetch(url, { method: 'POST' });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get('allow'), 'GET, HEAD');
  });

  test('asks for the bearer token where one is set', async t => {
    const url = await servePage(t, recordOne, { token: 's3cret' });
    const status = async (authorization?: string) =>
      (await ask(url, authorization ? { authorization } : {})).status;
    assert.equal(await status('Bearer s3cret'), 200);
    assert.equal(await status('bearer s3cret'), 200);
    assert.equal(await status(), 401);
    assert.equal(await status('Bearer s3cre'), 401);
    assert.equal(await status('Bearer s3crets'), 401);
    assert.equal(await status('Basic s3cret'), 401);
    const refused = await ask(url, {});
    assert.equal(refused.headers['www-authenticate'], 'Bearer');
    assert.doesNotMatch(refused.body.toString(), /s3cret/);
  });

  test('takes a token of digits, which YAML reads as a number', async t => {
    const url = await servePage(t, recordOne, {
      token: 531237 as unknown as string,
    });
    const authorization = 'Bearer 531237';
    assert.equal((await ask(url, { authorization })).status, 200);
    assert.equal((await ask(url, {})).status, 401);
  });

  test('goes on serving while scrapes overlap', async t => {
    const url = await servePage(t, recordOne);
    const texts = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(url)).text()),
    );
    assert.equal(new Set(texts.map(withoutDurations)).size, 1);
  });

  test('answers while the event loop is blocked', async t => {
    const program = Program.node(t, 'export/blocked.cjs');
    const [, url] = await program.line(/page at (\S+)/);
    await program.line(/blocking/);
    const text = await (await fetch(url)).text();
    assert.match(text, /^before_total\{.*\} 1$/m);
    assert.doesNotMatch(program.stdout, /unblocked/);
  });
});

async function startShop(t: TestContext): Promise<string> {
  const program = Program.node(t, 'export/shop.cjs');
  const [, target] = await program.line(/page at http:\/\/(\S+)\/metrics/);
  return target;
}

async function assertShop(server: Prometheus, job: string): Promise<void> {
  const value = (name: string, labels = '') =>
    server.value(`${name}{job="${job}"${labels}}`);
  assert.equal(await value('shop_orders_placed_total', ', channel="web"'), 7);
  assert.equal(
    await value('shop_orders_placed_total', ', channel="phone"'),
    39,
  );
  assert.equal(await value('shop_oven_temperature_celsius'), 231.5);
  assert.equal(await value('shop_queue_depth'), -2.25);
  assert.equal(await value('shop_dough_stock_bytes', ', kind="rye"'), 1536);
  assert.equal(await value('shop_request_duration_seconds_count'), 5);
  assert.equal(await value('shop_request_duration_seconds_sum'), 4.15);
  const buckets = await server.query(
    `shop_request_duration_seconds_bucket{job="${job}"}`,
  );
  assert.deepEqual(
    Object.fromEntries(
      buckets.map(({ metric, value: [, count] }) => [
        metric.le === '+Inf' ? metric.le : Number(metric.le),
        Number(count),
      ]),
    ),
    { 0.1: 1, 0.5: 3, 1: 4, '+Inf': 5 },
  );
  assert.equal(
    await server.value(
      `histogram_quantile(0.5, shop_request_duration_seconds_bucket{job="${job}"})`,
    ),
    // 1.5 of the two values between 0.1 and 0.5.
    0.1 + 0.4 * 0.75,
  );
}

/** Serves what was recorded from a provider of this process; gives the page's URL. */
async function servePage(
  t: TestContext,
  record: (provider: MeterProvider) => void,
  options: PrometheusExporterOptions = {},
): Promise<string> {
  const port = await freePort();
  const provider = createMeterProvider({
    exporters: { prometheus: { port, ...options } },
  });
  t.after(() => provider.shutdown());
  record(provider);
  return `http://127.0.0.1:${port}${options.path ?? '/metrics'}`;
}

function recordOne(provider: MeterProvider): void {
  provider.getMeter('m').createCounter('hits').add(1, { path: '/' });
}

/** A page but for how long earlier collections took, which differs from page to page. */
function withoutDurations(page: string | Buffer): string {
  return page.toString().replace(/^.*collection_duration_seconds.*\n/gm, '');
}

/** promtool's exit code when a page is valid and only its names are against the conventions. */
const LINT_ONLY = 3;

function checkMetrics(page: string, major: 2 | 3) {
  return pipe(prometheus(major).promtool, ['check', 'metrics'], page);
}

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: string;
}

interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

async function parsePage(format: string, text: string): Promise<Family[]> {
  return (await python('parse_page.py', text, format)) as Family[];
}

/** `name`, `name{scope}`, or `sum:name` over all labels. */
function valueOf(samples: Sample[], wanted: string): number {
  const [, all, name, scope] = /^(sum:)?([^{]+)(?:\{(.*)\})?$/.exec(wanted)!;
  const values = samples
    .filter(sample => sample.name === name)
    .filter(({ labels }) => !scope || labels.otel_scope_name === scope)
    .map(sample => Number(sample.value));
  return all ? values.reduce((a, b) => a + b, 0) : values[0];
}

/** Node's own client: `fetch` hides the encoding. */
function ask(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{
  status?: number;
  headers: Record<string, unknown>;
  body: Buffer;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
