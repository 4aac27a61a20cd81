import assert from 'node:assert/strict';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import express, { type Request, type Response } from 'express';
import PromiseRouter from 'express-promise-router';
import { eventually } from '../../support/eventually';
import {
  listen,
  type RunningBackend,
  startBackend,
  Tally,
  valuesOf,
} from './support';

const TOTAL = 'backstage.core.http.requests.total';
const DURATION = 'backstage.core.http.requests.duration';
const ACTIVE = 'backstage.core.http.requests.active';

/** Requests that wait to be given up by their clients. */
let held = 0;

const shop = createBackendPlugin({
  pluginId: 'shop',
  register(env) {
    env.registerInit({
      deps: {
        http: coreServices.httpRouter,
        root: coreServices.rootHttpRouter,
      },
      init({ http: httpRouter, root }) {
        const router = PromiseRouter();
        router.get('/items/:id', (request, response) => {
          if (request.params.id === 'broken') {
            throw new Error('broken');
          }
          response
            .status(request.params.id === 'sold' ? 410 : 200)
            .json({ id: request.params.id });
        });
        router.post('/items', (_, response) => {
          response.status(201).end();
        });
        router.get('/held', () => {
          held++;
        });
        router.all(['/one', '/other/:x'], ok);
        const lines = express.Router({ mergeParams: true });
        lines.get('/:line(\\d+)', ok);
        lines.get('/', ok);
        const orders = express.Router();
        orders.use('/:order/lines', lines);
        router.use('/v1.0/orders', orders);
        router.use('/app', application());
        router.use(application());
        router.use(['/en', '/de'], translations());
        const hidden = express.Router();
        hidden.get('/secret/:id', ok);
        router.use((request, response, next) =>
          hidden(request, response, next),
        );
        httpRouter.use(router);
        root.use('/hooks', hooks());
        return Promise.resolve();
      },
    });
  },
});

function ok(_: Request, response: Response): void {
  response.json({});
}

/** An application of its own within a plugin. */
function application() {
  const app = express();
  app.get('/pages/:page', ok);
  return app;
}

/** Mounted at more than one path. */
function translations() {
  const router = express.Router();
  router.get('/:word', ok);
  return router;
}

/** Outside of `/api`. */
function hooks() {
  const router = express.Router();
  router.get('/:source/', ok);
  return router;
}

/** What is asked, and what must become of it. */
const REQUESTS: {
  method?: string;
  path: (n: number) => string;
  route?: string;
  status: string;
  plugin?: string;
  times: number;
}[] = [
  {
    path: n => `/api/shop/items/${n}`,
    route: '/api/shop/items/:id',
    status: '2xx',
    plugin: 'shop',
    times: 300,
  },
  {
    path: () => '/api/shop/items/sold?why=1/2',
    route: '/api/shop/items/:id',
    status: '4xx',
    plugin: 'shop',
    times: 40,
  },
  {
    path: () => '/api/shop/items/broken',
    route: '/api/shop/items/:id',
    status: '5xx',
    plugin: 'shop',
    times: 30,
  },
  {
    method: 'POST',
    path: () => '/api/shop/items',
    route: '/api/shop/items',
    status: '2xx',
    plugin: 'shop',
    times: 50,
  },
  {
    path: n => `/api/shop/v1.0/orders/${n}/lines/${n}`,
    route: '/api/shop/v1.0/orders/:order/lines/:line(\\d+)',
    status: '2xx',
    plugin: 'shop',
    times: 60,
  },
  {
    path: n => `/api/shop/v1.0/orders/${n}/lines`,
    route: '/api/shop/v1.0/orders/:order/lines',
    status: '2xx',
    plugin: 'shop',
    times: 20,
  },
  {
    method: 'PURGE',
    path: n => `/api/shop/other/${n}`,
    route: '/api/shop/one|/other/:x',
    status: '2xx',
    plugin: 'shop',
    times: 10,
  },
  {
    path: n => `/api/shop/app/pages/${n}`,
    route: '/api/shop/*/pages/:page',
    status: '2xx',
    plugin: 'shop',
    times: 15,
  },
  {
    path: n => `/api/shop/Pages/${n}?all`,
    route: '/api/shop/pages/:page',
    status: '2xx',
    plugin: 'shop',
    times: 15,
  },
  {
    path: n => `/api/shop/${n % 2 ? 'en' : 'de'}/${n}`,
    route: '/api/shop/*/:word',
    status: '2xx',
    plugin: 'shop',
    times: 15,
  },
  {
    path: n => `/api/shop/secret/${n}`,
    route: '/api/shop/secret/:id',
    status: '2xx',
    plugin: 'shop',
    times: 15,
  },
  {
    path: n => `/hooks/${n}`,
    route: '/hooks/:source/',
    status: '2xx',
    times: 15,
  },
  {
    path: n => `/api/shop/nothing/${n}?shop`,
    status: '4xx',
    plugin: 'shop',
    times: 25,
  },
  { path: n => `/api/${n}/items`, status: '4xx', times: 25 },
  { path: n => `/wp-admin/${n}.php`, status: '4xx', times: 25 },
];

