import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import {
  certificate,
  withoutOpenssl,
} from '../../../../__test__/support/certificate';
import { eventually } from '../../../../__test__/support/eventually';
import { freePort } from '../../../../__test__/support/ports';
import { clientOf } from '../../../../__test__/support/prometheusClients';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';

const RANGE = { start: 0, end: 60, step: 60 };
const EMPTY = { status: 'success', data: { resultType: 'matrix', result: [] } };

describe('requests', () => {
  test('are made from scratch: one form, nothing that a query can add to', async t => {
    const server = await UpstreamServer.start(t, (_, response) =>
      json(response, EMPTY),
    );
    const client = clientOf(t, `${server.url}/prefix/api/v1/`);
    await client.queryRange('up&start=9&query=secret\r\nX-A: b', RANGE);
    const [{ method, url, parameters, headers }] = server.asked;
    assert.deepEqual([method, url], ['POST', '/prefix/api/v1/query_range']);
    assert.deepEqual(
      [...parameters],
      [
        ['query', 'up&start=9&query=secret\r\nX-A: b'],
        ['start', '0'],
        ['end', '60'],
        ['step', '60'],
        ['timeout', '15000ms'],
        ['limit', '501'],
      ],
    );
    assert.equal(headers['x-a'], undefined);
    assert.equal(headers['accept-encoding'], 'gzip');
  });

  test('carry credentials, tenant and parameters of the configuration', async t => {
    const server = await UpstreamServer.start(t, (_, response) =>
      json(response, EMPTY),
    );
    const auths = [
      { type: 'basic', username: 'a', password: 'b:c' },
      { type: 'bearer', token: 'secret' },
      { type: 'header', name: 'X-Api-Key', value: 'secret' },
    ];
    for (const auth of auths) {
      const parameters = {
        dedup: true,
        partialResponse: false,
        maxSourceResolution: '5m',
      };
      const client = clientOf(
        t,
        server.url,
        {},
        { auth, tenant: 'a|b', parameters },
      );
      await client.queryRange('up', RANGE);
    }
    assert.deepEqual(
      server.asked.map(
        ({ headers }) => headers.authorization ?? headers['x-api-key'],
      ),
      [`Basic ${btoa('a:b:c')}`, 'Bearer secret', 'secret'],
    );
    const [{ headers, parameters }] = server.asked;
    assert.equal(headers['x-scope-orgid'], 'a|b');
    assert.equal(parameters.get('dedup'), 'true');
    assert.equal(parameters.get('partial_response'), 'false');
    assert.equal(parameters.get('max_source_resolution'), '5m');
  });

  test('go to the rules’ own address where there is one', async t => {
    const [queries, rules] = [
      await UpstreamServer.start(t, (_, response) => json(response, EMPTY)),
      await UpstreamServer.start(t, (_, response) =>
        json(response, { data: { groups: [] } }),
      ),
    ];
    const client = clientOf(t, queries.url, {}, { rulesUrl: rules.url });
    await client.rules();
    await client.queryRange('up', RANGE);
    assert.deepEqual(
      [...queries.asked, ...rules.asked].map(({ url }) => url),
      ['/api/v1/query_range', '/api/v1/rules?type=alert'],
    );
  });
});

describe('redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`with ${status} are not followed`, async t => {
      const secret = await UpstreamServer.start(t, (_, response) =>
        json(response, EMPTY),
      );
      const server = await UpstreamServer.start(t, (_, response) => {
        response.writeHead(status, { location: secret.url }).end();
      });
      await assert.rejects(clientOf(t, server.url).queryRange('up', RANGE), {
        name: 'UpstreamRefusalError',
        message: new RegExp(
          `redirect \\(HTTP ${status}\\), which is not followed`,
        ),
      });
      assert.equal(secret.asked.length, 0);
    });
  }
});

