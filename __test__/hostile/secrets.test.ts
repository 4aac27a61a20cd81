import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigReader } from '@backstage/config';
import { DefaultRootMetricsService } from '@nativestage/metrics';
import {
  createMeterProvider,
  type MetricsOptions,
} from '@nativestage/metrics/sdk';
import { diagMessages } from '../instruments/support';
import { freePort } from '../support/ports';
import { runNode } from '../support/Program';
import { fetchText, provide, TEXTS } from './support';

const PASSWORD = 'p4ssw0rd-of-endpoint';
const HEADER = 't0ken-of-header';
const TOKEN = 't0ken-of-page';

/** The secrets, also as they are sent. */
const SECRETS = new RegExp(
  [
    PASSWORD,
    HEADER,
    TOKEN,
    Buffer.from(`user:${PASSWORD}`).toString('base64').slice(4, -4),
  ].join('|'),
);

function secretOptions(
  endpoint: string,
  otlp: Record<string, unknown> = {},
): MetricsOptions {
  return {
    exporters: {
      prometheus: { port: 0, token: TOKEN },
      otlp: {
        endpoint,
        headers: { 'x-api-key': HEADER, authorization: `Bearer ${HEADER}` },
        timeout: 400,
        ...otlp,
      },
    },
  };
}

/** A collector that refuses and repeats everything it was told, decoded as well. */
async function gossip(
  t: TestContext,
  status: number,
  headers: Record<string, string> = {},
): Promise<string> {
  const server: Server = createServer((request, response) => {
    const sent = JSON.stringify(request.headers);
    const [, basic = ''] = /Basic ([^"]+)/.exec(sent) ?? [];
    const decoded = Buffer.from(basic, 'base64').toString();
    const [, password = ''] = decoded.split(':');
    response.writeHead(status, headers);
    response.end(`bad: ${sent} ${decoded} password ${password}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** All that a program can print of a value, hidden properties and causes included. */
function everything(value: unknown): string {
  const options = { depth: Infinity, showHidden: true, getters: true };
  const error = value as Partial<Error>;
  return [
    inspect(value, options),
    String(value),
    String(error.message),
    String(error.stack),
    inspect(error.cause, options),
  ].join('\n');
}

describe('a secret of a failing export', () => {
  for (const [title, status, headers] of [
    ['refuses', 401, {}],
    ['refuses as plain text', 400, { 'content-type': 'text/plain' }],
    ['fails', 500, {}],
    ['asks for patience', 503, { 'retry-after': '1' }],
    ['sends elsewhere', 307, { location: 'http://127.0.0.1:1/x' }],
    ['answers nonsense', 200, { 'content-type': 'application/json' }],
  ] as const) {
    for (const protocol of ['http/protobuf', 'http/json', 'grpc'] as const) {
      test(`shows nowhere when a collector of ${protocol} ${title} and repeats it`, async t => {
        const host = await gossip(t, status, headers);
        const said = diagMessages(t);
        const warnings = processWarnings(t);
        const provider = createMeterProvider(
          secretOptions(`http://user:${PASSWORD}@${host}`, {
            protocol,
            // An authorization of its own would replace the password's.
            headers: { 'x-api-key': HEADER },
          }),
        );
        t.after(() => provider.shutdown().catch(() => {}));
        provider.getMeter('m').createCounter('c').add(1);
        const failure: unknown = await provider.forceFlush().then(
          () => 'flushed',
          (error: unknown) => error,
        );
        // Only nonsense that begins with 200 may pass for an answer.
        assert.ok(failure instanceof Error || status === 200);
        const page = await fetch(
          `http://${provider.prometheusAddress}/metrics`,
          { headers: { authorization: `Bearer ${TOKEN}` } },
        );
        assert.equal(page.status, 200);
        const output = [
          everything(failure),
          everything(provider),
          ...said,
          ...warnings.map(everything),
          await page.text(),
        ].join('\n');
        assert.doesNotMatch(output, SECRETS);
        assert.ok(
          status === 200 || output.includes(host),
          'the failure names the endpoint',
        );
      });
    }
  }

  for (const [title, endpoint] of [
    ['a name that does not resolve', `http://user:${PASSWORD}@nowhere.invalid`],
    ['a port where nobody listens', `http://user:${PASSWORD}@127.0.0.1:1`],
    ['no TLS', `https://user:${PASSWORD}@127.0.0.1:1`],
  ]) {
    test(`is in nothing that a program prints about ${title}`, async t => {
      const ending = await runNode(t, 'config/trouble.cjs', {
        args: [JSON.stringify(secretOptions(endpoint)), 'flush'],
      });
      assert.match(ending.stdout, /ERR_METRICS_EXPORT/);
      assert.doesNotMatch(ending.stdout + ending.stderr, SECRETS);
    });
  }

  test('is in nothing that a program prints when the environment holds it', async t => {
    const port = await freePort();
    const ending = await runNode(t, 'config/trouble.cjs', {
      args: ['{"exporters":{"prometheus":false}}', 'flush'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${PASSWORD}@127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${HEADER},authorization=Bearer%20${HEADER}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
        OTEL_LOG_LEVEL: 'debug',
      },
    });
    assert.match(ending.stdout, /ERR_METRICS_EXPORT/);
    assert.doesNotMatch(ending.stdout + ending.stderr, SECRETS);
  });

  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_HEADERS', HEADER],
    ['OTEL_EXPORTER_OTLP_HEADERS', `bad name=${HEADER}`],
    // As in HTTP, with the padding of Base64.
    ['OTEL_EXPORTER_OTLP_HEADERS', `authorization: Bearer ${HEADER}=`],
    ['OTEL_EXPORTER_OTLP_HEADERS', `x-key=${HEADER}%0a`],
    ['OTEL_EXPORTER_OTLP_METRICS_HEADERS', `;${HEADER};x=${HEADER}`],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', `user:${PASSWORD}@collector:4318`],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', `http://user:${PASSWORD}@[::1`],
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', `ftp://user:${PASSWORD}@x`],
  ]) {
    test(`is in no message about ${name}=${value}`, async t => {
      const ending = await runNode(t, 'config/trouble.cjs', {
        args: ['{"exporters":{"prometheus":false}}', 'flush'],
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
          OTEL_EXPORTER_OTLP_TIMEOUT: '300',
          [name]: value,
        },
      });
      assert.notEqual(ending.stdout + ending.stderr, '');
      assert.doesNotMatch(ending.stdout + ending.stderr, SECRETS);
    });
  }
});