describe('HTTP metrics', () => {
  test('agree with what clients count under load', async t => {
    const backend = await startBackend(t, { features: [shop] });
    const requests = new Tally();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
    t.after(() => agent.destroy());

    const all = REQUESTS.flatMap(({ path, times, ...request }) =>
      Array.from({ length: times }, (_, n) => ({ ...request, path: path(n) })),
    );
    await Promise.all(
      shuffled(all).map(async ({ method = 'GET', path, ...expected }) => {
        const status = await answer(backend.url + path, method, agent);
        assert.equal(`${Math.floor(status / 100)}xx`, expected.status, path);
        requests.add({
          'http.request.method': method === 'PURGE' ? '_OTHER' : method,
          'http.route': expected.route,
          'http.response.status_class': expected.status,
          plugin: expected.plugin,
        });
      }),
    );
    await giveUp(backend, 20);
    requests.add(
      {
        'http.request.method': 'GET',
        'http.route': '/api/shop/held',
        'http.response.status_class': 'aborted',
        plugin: 'shop',
      },
      20,
    );

    await eventually(async () => {
      const collection = await backend.metrics.collect();
      for (const active of Object.values(valuesOf(collection, ACTIVE))) {
        assert.equal(active, 0);
      }
    });
    const collection = await backend.metrics.collect();
    requests.equals(valuesOf(collection, TOTAL));
    requests.equals(valuesOf(collection, DURATION));
    assert.equal(collection.metric(DURATION)?.unit, 's');
  });

  test('have one series for ten thousand ids, and none for what clients make up', async t => {
    const backend = await startBackend(t, { features: [shop] });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
    t.after(() => agent.destroy());
    for (let n = 0; n < 10_000; n += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          answer(`${backend.url}/api/shop/items/${n + i}`, 'GET', agent),
        ),
      );
    }
    await eventually(async () => {
      const values = valuesOf(await backend.metrics.collect(), TOTAL);
      assert.deepEqual(Object.values(values), [10_000]);
    });
  });

  test('tell how many requests are being answered', async t => {
    const backend = await startBackend(t, { features: [shop] });
    await giveUp(backend, 3, async () => {
      const collection = await backend.metrics.collect();
      assert.equal(
        collection.value(ACTIVE, { 'http.request.method': 'GET' }),
        3,
      );
      assert.equal(collection.metric(TOTAL), undefined);
    });
  });

  test('end pipelined requests with their connection, those that wait for an answer too', async t => {
    const sockets: Socket[] = [];
    // A backend waits for its connections when it stops.
    t.after(() => sockets.forEach(socket => socket.destroy()));
    const backend = await startBackend(t, { features: [shop] });
    const { hostname, port } = new URL(backend.url);
    const requests = [
      'held',
      ...Array.from({ length: 9 }, (_, n) => `items/${n}`),
    ];
    held = 0;
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.write(
      requests
        .map(path => `GET /api/shop/${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
        .join(''),
    );
    await eventually(() => assert.equal(held, 1));
    await eventually(async () => {
      const collection = await backend.metrics.collect();
      assert.deepEqual(valuesOf(collection, ACTIVE), {
        '[["http.request.method","GET"]]': 10,
      });
    });
    socket.destroy();
    await eventually(async () => {
      const collection = await backend.metrics.collect();
      assert.deepEqual(Object.values(valuesOf(collection, ACTIVE)), [0]);
      const aborted = collection
        .metric(TOTAL)!
        .points.map(({ attributes, value }) => [
          attributes['http.response.status_class'],
          value,
        ]);
      assert.deepEqual(aborted.sort(), [
        ['aborted', 1],
        ['aborted', 9],
      ]);
    });
  });

  test('have one listener for all requests of a connection', async t => {
    const backend = await startBackend(t, { features: [shop] });
    const warnings: Error[] = [];
    const listener = (warning: Error) => warnings.push(warning);
    process.on('warning', listener);
    t.after(() => process.off('warning', listener));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (let n = 0; n < 50; n++) {
      await answer(`${backend.url}/api/shop/items/${n}`, 'GET', agent);
    }
    await eventually(async () => {
      const values = valuesOf(await backend.metrics.collect(), TOTAL);
      assert.deepEqual(Object.values(values), [50]);
    });
    assert.deepEqual(warnings, []);
  });

  test('take in servers that are not of Backstage, without routes', async t => {
    const backend = await startBackend(t, { features: [shop] });
    const server = await plainServer(t);
    await fetch(`${server}/api/shop/items/1`);
    await eventually(async () => {
      const collection = await backend.metrics.collect();
      assert.deepEqual(collection.metric(TOTAL)?.points[0].attributes, {
        'http.request.method': 'GET',
        'http.response.status_class': '2xx',
      });
    });
  });

  test('end with the backend, and begin with the next one', async t => {
    const server = await plainServer(t);
    const first = await startBackend(t, { features: [shop] });
    await fetch(server);
    await first.stop();
    await fetch(server);
    const second = await startBackend(t, {
      features: [shop],
      metrics: first.metrics,
    });
    await fetch(server);
    await eventually(async () => {
      const values = valuesOf(await second.metrics.collect(), TOTAL);
      assert.deepEqual(Object.values(values), [2]);
    });
  });

  test('count a request once where backends share their metrics', async t => {
    const server = await plainServer(t);
    const first = await startBackend(t, { features: [shop] });
    const second = await startBackend(t, {
      features: [shop],
      metrics: first.metrics,
    });
    await fetch(server);
    await first.stop();
    await fetch(server);
    await eventually(async () => {
      const values = valuesOf(await second.metrics.collect(), TOTAL);
      assert.deepEqual(Object.values(values), [2]);
    });
    await second.stop();
  });
});

/** Makes requests, and gives them up when all are being answered. */
async function giveUp(
  { url }: RunningBackend,
  count: number,
  meanwhile = () => Promise.resolve(),
): Promise<void> {
  held = 0;
  const requests = Array.from({ length: count }, () => {
    const request = http.get(`${url}/api/shop/held`, { agent: false });
    request.on('error', () => {});
    return request;
  });
  await eventually(() => assert.equal(held, count));
  await meanwhile();
  await Promise.all(
    requests.map(request => {
      const closed = new Promise(resolve => request.once('close', resolve));
      request.destroy();
      return closed;
    }),
  );
}

function answer(
  url: string,
  method: string,
  agent: http.Agent,
): Promise<number> {
  return new Promise((resolve, reject) => {
    http
      .request(url, { method, agent }, response => {
        response.resume().on('end', () => resolve(response.statusCode!));
      })
      .on('error', reject)
      .end();
  });
}

async function plainServer(t: TestContext): Promise<string> {
  return listen(
    t,
    http.createServer((_, response) => {
      response.setHeader('connection', 'close').end();
    }),
  );
}

function shuffled<T>(items: T[]): T[] {
  return items
    .map(item => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