/** How answers become errors; `says` is all that the user sees. */
const ANSWERS: [status: number, body: unknown, name: string, says: RegExp][] = [
  [
    400,
    { status: 'error', errorType: 'bad_data', error: '1:5: parse error: x' },
    'InputError',
    /refused the query: 1:5: parse error: x$/,
  ],
  [
    422,
    { status: 'error', errorType: 'execution', error: 'many-to-many' },
    'InputError',
    /could not execute the query: many-to-many$/,
  ],
  [
    503,
    { status: 'error', errorType: 'timeout', error: 'query timed out' },
    'UpstreamTimeoutError',
    /gave up on the query; a shorter range/,
  ],
  [
    503,
    { status: 'error', errorType: 'canceled', error: 'canceled' },
    'ServiceUnavailableError',
    /answered with HTTP 503$/,
  ],
  [
    500,
    { status: 'error', errorType: 'internal', error: 'boom' },
    'ServiceUnavailableError',
    /answered with HTTP 500$/,
  ],
  [
    429,
    { status: 'error', errorType: 'too_many_requests', error: 'slow down' },
    'ServiceUnavailableError',
    /asked too much \(HTTP 429\)$/,
  ],
  [
    401,
    'go away',
    'UpstreamRefusalError',
    /refused the backend's credentials \(HTTP 401\)$/,
  ],
  [
    403,
    { status: 'error', errorType: 'x', error: 'token abc' },
    'UpstreamRefusalError',
    /credentials \(HTTP 403\)$/,
  ],
  [
    404,
    '404 page not found',
    'UpstreamRefusalError',
    /has no \/api\/v1\/query_range \(HTTP 404\); its url has to be what stands before \/api\/v1$/,
  ],
  [
    502,
    '<html>nginx</html>',
    'ServiceUnavailableError',
    /answered with HTTP 502$/,
  ],
  [
    400,
    'unsupported path requested: "/api/v1/query_range"',
    'UpstreamRefusalError',
    /has no \/api\/v1\/query_range \(HTTP 400\);/,
  ],
  [
    200,
    '<html>login</html>',
    'UpstreamRefusalError',
    /not of the API of Prometheus$/,
  ],
  [
    200,
    { status: 'success' },
    'UpstreamRefusalError',
    /not of the API of Prometheus$/,
  ],
  [
    200,
    { data: { resultType: 'matrix', result: [{}] } },
    'UpstreamRefusalError',
    /not of the API of Prometheus$/,
  ],
  [
    200,
    { data: { resultType: 'matrix', result: [{ metric: {}, values: [[1]] }] } },
    'UpstreamRefusalError',
    /not of the API of Prometheus$/,
  ],
  // What would tell where servers are, and with what they were asked.
  [
    422,
    {
      status: 'error',
      errorType: 'execution',
      error:
        'Post "http://user:pw@10.0.0.1:9201/read": dial tcp 10.0.0.1:9201: connect: refused',
    },
    'InputError',
    /^Prometheus could not execute the query for a reason that is not in the query; the backend’s log says which$/,
  ],
  [
    500,
    {
      status: 'error',
      errorType: 'internal',
      error: 'lookup store.monitoring.svc:10901 on [fd00::1]:53: no such host',
    },
    'ServiceUnavailableError',
    /answered with HTTP 500$/,
  ],
  [
    422,
    {
      status: 'error',
      errorType: 'execution',
      error: `first ${'long '.repeat(1000)}last`,
    },
    'InputError',
    /: first (?:long ){50,100}… (?:long ){50,100}last$/,
  ],
];

