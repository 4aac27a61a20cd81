// Every way in which a request can come, go on and end, counted by a client of its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestContext, test } from 'node:test';
import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import type { Attributes } from '@opentelemetry/api';
import { type Request, type Response, Router } from 'express';
import { eventually } from '../../support/eventually';
import { Openssl } from '../../support/Openssl';
import {
  type BackendOptions,
  type RunningBackend,
  startBackend,
  Tally,
  valuesOf,
} from './support';

const TOTAL = 'backstage.core.http.requests.total';
const DURATION = 'backstage.core.http.requests.duration';
const ACTIVE = 'backstage.core.http.requests.active';

/** Longer than the kernel takes in for a client that does not read. */
const LONG = Buffer.alloc(32 * 2 ** 20, 'x');

/** A plugin that answers in every way; its start takes as long as `starts`. */
function wires(starts = Promise.resolve()) {
  return createBackendPlugin({
    pluginId: 'wires',
    register(env) {
      env.registerInit({
        deps: {
          http: coreServices.httpRouter,
          root: coreServices.rootHttpRouter,
        },
        async init({ http: httpRouter, root }) {
          const router = Router();
          router.get('/items/:id', (_, response) => {
            response.json({});
          });
          router.get('/events', (_, response) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            const timer = setInterval(() => response.write('data: x\n\n'), 20);
            response.on('close', () => clearInterval(timer));
          });
          router.get(
            '/events/:count',
            later(async ({ params }, response) => {
              response.writeHead(200, { 'content-type': 'text/event-stream' });
              for (let left = Number(params.count); left > 0; left--) {
                response.write('data: x\n\n');
                await sleep(10);
              }
              response.end();
            }),
          );
          router.get(
            '/poll',
            later(async (_, response) => {
              await sleep(300);
              response.status(204).end();
            }),
          );
          router.get('/long', (_, response) => {
            response.end(LONG);
          });
          router.get('/broken-off', (_, response) => {
            response.write('x');
            setTimeout(() => response.destroy(), 20);
          });
          router.post(
            '/uploads',
            later(async (request, response) => {
              const body = await buffer(request).catch(() => undefined);
              response.status(201).json({ length: body?.length });
            }),
          );
          httpRouter.use(router);
          root.use('/hooks', () => {
            throw new Error('before any route');
          });
          await starts;
        },
      });
    },
  });
}

/** A handler that goes on after it has returned. */
function later(
  answer: (request: Request, response: Response) => Promise<void>,
) {
  return (request: Request, response: Response): void => {
    void answer(request, response);
  };
}

async function startWires(
  t: TestContext,
  options: Partial<BackendOptions> = {},
) {
  const backend = await startBackend(t, { features: [wires()], ...options });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const tally = new Tally();
  const expect = (
    route: string | undefined,
    status: string,
    attributes: Attributes = {},
  ) =>
    tally.add({
      'http.request.method': 'GET',
      'http.route': route,
      'http.response.status_class': status,
      plugin: 'wires',
      ...attributes,
    });
  return { ...backend, agent, expect, agrees: () => agrees(backend, tally) };
}

/** What clients saw is what was counted, timed and is no longer active. */
async function agrees(backend: RunningBackend, tally: Tally): Promise<void> {
  await eventually(async () => {
    const collection = await backend.metrics.collect();
    const active = Object.values(valuesOf(collection, ACTIVE));
    assert.ok(active.every(count => count === 0));
    tally.equals(valuesOf(collection, TOTAL));
    tally.equals(valuesOf(collection, DURATION));
  });
}

async function ask(
  url: string,
  options: http.RequestOptions = {},
  body?: string,
): Promise<http.IncomingMessage> {
  const request = http.request(url, options).end(body);
  const [response] = (await once(
    request,
    'response',
  )) as http.IncomingMessage[];
  return response;
}

/** Sends bytes as they are, and resolves with the answer's when the server ends it. */
async function send(
  t: TestContext,
  { url }: { url: string },
  text: string,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.write(text);
  return (await buffer(socket)).toString();
}

test('requests over one connection count one by one, whatever their method', async t => {
  const backend = await startWires(t);
  const { url, agent, expect } = backend;
  const item = '/api/wires/items/:id';
  for (let id = 0; id < 20; id++) {
    const { statusCode } = await drained(
      ask(`${url}/api/wires/items/${id}`, { agent }),
    );
    assert.equal(statusCode, 200);
    expect(item, '2xx');
  }
  await drained(ask(`${url}/api/wires/items/1`, { agent, method: 'HEAD' }));
  expect(item, '2xx', { 'http.request.method': 'HEAD' });
  const options = await drained(
    ask(`${url}/api/wires/items/1`, { agent, method: 'OPTIONS' }),
  );
  assert.equal(options.statusCode, 200);
  expect(undefined, '2xx', { 'http.request.method': 'OPTIONS' });
  await drained(ask(`${url}/api/wires/items/1`, { agent, method: 'DELETE' }));
  expect(undefined, '4xx', { 'http.request.method': 'DELETE' });
  await backend.agrees();
});

