import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityPanels } from '@nativestage/backstage-plugin-prometheus-common';
import { eventually } from '../../../__test__/support/eventually';
import { prometheusRouter } from '../../../__test__/support/prometheusRouter';
import { json, UpstreamServer } from '../../../__test__/support/UpstreamServer';

const ANNOTATIONS = { 'prometheus.io/rule': 'up' };
const RANGE = { start: 0, end: 600, step: 60 };
const EMPTY = { data: { resultType: 'matrix', result: [] } };

interface Answer {
  status: number;
  body: EntityPanels & { error?: { name: string; message: string } };
}

async function ask(url: string, body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return {
    status: response.status,
    body: (await response.json()) as Answer['body'],
  };
}

/** A Prometheus that answers questions about metadata, and of queries those that it is told to. */
function upstream(t: Parameters<typeof prometheusRouter>[0]) {
  const held: (() => void)[] = [];
  const server = UpstreamServer.start(t, ({ url }, response) => {
    if (url.includes('metadata')) {
      json(response, { data: {} });
    } else {
      held.push(() => json(response, EMPTY));
    }
  });
  return server.then(({ url, asked }) => ({
    held,
    config: { instances: [{ name: 'a', url }] },
    queries: () => asked.filter(({ url: each }) => each.includes('query')),
    server,
  }));
}