describe('answers that are errors', () => {
  for (const [status, body, name, says] of ANSWERS) {
    test(`HTTP ${status} with ${JSON.stringify(body).slice(0, 60)}`, async t => {
      const server = await UpstreamServer.start(t, (_, response) => {
        response.writeHead(status);
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
      await assert.rejects(clientOf(t, server.url).queryRange('up', RANGE), {
        name,
        message: says,
      });
    });
  }

  test('tell neither address nor credentials, however they are printed', async t => {
    const port = await freePort();
    const client = clientOf(
      t,
      `http://localhost:${port}`,
      {},
      { auth: { type: 'bearer', token: 'hunter2' } },
    );
    await assert.rejects(client.queryRange('up', RANGE), (error: Error) => {
      assert.equal(
        error.message,
        'The Prometheus instance "test" cannot be reached (ECONNREFUSED)',
      );
      const printed = inspect(error, { depth: 10 }).replace(/ +at .*/g, '');
      for (const leak of [String(port), 'localhost', '127.0.0.1', 'hunter2']) {
        assert.ok(!printed.includes(leak), printed);
      }
      return true;
    });
    const shown =
      inspect(client.instance, { depth: 10 }) + JSON.stringify(client.instance);
    assert.ok(!shown.includes('hunter2') && !shown.includes(String(port)));
  });
});

describe('slow and endless answers', () => {
  test('end at the time-out, before and within the answer', async t => {
    const server = await UpstreamServer.start(
      t,
      async ({ parameters }, response) => {
        if (parameters.get('query') === 'trickle') {
          response.writeHead(200);
          while (!response.destroyed) {
            response.write(' ');
            await sleep(10);
          }
        }
      },
    );
    const client = clientOf(t, server.url, { timeout: 200 });
    for (const query of ['silent', 'trickle']) {
      await assert.rejects(client.queryRange(query, RANGE), {
        name: 'UpstreamTimeoutError',
        statusCode: 504,
        message: /did not answer within 0.2 s/,
      });
    }
    await eventually(() => assert.equal(server.abandoned, 2));
  });

  test('end when they are too large, plain and compressed', async t => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    const server = await UpstreamServer.start(
      t,
      async ({ parameters }, response) => {
        if (parameters.get('query') === 'bomb') {
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
          return;
        }
        response.writeHead(200);
        while (!response.destroyed) {
          response.write(' '.repeat(65_536));
          await sleep(1);
        }
      },
    );
    const client = clientOf(t, server.url, { maxBytes: 1_000_000 });
    for (const query of ['endless', 'bomb']) {
      await assert.rejects(client.queryRange(query, RANGE), {
        name: 'InputError',
        message: /is larger than 1000000 bytes/,
      });
    }
    await eventually(() => assert.ok(server.abandoned >= 1));
  });

  test('end upstream when the caller leaves', async t => {
    const server = await UpstreamServer.start(t, () => {});
    const tab = new AbortController();
    const asked = clientOf(t, server.url).queryRange('up', RANGE, tab);
    await eventually(() => assert.equal(server.asked.length, 1));
    tab.abort(new Error('tab closed'));
    await assert.rejects(asked, /tab closed/);
    await eventually(() => assert.equal(server.abandoned, 1));
  });

  test('that break off are errors', async t => {
    const server = await UpstreamServer.start(t, (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"data"');
      setTimeout(() => response.destroy(), 20);
    });
    await assert.rejects(
      clientOf(t, server.url).queryRange('up', RANGE),
      /cannot be reached \(UND_ERR_SOCKET\)/,
    );
  });
});

test('gzip is understood', async t => {
  const server = await UpstreamServer.start(t, (_, response) => {
    const result = [{ metric: { a: 'b' }, values: [[60, '2.5']] }];
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(
      gzipSync(JSON.stringify({ data: { resultType: 'matrix', result } })),
    );
  });
  const { series } = await clientOf(t, server.url).queryRange('up', RANGE);
  assert.deepEqual(series, [{ labels: { a: 'b' }, values: [null, 2.5] }]);
});

test('a partial answer of VictoriaMetrics, without infos, is one with a warning', async t => {
  const server = await UpstreamServer.start(t, (_, response) =>
    json(response, {
      status: 'success',
      isPartial: true,
      data: EMPTY.data,
      stats: { seriesFetched: '1', executionTimeMsec: 2 },
    }),
  );
  const { warnings, infos } = await clientOf(t, server.url).queryRange(
    'up',
    RANGE,
  );
  assert.deepEqual([warnings.length, infos], [1, []]);
  assert.match(warnings[0], /partial/);
});

describe('TLS', { skip: withoutOpenssl() }, () => {
  test('is believed only with an authority that vouches', async t => {
    const own = certificate(t);
    const server = await UpstreamServer.start(
      t,
      (_, response) => json(response, EMPTY),
      own,
    );
    await clientOf(t, server.url, {}, { tls: { caFile: own.file } }).queryRange(
      'up',
      RANGE,
    );
    await clientOf(
      t,
      server.url,
      {},
      { tls: { rejectUnauthorized: false } },
    ).queryRange('up', RANGE);
    await assert.rejects(
      clientOf(t, server.url).queryRange('up', RANGE),
      /"test" cannot be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    );
  });

  test('shows a certificate of its own', async t => {
    const own = certificate(t);
    const server = await UpstreamServer.start(
      t,
      (_, response) => json(response, EMPTY),
      {
        ...own,
        ca: own.cert,
        requestCert: true,
        rejectUnauthorized: true,
      },
    );
    const tls = { caFile: own.file, certFile: own.file, keyFile: own.keyFile };
    await clientOf(t, server.url, {}, { tls }).queryRange('up', RANGE);
    await assert.rejects(
      clientOf(t, server.url, {}, { tls: { caFile: own.file } }).queryRange(
        'up',
        RANGE,
      ),
      /cannot be reached/,
    );
  });

  test('reads certificates again for a new connection', async t => {
    const [old, own] = [certificate(t), certificate(t)];
    const server = await UpstreamServer.start(
      t,
      (_, response) => {
        response.setHeader('connection', 'close');
        json(response, EMPTY);
      },
      own,
    );
    const caFile = old.file;
    const client = clientOf(t, server.url, {}, { tls: { caFile } });
    await assert.rejects(
      client.queryRange('up', RANGE),
      /"test" cannot be reached/,
    );
    copyFileSync(own.file, caFile);
    await client.queryRange('up', RANGE);
    rmSync(caFile);
    await assert.rejects(
      client.queryRange('up', RANGE),
      /"test" cannot be reached \(ENOENT\)$/,
    );
  });
});
