import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { coreServices } from '@backstage/backend-plugin-api';
import express, { type Request, type Response } from 'express';
import { eventually } from '../../support/eventually';
import { listen, pluginWith, startBackend, valuesOf } from './support';

const TOTAL = 'backstage.core.http.requests.total';

describe('HTTP metrics of odd programs', () => {
  test('label each request of a route for itself, whatever came first', async t => {
    const first = await startBackend(t, {
      features: [pluginWith('shop', coreServices.httpRouter).feature],
    });
    const app = express();
    const items = express.Router();
    items.get('/items/:id', ok);
    // Called by hand, and nothing else, until it is mounted.
    const late = express.Router();
    late.get('/late/:id', ok);
    app.use('/api/shop', items);
    app.use('/api/kitchen', items);
    app.use('/other', items);
    app.use('/elsewhere', items);
    let mounted = false;
    app.use((request, response, next) =>
      mounted ? next() : late(request, response, next),
    );
    const url = await listen(t, http.createServer(app));
    const labels = async (path: string) => {
      const before = valuesOf(await first.metrics.collect(), TOTAL);
      await fetch(url + path, { headers: { connection: 'close' } });
      let label = {};
      await eventually(async () => {
        const after = valuesOf(await first.metrics.collect(), TOTAL);
        const [key] = Object.entries(after)
          .filter(([key, value]) => value !== before[key])
          .map(([key]) => key);
        assert.ok(key);
        label = Object.fromEntries(
          (JSON.parse(key) as [string, string][]).filter(([name]) =>
            ['http.route', 'plugin'].includes(name),
          ),
        );
      });
      return label;
    };
    const kitchenItem = { 'http.route': '/api/kitchen/items/:id' };
    assert.deepEqual(await labels('/api/kitchen/items/1'), kitchenItem);
    assert.deepEqual(await labels('/api/shop/items/1'), {
      'http.route': '/api/shop/items/:id',
      plugin: 'shop',
    });
    for (const mount of ['/elsewhere', '/other']) {
      assert.deepEqual(await labels(`${mount}/items/1`), {
        'http.route': `${mount}/items/:id`,
      });
    }
    assert.deepEqual(await labels('/late/1'), { 'http.route': '/*/late/:id' });

    // From here on there is a plugin of that name, and the router has a place.
    const { feature } = pluginWith('kitchen', coreServices.httpRouter);
    await startBackend(t, { features: [feature], metrics: first.metrics });
    mounted = true;
    app.use('/mounted', late);
    assert.deepEqual(await labels('/api/kitchen/items/1'), {
      ...kitchenItem,
      plugin: 'kitchen',
    });
    assert.deepEqual(await labels('/mounted/late/1'), {
      'http.route': '/mounted/late/:id',
    });
  });

  test('count requests whose program breaks what they are read from', async t => {
    const backend = await startBackend(t, {
      features: [pluginWith('shop', coreServices.httpRouter).feature],
    });
    const app = express();
    const hostile = (_: Request, __: Response, next: () => void) => next();
    Object.defineProperty(hostile, 'stack', {
      get: () => assert.fail('nobody may look'),
    });
    app.use(hostile);
    app.get('/found/:id', ok);
    app.get('/broken', (request, response) => {
      Object.defineProperty(request, 'route', {
        get: () => assert.fail('nobody may look'),
      });
      response.end();
    });
    const url = await listen(t, http.createServer(app));
    for (const path of ['/found/1', '/broken']) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200);
      await response.text();
    }
    await eventually(async () => {
      const { points } = (await backend.metrics.collect()).metric(TOTAL)!;
      // Points come in no promised order.
      assert.deepEqual(
        new Set(points.map(({ attributes }) => attributes['http.route'])),
        new Set(['/found/:id', undefined]),
      );
      assert.equal(points.length, 2);
    });
  });
});

function ok(_: Request, response: Response): void {
  response.json({});
}
