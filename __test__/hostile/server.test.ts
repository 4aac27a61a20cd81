import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { provide } from './support';

const HOST = 'host: x\r\n';
const CLOSE = 'connection: close\r\n';
const SCRAPE = `GET /metrics HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;

/** What is odd about a request, and the statuses that are right; without one it is cut off. */
const ODD: [odd: string, request: string, statuses: number[]][] = [
  ['two slashes', line('GET //metrics'), [404]],
  ['a parent directory', line('GET /metrics/..'), [404]],
  ['a way back to the page', line('GET /x/../metrics'), [404]],
  ['an encoded dot', line('GET /%2e/metrics'), [404]],
  ['an encoded letter', line('GET /%6detrics'), [404]],
  ['an encoded NUL', line('GET /metrics%00'), [404]],
  ['a slash at the end', line('GET /metrics/'), [404]],
  ['another case', line('GET /METRICS'), [404]],
  ['a file of the machine', line('GET /../../etc/passwd'), [404]],
  ['a raw NUL', line('GET /metrics\0'), [400]],
  ['a space in the path', line('GET /met rics'), [400]],
  ['a backslash', line('GET \\metrics'), [400]],
  ['no path', line('GET'), [400]],
  ['an asterisk', line('OPTIONS *'), [404]],
  ['an authority', line('CONNECT x:1'), [404]],
  ['an absolute form', line('GET http://x/metrics'), [200]],
  ['an absolute form of another host', line('GET http://y/metrics'), [200]],
  ['a query string', line('GET /metrics?a=%3Cscript%3E&b=%00'), [200]],
  ['a fragment', line('GET /metrics#x'), [200, 400]],
  ['a long path', line(`GET /${'x'.repeat(8000)}`), [404]],
  ['a path beyond the limit', line(`GET /${'x'.repeat(70_000)}`), [414, 431]],
  ['POST', line('POST /metrics', 'content-length: 0\r\n'), [405]],
  ['DELETE', line('DELETE /metrics'), [405]],
  ['TRACE', line('TRACE /metrics'), [405]],
  ['an invented method', line('BREW /metrics'), [405]],
  ['a method that is none', line('G@T\x01 /metrics'), [400]],
  ['a method in small letters', line('get /metrics'), [405]],
  ['HTTP/1.0', 'GET /metrics HTTP/1.0\r\n\r\n', [200]],
  ['HTTP/0.9', 'GET /metrics\r\n\r\n', [400]],
  ['HTTP/9.9', 'GET /metrics HTTP/9.9\r\n\r\n', [400]],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', []],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', [400]],
  ['no host', `GET /metrics HTTP/1.1\r\n${CLOSE}\r\n`, [200, 400]],
  ['a colon missing', line('GET /metrics', 'broken\r\n'), [400]],
  ['a space before the colon', line('GET /metrics', 'a : b\r\n'), [400]],
  ['a NUL in a header', line('GET /metrics', 'a: b\0c\r\n'), [400]],
  ['a folded header', line('GET /metrics', 'a: b\r\n c\r\n'), [400]],
  ['a header of no name', line('GET /metrics', ': b\r\n'), [400]],
  ['a thousand headers', line('GET /metrics', 'a: b\r\n'.repeat(1000)), [431]],
  [
    'a header beyond the limit',
    line('GET /metrics', `a: ${'b'.repeat(100_000)}\r\n`),
    [431],
  ],
  ['an expectation', line('GET /metrics', 'expect: 100-continue\r\n'), [200]],
  ['an unknown expectation', line('GET /metrics', 'expect: x\r\n'), [200, 417]],
  [
    'a body on GET',
    `${line('GET /metrics', 'content-length: 4\r\n')}body`,
    [200],
  ],
  [
    'a chunked body on GET',
    `${line('GET /metrics', 'transfer-encoding: chunked\r\n')}4\r\nbody\r\n0\r\n\r\n`,
    [200],
  ],
  [
    'a chunk of no size',
    `${line('GET /metrics', 'transfer-encoding: chunked\r\n')}zz\r\n`,
    [200, 400],
  ],
  [
    'an unknown transfer encoding',
    line('POST /metrics', 'transfer-encoding: x\r\n'),
    [400, 405],
  ],
  ['an odd length', line('POST /metrics', 'content-length: -1\r\n'), [400]],
  [
    'a length with a sign',
    line('POST /metrics', 'content-length: +1\r\n'),
    [400],
  ],
  [
    'a length beyond 64 bits',
    line('POST /metrics', `content-length: ${'9'.repeat(30)}\r\n`),
    [400],
  ],
  [
    'two lengths',
    line('POST /metrics', 'content-length: 1\r\ncontent-length: 2\r\n'),
    [400],
  ],
  [
    'a body that never comes',
    line('POST /metrics', 'content-length: 99999999\r\n'),
    [405],
  ],
  [
    'odd Accept headers',
    line('GET /metrics', `accept: ${',;q="'.repeat(1000)}\r\n`),
    [200],
  ],
  ['bytes in Accept', line('GET /metrics', 'accept: \xff\xfe\r\n'), [200]],
  [
    'an odd time-out',
    line('GET /metrics', 'x-prometheus-scrape-timeout-seconds: 1e999\r\n'),
    [200],
  ],
  ['an upgrade', line('GET /metrics', 'upgrade: h2c\r\n'), [200]],
];

/** Two requests to a server that reads the first by its length, or the other way round. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

const SMUGGLING: [shape: string, head: string, body: string][] = [
  [
    'CL.TE',
    `content-length: ${5 + SMUGGLED.length}\r\ntransfer-encoding: chunked\r\n`,
    `0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'TE.CL',
    'transfer-encoding: chunked\r\ncontent-length: 4\r\n',
    `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
  ],
  [
    'TE.TE',
    'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n',
    `0\r\n\r\n${SMUGGLED}`,
  ],
  ['CL on GET', `content-length: ${SMUGGLED.length}\r\n`, SMUGGLED],
];

describe('the scrape server', () => {
  for (const [odd, request, statuses] of ODD) {
    test(`answers a request with ${odd}, and lives on`, async t => {
      const { address } = start(t);
      const answer = await exchange(address, request);
      assert.ok(
        answer === ''
          ? statuses.length === 0
          : statuses.includes(statusOf(answer)),
        `${statuses.join(' or ')}, but ${answer.slice(0, 200)}`,
      );
      if (!/^HTTP\/1\.[01] 200/.test(answer)) {
        assert.doesNotMatch(answer, /hits_total/);
      }
      // What was asked is never repeated.
      assert.doesNotMatch(answer, /script|passwd/);
      await assertServes(address);
    });
  }

  for (const [shape, head, body] of SMUGGLING) {
    test(`takes no second request out of the body of the first (${shape})`, async t => {
      const { address } = start(t);
      const request = `POST /metrics HTTP/1.1\r\n${HOST}${head}\r\n${body}`;
      const answer = await exchange(address, request);
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)];
      assert.ok(statuses.length <= 1, answer);
      assert.doesNotMatch(answer, /^HTTP\/1\.1 404/m);
      await assertServes(address);
    });
  }

  test('answers pipelined requests in their order', async t => {
    const { address } = start(t);
    const requests = ['/metrics', '/x', '/metrics?x', '/y'].map(
      path => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`,
    );
    const answer = await exchange(address, requests.join('') + SCRAPE);
    const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)];
    assert.deepEqual(
      statuses.map(([, status]) => Number(status)),
      [200, 404, 200, 404, 200],
    );
  });

  test('reads no more of an endless header than its limit', async t => {
    const { address } = start(t);
    const socket = open(t, address);
    await once(socket, 'connect');
    // Also by a reset, which `once` would throw: what was not read is still on its way.
    const closed = new Promise(resolve => socket.on('close', resolve));
    socket.write('GET /metrics HTTP/1.1\r\nx: ');
    const flood = setInterval(() => socket.write('y'.repeat(16_384)), 1);
    t.after(() => clearInterval(flood));
    await closed;
    clearInterval(flood);
    assert.ok(socket.bytesWritten < 64 * 2 ** 20);
    await assertServes(address);
  });

  test('serves beside more slow clients than it takes connections', async t => {
    const { address } = start(t);
    const clients = Array.from({ length: 200 }, () => open(t, address));
    await Promise.all(clients.map(client => once(client, 'connect')));
    const drip = setInterval(() => {
      for (const client of clients) {
        client.write('G');
      }
    }, 100);
    t.after(() => clearInterval(drip));
    const begun = Date.now();
    await assertServes(address);
    // Well within a scrape's time-out of 10 s, of which 200 take three half seconds.
    assert.ok(Date.now() - begun < 8000, `${Date.now() - begun} ms`);
  });

  test('serves after a thousand connections at once, without holding up the event loop', async t => {
    const { address } = start(t);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const clients = Array.from({ length: 1000 }, () => open(t, address));
    await Promise.all(clients.map(client => once(client, 'connect')));
    clients.forEach((client, index) => {
      client.write(['', 'GET /met', SCRAPE, '\0\0\0\r\n\r\n'][index % 4]);
    });
    delay.enable();
    await sleep(500);
    delay.disable();
    // The test's own thousand sockets included: a server on this thread would be far beyond.
    assert.ok(delay.max / 1e6 < 1000, `${delay.max / 1e6} ms`);
    clients.forEach(client => client.destroy());
    await assertServes(address);
  });

  test('gives nothing away without the token, however it is asked for', async t => {
    const { address } = start(t, { token: 'l0ng-s3cret-t0ken' });
    for (const headers of [
      '',
      'authorization:\r\n',
      'authorization: Bearer\r\n',
      'authorization: Bearer \r\n',
      'authorization: Bearer l0ng-s3cret-t0ke\r\n',
      'authorization: Bearer l0ng-s3cret-t0kenn\r\n',
      'authorization: Bearer "l0ng-s3cret-t0ken"\r\n',
      'authorization: Bearer x\r\nauthorization: Bearer l0ng-s3cret-t0ken\r\n',
      'authorization: Bearer l0ng-s3cret-t0ken, Bearer x\r\n',
      'authorization: \xff\xfe\r\n',
      `authorization: Bearer ${'x'.repeat(10_000)}\r\n`,
    ]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const answer = await exchange(
          address,
          line(`${method} /metrics`, headers),
        );
        assert.equal(statusOf(answer), 401, headers);
        assert.doesNotMatch(answer, /hits|t0ke/);
      }
    }
    const right = 'authorization: Bearer l0ng-s3cret-t0ken\r\n';
    assert.match(
      await exchange(address, line('GET /metrics', right)),
      /hits_total/,
    );
  });
});

