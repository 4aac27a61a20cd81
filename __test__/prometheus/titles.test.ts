import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { eventually } from '../support/eventually';
import { prometheusRouter } from '../support/prometheusRouter';
import { json, UpstreamServer } from '../support/UpstreamServer';

const MATRIX = { data: { resultType: 'matrix', result: [] } };

async function panelsOf(shop: string): Promise<EntityPanels> {
  return (await (await fetch(`${shop}/panels`)).json()) as EntityPanels;
}

async function draw(shop: string, id: string, start = 0): Promise<RangeResult> {
  const response = await fetch(`${shop}/panels/${id}/range`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ start, end: start + 60, step: 60 }),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as RangeResult;
}

it('titles wait for no server, and graphs for no metadata', async t => {
  let hangs = true;
  const server = await UpstreamServer.start(t, ({ url }, response) => {
    if (!url.includes('/metadata')) {
      json(response, MATRIX);
    } else if (!hangs) {
      json(response, {
        data: { shop_stock: [{ type: 'gauge', help: '', unit: 'bytes' }] },
      });
    }
  });
  const shop = await prometheusRouter(t, {
    prometheus: { instances: [{ name: 'default', url: server.url }] },
    annotations: { 'prometheus.io/rule': 'shop_stock' },
  });
  const begun = performance.now();
  const { panels } = await panelsOf(shop);
  assert.equal(panels[0].title, 'shop_stock');
  assert.equal(server.asked.length, 0);
  await draw(shop, panels[0].id);
  const took = performance.now() - begun;
  assert.ok(took < 1_500, `took ${took} ms`);
  // A server that does not know is left alone for a while.
  await sleep(2_200);
  hangs = false;
  const asked = server.asked.length;
  assert.equal((await draw(shop, panels[0].id, 60)).unit, undefined);
  assert.equal(server.asked.length, asked + 1);
});

it("a graph's answer has the unit that the server knows, at once or with the next", async t => {
  let delay = 0;
  const server = await UpstreamServer.start(t, async ({ url }, response) => {
    if (url.includes('/metadata')) {
      await sleep(delay);
      const metric = new URL(url, 'http://x').searchParams.get('metric')!;
      const known = [{ type: 'gauge', help: '', unit: 'bytes' }];
      json(response, { data: { [metric]: known } });
    } else {
      json(response, MATRIX);
    }
  });
  const shop = await prometheusRouter(t, {
    prometheus: { instances: [{ name: 'default', url: server.url }] },
    annotations: { 'prometheus.io/rule': 'shop_stock, shop_shelf' },
  });
  const [{ id: stock }, { id: shelf }] = (await panelsOf(shop)).panels;
  assert.equal((await draw(shop, stock)).unit, 'bytes');
  delay = 600;
  assert.equal((await draw(shop, shelf)).unit, undefined);
  await eventually(async () => {
    assert.equal((await draw(shop, shelf)).unit, 'bytes');
  });
});