/** Sends a request and closes the connection, however the server takes it. */
async function glance(url: string, milliseconds: number, copies = 1) {
  const { hostname, port, pathname } = new URL(url);
  const body = JSON.stringify(RANGE);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`.repeat(
      copies,
    ),
  );
  await sleep(milliseconds);
  socket.destroy();
}

describe('a tab that is closed', () => {
  for (const [what, options] of [
    ['the caller is known', { credentials: () => sleep(100) }],
    ['the catalog has answered', { catalog: () => sleep(100) }],
  ] as const) {
    test(`before ${what} asks Prometheus nothing`, async t => {
      const { config, queries } = await upstream(t);
      const entity = await prometheusRouter(t, {
        prometheus: config,
        annotations: ANNOTATIONS,
        ...options,
      });
      const { body } = await ask(`${entity}/panels`);
      const route = `${entity}/panels/${body.panels[0].id}/range`;
      // What the catalog said is kept for two seconds.
      await sleep(2_100);
      for (const milliseconds of [1, 10, 50]) {
        await glance(route, milliseconds);
      }
      await sleep(300);
      assert.deepEqual(queries(), []);
    });
  }

  test('leaves no place of its user taken, however soon it was closed', async t => {
    const { config, queries, server } = await upstream(t);
    const entity = await prometheusRouter(t, {
      prometheus: {
        ...config,
        limits: { perUser: 1, timeout: { seconds: 60 } },
      },
      annotations: ANNOTATIONS,
    });
    const { body } = await ask(`${entity}/panels`);
    const route = `${entity}/panels/${body.panels[0].id}/range`;
    for (const milliseconds of [0, 1, 2, 3, 5, 8, 13, 21]) {
      await glance(route, milliseconds);
    }
    const asked = queries().length;
    await eventually(
      async () => assert.equal((await server).abandoned, queries().length),
      3_000,
    );
    void fetch(route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...RANGE, end: 1200 }),
    }).catch(() => {});
    await eventually(() => assert.equal(queries().length, asked + 1));
  });

  test('ends the requests that it had sent one behind the other', async t => {
    const { config, queries, server } = await upstream(t);
    const entity = await prometheusRouter(t, {
      prometheus: config,
      annotations: ANNOTATIONS,
    });
    const { body } = await ask(`${entity}/panels`);
    await glance(`${entity}/panels/${body.panels[0].id}/range`, 100, 5);
    // All five share one flight.
    await eventually(async () => {
      assert.equal(queries().length, 1);
      assert.equal((await server).abandoned, 1);
    }, 3_000);
  });

  test('gives up its place in the queue', async t => {
    const { config, held, queries } = await upstream(t);
    const entity = await prometheusRouter(t, {
      prometheus: { ...config, limits: { perUser: 1, queue: 1 } },
      annotations: ANNOTATIONS,
    });
    const { body } = await ask(`${entity}/panels`);
    const route = `${entity}/panels/${body.panels[0].id}/range`;
    const first = ask(route, RANGE);
    await eventually(() => assert.equal(held.length, 1));
    for (let tab = 0; tab < 3; tab++) {
      const waiting = new AbortController();
      const second = fetch(route, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...RANGE, end: 1200 }),
        signal: waiting.signal,
      });
      await sleep(50);
      waiting.abort();
      await assert.rejects(second, { name: 'AbortError' });
      await sleep(50);
    }
    held[0]();
    assert.equal((await first).status, 200);
    await sleep(50);
    assert.equal(queries().length, 1);
  });
});

describe('a request', () => {
  const hangs: [what: string, stands: string][] = [
    ['the caller', 'credentials'],
    ['the catalog', 'catalog'],
  ];
  for (const [what, stands] of hangs) {
    test(`ends in time where nobody tells of ${what}`, async t => {
      const { config } = await upstream(t);
      const entity = await prometheusRouter(t, {
        prometheus: { ...config, limits: { timeout: '300ms' } },
        annotations: ANNOTATIONS,
        [stands]: () => new Promise(() => {}),
      });
      const start = performance.now();
      const { status, body } = await ask(`${entity}/panels`);
      assert.equal(status, 504);
      assert.match(body.error!.message, /no answer within 0\.3 s/);
      assert.ok(performance.now() - start < 2_000);
    });
  }

  test('ends in time also where it waits for others first', async t => {
    const { config } = await upstream(t);
    const entity = await prometheusRouter(t, {
      prometheus: { ...config, limits: { perUser: 1, timeout: '500ms' } },
      annotations: ANNOTATIONS,
    });
    const { body } = await ask(`${entity}/panels`);
    const route = `${entity}/panels/${body.panels[0].id}/range`;
    const start = performance.now();
    const answers = await Promise.all(
      [600, 1200, 1800, 2400].map(end => ask(route, { ...RANGE, end })),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [504]);
    const took = performance.now() - start;
    assert.ok(took < 1_500, `four requests of 0.5 s took ${took} ms`);
  });

  test('for the list of graphs does not wait for metadata that never comes', async t => {
    const server = await UpstreamServer.start(t, () => {});
    const rules = Array.from({ length: 30 }, (_, at) => `metric_${at}`);
    const entity = await prometheusRouter(t, {
      prometheus: { instances: [{ name: 'a', url: server.url }] },
      annotations: { 'prometheus.io/rule': rules.join() },
    });
    const start = performance.now();
    const { status, body } = await ask(`${entity}/panels`);
    const took = performance.now() - start;
    assert.deepEqual([status, body.panels?.length], [200, 30]);
    assert.ok(took < 4_000, `it took ${took} ms`);
    await eventually(() => assert.equal(server.abandoned, server.asked.length));
  });

  test('for a graph has a place, however many metrics the units of others are asked for', async t => {
    const server = await UpstreamServer.start(t, ({ url }, response) => {
      const isMetadata = url.includes('metadata');
      setTimeout(
        () => json(response, isMetadata ? { data: {} } : EMPTY),
        isMetadata ? 500 : 0,
      );
    });
    const rules = Array.from({ length: 20 }, (_, graph) =>
      Array.from({ length: 20 }, (__, at) => `metric_${graph}_${at}`).join('+'),
    );
    const entity = await prometheusRouter(t, {
      prometheus: {
        instances: [{ name: 'a', url: server.url }],
        limits: { queue: 40 },
      },
      annotations: { 'prometheus.io/rule': rules.join() },
    });
    const { body } = await ask(`${entity}/panels`);
    const answers: Answer[] = [];
    for (const end of [600, 660]) {
      const routes = body.panels.map(
        ({ id }) => `${entity}/panels/${id}/range`,
      );
      answers.push(
        ...(await Promise.all(
          routes.map(route => ask(route, { ...RANGE, end })),
        )),
      );
    }
    assert.equal(answers.length, 40);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  });
});
