import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

describe('the example backend', () => {
  let port: number;
  let metricsPort: number;
  let output = '';
  let stop: () => Promise<void>;

  before(async () => {
    port = await freePort();
    metricsPort = await freePort();
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
          APP_CONFIG_backend_metrics_exporters_prometheus_port:
            String(metricsPort),
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

  it('serves every instrument of the example plugin to Prometheus', async () => {
    await eventually(async () => {
      const types = await metricTypes();
      const expected = {
        backstage_plugin_example_orders_placed_total: 'counter',
        backstage_plugin_example_queue_depth: 'gauge',
        backstage_plugin_example_request_duration_seconds: 'histogram',
        backstage_plugin_example_oven_load: 'gauge',
        backstage_plugin_example_oven_energy_kW_h_total: 'counter',
        backstage_plugin_example_queue_age_seconds: 'gauge',
        backstage_plugin_example_dough_stock: 'gauge',
        backstage_plugin_example_dough_capacity: 'gauge',
        pizzeria_pizzas_baked_total: 'counter',
      };
      for (const [name, type] of Object.entries(expected)) {
        assert.equal(types.get(name), type, name);
      }
    });
  });

  for (const [what, name] of [
    ['count', 'backstage_plugin_example_orders_placed_total'],
    ['duration', 'backstage_plugin_example_request_duration_seconds_bucket'],
  ]) {
    it(`leads from the ${what} of orders to the trace of one`, async () => {
      // One of the traffic's may come between an order and its page.
      await eventually(async () => {
        const { traceId, spanId, response } = await orderWithin('01');
        assert.equal(response.status, 201);
        const page = await openMetrics();
        const found = exemplars(page, name).find(
          exemplar => exemplar.traceId === traceId,
        );
        assert.ok(found, page);
        assert.notEqual(found.spanId, spanId, 'it is in the span of the order');
      });
    });
  }

  it('leads to no trace that was not sampled', async () => {
    const { traceId, response } = await orderWithin('00');
    assert.equal(response.status, 201);
    assert.ok(!(await openMetrics()).includes(traceId));
  });

  it('serves what the catalog, the scaffolder and the scheduler emit', async () => {
    await eventually(async () => {
      const types = await metricTypes();
      for (const name of [
        'backstage_plugin_catalog_entities_stitched_total',
        'backstage_plugin_scaffolder_tasks_completed_total',
        'backstage_plugin_traffic_scheduler_task_runs_count_total',
        // And as dashboards of before know them.
        'catalog_stitched_entities_count_total',
        'scaffolder_task_count_total',
        'backend_tasks_task_runs_count_total',
      ]) {
        assert.equal(types.get(name), 'counter', name);
      }
    });
  });

  async function metricTypes(): Promise<Map<string, string>> {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    assert.equal(response.status, 200);
    const page = await response.text();
    return new Map(
      Array.from(page.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [
        name,
        type,
      ]),
    );
  }

  async function openMetrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    assert.match(
      response.headers.get('content-type') ?? '',
      /^application\/openmetrics-text/,
    );
    return response.text();
  }

  /** Places an order from within a span of the customer's own. */
  async function orderWithin(flags: '00' | '01') {
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const response = await order(
      { pizza: 'marinara', channel: 'phone' },
      { traceparent: `00-${traceId}-${spanId}-${flags}` },
    );
    return { traceId, spanId, response };
  }

  function get(route: string) {
    return fetch(`http://127.0.0.1:${port}/${route}`);
  }

  function order(body: object, headers: Record<string, string> = {}) {
    return fetch(`http://127.0.0.1:${port}/api/example/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }
});

/** What leads from a metric's samples on the page to traces. */
function exemplars(page: string, name: string) {
  return page
    .split('\n')
    .filter(line => line.startsWith(`${name}{`))
    .flatMap(line => {
      const [, labels] = line.split(' # ');
      const label = (key: string) =>
        new RegExp(`\\b${key}="([^"]*)"`).exec(labels)?.[1];
      return labels === undefined
        ? []
        : [{ traceId: label('trace_id'), spanId: label('span_id') }];
    });
}

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
