import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

describe('the example backend', () => {
  let port: number;
  let output = '';
  let stop: () => Promise<void>;

  before(async () => {
    port = await freePort();
    const backend = spawn(
      process.execPath,
      ['--import', 'tsx', 'src/index.ts', '--config', 'app-config.yaml'],
      {
        cwd: path.join(__dirname, '..'),
        env: {
          ...process.env,
          APP_CONFIG_backend_listen_port: String(port),
          APP_CONFIG_backend_baseUrl: JSON.stringify(
            `http://localhost:${port}`,
          ),
          APP_CONFIG_backend_metrics_exporters_prometheus_port: '0',
        },
      },
    );
    for (const stream of [backend.stdout, backend.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const exit = once(backend, 'exit');
    stop = async () => {
      backend.kill();
      await exit;
    };
    await eventually(async () => {
      assert.equal(backend.exitCode ?? backend.signalCode, null, output);
      assert.equal((await get('.backstage/health/v1/readiness')).status, 200);
    }).catch((error: unknown) => {
      throw new Error(`The backend did not start:\n${output}`, {
        cause: error,
      });
    });
  });

  after(() => stop());

  it('takes in the entities of its catalog folder', async () => {
    await eventually(async () => {
      const response = await get('api/catalog/entities');
      const entities = (await response.json()) as Entity[];
      const names = entities
        .filter(({ kind }) => kind !== 'Location')
        .map(({ kind, metadata }) => `${kind}:${metadata.name}`);
      assert.deepEqual(names.sort(), [
        'API:pizza-orders',
        'Component:pizza-orders',
        'Component:pizza-website',
        'Group:kitchen',
        'System:pizzeria',
        'Template:service',
        'User:mario',
      ]);
    });
  });

  it('runs its template by itself', async () => {
    await eventually(async () => {
      const response = await get('api/scaffolder/v2/tasks');
      const { tasks } = (await response.json()) as { tasks: Task[] };
      assert.ok(
        tasks.some(task => task.status === 'completed'),
        output,
      );
    });
  });

  it('queues an order for what is on the menu', async () => {
    const response = await order({ pizza: 'marinara', channel: 'phone' });
    assert.equal(response.status, 201);
    const placed = (await response.json()) as Record<string, unknown>;
    assert.equal(placed.pizza, 'marinara');
  });

  it('refuses an order for what is not', async () => {
    const response = await order({ pizza: 'hawaii', channel: 'phone' });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /There is no pizza/);
  });

  function get(route: string) {
    return fetch(`http://127.0.0.1:${port}/${route}`);
  }

  function order(body: object) {
    return fetch(`http://127.0.0.1:${port}/api/example/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
});

type Entity = { kind: string; metadata: { name: string } };
type Task = { status: string };

/** Repeats what fails at first, and gives its last error after 60 seconds. */
async function eventually(check: () => Promise<void>) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      await sleep(250);
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