test('an answer in pieces counts when its last is sent, as aborted where that does not happen', async t => {
  const backend = await startWires(t);
  const { url, expect } = backend;
  await drained(ask(`${url}/api/wires/events/5`));
  expect('/api/wires/events/:count', '2xx');
  await drained(ask(`${url}/api/wires/poll`));
  expect('/api/wires/poll', '2xx');
  await drained(ask(`${url}/api/wires/long`));
  expect('/api/wires/long', '2xx');

  const events = await ask(`${url}/api/wires/events`);
  await once(events, 'data');
  const { metrics } = backend;
  await eventually(async () => {
    const active = valuesOf(await metrics.collect(), ACTIVE);
    assert.deepEqual(Object.values(active), [1]);
  });
  events.on('error', () => {}).destroy();
  expect('/api/wires/events', 'aborted');

  const long = await ask(`${url}/api/wires/long`);
  await once(long, 'readable');
  long.on('error', () => {}).destroy();
  expect('/api/wires/long', 'aborted');

  const broken = await ask(`${url}/api/wires/broken-off`);
  await assert.rejects(buffer(broken));
  expect('/api/wires/broken-off', 'aborted');
  await backend.agrees();

  const times = (await metrics.collect()).metric(DURATION)!.points;
  const poll = times.find(
    ({ attributes }) => attributes['http.route'] === '/api/wires/poll',
  );
  assert.ok(poll!.sum! >= 0.29, `${poll!.sum} s`);
});

test('an upload counts once, announced, in chunks or given up', async t => {
  const backend = await startWires(t);
  const { url, expect } = backend;
  const uploads = `${url}/api/wires/uploads`;
  const route = '/api/wires/uploads';
  await drained(ask(uploads, { method: 'POST' }, 'x'.repeat(100_000)));
  expect(route, '2xx', { 'http.request.method': 'POST' });
  const announced = http.request(uploads, {
    method: 'POST',
    headers: { expect: '100-continue', 'content-length': 4 },
  });
  announced.flushHeaders();
  await once(announced, 'continue');
  announced.end('four');
  const [answer] = (await once(announced, 'response')) as [
    http.IncomingMessage,
  ];
  await buffer(answer);
  expect(route, '2xx', { 'http.request.method': 'POST' });
  const given = http.request(uploads, {
    method: 'POST',
    headers: { 'content-length': 1000 },
  });
  given.on('error', () => {});
  given.write('x');
  await eventually(async () => {
    const active = valuesOf(await backend.metrics.collect(), ACTIVE);
    assert.ok(Object.values(active).includes(1));
  });
  given.destroy();
  expect(route, 'aborted', { 'http.request.method': 'POST' });
  await backend.agrees();
});

test('what fails before a route counts by its status, and what is no request not at all', async t => {
  const backend = await startWires(t);
  const { url, expect } = backend;
  await drained(ask(`${url}/hooks/x`));
  expect(undefined, '5xx', { plugin: undefined });
  await drained(ask(`${url}/api/wires/%E0%A4%A`));
  expect(undefined, '4xx');
  const old = await send(
    t,
    backend,
    'GET /api/wires/items/1 HTTP/1.0\r\nhost: x\r\n\r\n',
  );
  assert.match(old, / 200 OK/);
  expect('/api/wires/items/:id', '2xx');
  assert.match(await send(t, backend, 'nonsense\r\n\r\n'), / 400 Bad Request/);
  assert.match(
    await send(
      t,
      backend,
      `GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`,
    ),
    / 431 /,
  );
  await backend.agrees();
});

test('a connection that becomes a web socket is no request that is being answered', async t => {
  const backend = await startWires(t);
  const { url, expect } = backend;
  const headers = { connection: 'upgrade', upgrade: 'websocket' };
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  // Nobody listens for upgrades yet: it is answered as any other.
  await drained(ask(`${url}/api/wires/items/1`, { headers }));
  expect('/api/wires/items/:id', '2xx');

  const taken: Socket[] = [];
  const server = http.createServer((_, response) => {
    response.setHeader('connection', 'close').end();
  });
  server.on('upgrade', (_, socket: Socket) => {
    taken.push(socket);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    taken.forEach(socket => socket.destroy());
    server.close();
  });
  const { port } = server.address() as { port: number };
  const request = http.get(`http://127.0.0.1:${port}/`, {
    headers: { ...headers, 'sec-websocket-key': key },
  });
  const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
  t.after(() => socket.destroy());
  await drained(ask(`http://127.0.0.1:${port}/`));
  expect(undefined, '2xx', { plugin: undefined });
  await backend.agrees();
});

test('a backend that serves HTTPS counts the same', async t => {
  const { cert, key } = Openssl.create(t).selfSigned();
  const certificate = { cert: cert.toString(), key: key.toString() };
  const backend = await startWires(t, { backend: { https: { certificate } } });
  const url = new URL('/api/wires/items/1', backend.url);
  url.protocol = 'https:';
  for (let n = 0; n < 3; n++) {
    const request = https.get(url, { rejectUnauthorized: false, agent: false });
    const [response] = (await once(request, 'response')) as [
      http.IncomingMessage,
    ];
    assert.equal(response.statusCode, 200);
    await buffer(response);
    backend.expect('/api/wires/items/:id', '2xx');
  }
  await backend.agrees();
});

async function drained(
  asked: Promise<http.IncomingMessage>,
): Promise<http.IncomingMessage> {
  const response = await asked;
  await buffer(response);
  return response;
}