function line(start: string, headers = ''): string {
  return `${start} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n`;
}

interface Address {
  host: string;
  port: number;
}

function start(t: TestContext, options = {}): { address: Address } {
  const { provider, url } = provide(t, options);
  provider.getMeter('m').createCounter('hits').add(1);
  const { hostname, port } = new URL(url);
  return { address: { host: hostname, port: Number(port) } };
}

/** A connection until the test ends. A server that ends it is no error of the test. */
function open(t: TestContext, address: Address): Socket {
  const socket = connect(address).on('error', () => {});
  t.after(() => socket.destroy());
  return socket.resume();
}

/** Everything that comes back until the server closes or, after an answer, is silent for a second. */
function exchange(address: Address, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    let answer = '';
    const done = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () =>
      answer === '' ? socket.destroy(new Error('no answer')) : done(),
    );
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('end', done);
    // What a server that does not read all of a request ends it with.
    socket.on('error', error => (answer === '' ? reject(error) : done()));
    socket.write(Buffer.from(request, 'latin1'));
  });
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1]);
}

async function assertServes(address: Address): Promise<void> {
  const response = await fetch(
    `http://${address.host}:${address.port}/metrics`,
    { signal: AbortSignal.timeout(20_000) },
  );
  assert.match(await response.text(), /^hits_total\{.*\} 1$/m);
}