describe('a secret of a wrong setting', () => {
  const wrong: [title: string, options: unknown][] = [
    ['another key is unknown', { ...secretOptions('http://x'), nonsense: 1 }],
    [
      'another key of the exporter is unknown',
      secretOptions(`http://user:${PASSWORD}@x`, { nonsense: 1 }),
    ],
    [
      'the duration is wrong',
      secretOptions(`http://user:${PASSWORD}@x`, { interval: 'soon' }),
    ],
    ['the endpoint is wrong', secretOptions(`http://user:${PASSWORD}@[::1`)],
    ['the port is wrong', secretOptions(`http://user:${PASSWORD}@x:99999`)],
    [
      'the TLS file is missing',
      secretOptions(`https://user:${PASSWORD}@x`, {
        tls: { caFile: '/nowhere' },
      }),
    ],
    [
      'the header has a newline',
      secretOptions('http://x', { headers: { a: `${HEADER}\n` } }),
    ],
    [
      'the header is a list',
      secretOptions('http://x', { headers: { a: [[HEADER]] } }),
    ],
    [
      'the token is a map',
      { exporters: { prometheus: { token: { secret: TOKEN } } } },
    ],
    [
      'the token is a list of lists',
      { exporters: { prometheus: { token: [[TOKEN]] } } },
    ],
  ];
  for (const [title, options] of wrong) {
    test(`is in no part of the error when ${title}`, t => {
      const said = diagMessages(t);
      for (const configure of [
        () => createMeterProvider(options as MetricsOptions),
        () =>
          DefaultRootMetricsService.fromConfig(
            new ConfigReader({ backend: { metrics: options as never } }),
          ),
      ]) {
        let thrown: unknown;
        try {
          configure();
        } catch (error) {
          thrown = error;
        }
        assert.ok(thrown instanceof Error);
        assert.doesNotMatch(everything(thrown), SECRETS);
      }
      assert.doesNotMatch(said.join('\n'), SECRETS);
    });
  }
});

test('a token that is asked for is on no page and in no refusal', async t => {
  const { provider, url } = provide(t, { token: TOKEN });
  provider.getMeter('m').createCounter('c').add(1);
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const [, accept] of TEXTS) {
    const page = await fetch(url, { headers: { ...headers, accept } });
    assert.equal(page.status, 200);
    assert.doesNotMatch(await page.text(), SECRETS);
  }
  const near = { authorization: `Bearer ${TOKEN}x` };
  for (const [target, status] of [
    [url, 401],
    [`${url}/x`, 404],
  ] as const) {
    const refused = await fetch(target, { headers: near });
    assert.equal(refused.status, status);
    const answer = [...refused.headers].join() + (await refused.text());
    assert.doesNotMatch(answer, SECRETS);
  }
  await assert.rejects(() => fetchText(url, 'text/plain'), /401/);
});

/** What the process warns of until the test ends. */
function processWarnings(t: TestContext): Error[] {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  t.after(() => process.off('warning', listener));
  return warnings;
}
