import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Backend, ready } from '../support/backend';
import { decodeOtlp } from '../support/decodeOtlp';
import { eventually } from '../support/eventually';
import {
  attributesOf,
  metricsOf,
  type OtlpRequest,
  pointsOf,
  type Received,
} from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';
import { Prometheus } from '../support/Prometheus';
import { Rotel } from '../support/Rotel';
import { prometheus, PYTHON, ROTEL, without } from '../support/tools';
import {
  adapted,
  BACKENDS,
  compose,
  mounted,
  prometheusFile,
  secretsFolder,
} from './compose';

/** Two backends start one after the other, and Prometheus scrapes and evaluates every 15 s. */
const LIMIT_MS = 180_000;
const TURN_MS = 45_000;

const PLACED = 'backstage.plugin.orders.orders.placed';
const DONE = 'backstage.plugin.ending.work.done';

interface Replica extends Backend {
  /** `host:port` of its page. */
  target: string;
}

test(
  'two backends of the Compose example are two instances to Prometheus and to a collector',
  { skip: without(prometheus(3).server, ROTEL, PYTHON), timeout: LIMIT_MS },
  async t => {
    const secrets = secretsFolder(t);
    const rotel = await Rotel.start(t);
    const [first, second] = await Promise.all(
      BACKENDS.map(name => start(t, name, secrets, rotel)),
    );
    const [firstName, secondName] = BACKENDS;
    const server = await Prometheus.configured(
      t,
      prometheusFile(t, secrets, {
        [`${firstName}:9464`]: first.target,
        [`${secondName}:9464`]: second.target,
      }),
      { limit: LIMIT_MS },
    );
    const collected = collector(rotel);
    const up = async () => byInstance(server, 'up{job="backstage"}');

    await t.test('neither page opens without the token', async () => {
      for (const { target } of [first, second]) {
        const response = await fetch(`http://${target}/metrics`);
        assert.equal(response.status, 401);
      }
    });

    await t.test('both are up', () =>
      eventually(async () => {
        assert.deepEqual(await up(), { [first.target]: 1, [second.target]: 1 });
      }, TURN_MS),
    );

    await t.test('Prometheus tells them apart', async () => {
      const info = await server.query('target_info{job="backstage"}');
      assert.deepEqual(
        Object.fromEntries(
          info.map(({ metric }) => [
            metric.instance,
            metric.service_instance_id,
          ]),
        ),
        { [first.target]: firstName, [second.target]: secondName },
      );
      for (const { metric } of info) {
        assert.equal(metric.deployment_environment_name, 'production');
      }
    });

    await t.test('sums in Prometheus are over both', async () => {
      const name = 'backstage_plugin_orders_orders_placed_total';
      assert.deepEqual(await byInstance(server, name), {
        [first.target]: 2,
        [second.target]: 2,
      });
      assert.equal(await server.value(`sum by (job) (${name})`), 4);
    });

    await t.test('Prometheus has the rules, and none has an error', () =>
      eventually(async () => {
        const data = await server.get('rules');
        const rules = (data as Rules).groups.flatMap(({ rules }) => rules);
        assert.ok(rules.length > 20);
        assert.deepEqual(
          rules.filter(({ health }) => health !== 'ok'),
          [],
        );
      }, TURN_MS),
    );

    await t.test('both are known as ours, and no alert is pending', () =>
      eventually(async () => {
        const known = 'job_instance:backstage_target_info:last_timestamp';
        assert.deepEqual(
          Object.keys(await byInstance(server, known)).sort(),
          [first.target, second.target].sort(),
        );
        assert.deepEqual(await server.query('ALERTS'), []);
      }, TURN_MS),
    );

    await t.test('the collector tells them apart', () =>
      eventually(async () => {
        assert.deepEqual(await collected(PLACED), {
          [firstName]: 2,
          [secondName]: 2,
        });
      }),
    );

    await t.test(
      'what one of them records before SIGTERM ends it arrives',
      async () => {
        first.program.send('SIGTERM');
        const { code, stdout, stderr } = await first.program.ending;
        assert.equal(code, 0, stdout + stderr);
        await eventually(async () => {
          assert.deepEqual(await collected(DONE), { [firstName]: 1000 });
        }).catch((error: unknown) => {
          throw new Error(stdout + stderr, { cause: error });
        });
      },
    );

    await t.test('and then Prometheus has one of them up', () =>
      eventually(async () => {
        assert.deepEqual(await up(), { [first.target]: 0, [second.target]: 1 });
      }, TURN_MS),
    );

    await t.test('and an alert about the other alone', () =>
      eventually(async () => {
        const down = 'ALERTS{alertname="BackstageInstanceDown"}';
        assert.deepEqual(await byInstance(server, down), { [first.target]: 1 });
        const absent = 'ALERTS{alertname="BackstageNotScraped"}';
        assert.deepEqual(await server.query(absent), []);
      }, TURN_MS),
    );
  },
);

interface Rules {
  groups: { rules: { name: string; health: string }[] }[];
}

/**
 * A backend with the configuration and the environment that Compose gives it, but for its addresses,
 * for the database, which is in memory, and for the interval of the exports.
 */
async function start(
  t: TestContext,
  name: string,
  secrets: string,
  rotel: Rotel,
): Promise<Replica> {
  const [port, page] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const config = path.join(secrets, `${name}.yaml`);
  const over = path.join(secrets, `${name}.over.yaml`);
  const file = mounted(name, '/app/app-config.production.yaml');
  writeFileSync(config, adapted(file, secrets));
  // JSON is YAML.
  writeFileSync(
    over,
    JSON.stringify({
      app: { baseUrl: url },
      backend: {
        baseUrl: url,
        listen: `127.0.0.1:${port}`,
        database: { client: 'better-sqlite3', connection: ':memory:' },
        metrics: {
          exporters: {
            prometheus: { port: page },
            otlp: { endpoint: rotel.http, interval: { seconds: 2 } },
          },
        },
      },
    }),
  );
  const program = Program.node(t, 'backstage/backend.cjs', {
    args: [
      ...['--config', config, '--config', over],
      ...['--with', 'orders', '--with', 'ending'],
    ],
    env: { NODE_ENV: 'production', ...compose.services[name].environment },
    limit: LIMIT_MS,
  });
  const replica = { program, url, target: `127.0.0.1:${page}` };
  await ready(replica).catch((error: unknown) => {
    throw new Error(program.stdout + program.stderr, { cause: error });
  });
  return replica;
}

/** The values of an expression by their label `instance`. */
async function byInstance(
  server: Prometheus,
  expression: string,
): Promise<Record<string, number>> {
  const samples = await server.query(expression);
  return Object.fromEntries(
    samples.map(({ metric, value }) => [metric.instance, Number(value[1])]),
  );
}

/** The last values of a counter behind the collector, summed up by `service.instance.id`. */
function collector(rotel: Rotel) {
  const decoded = new Map<Received, OtlpRequest>();
  return async (name: string): Promise<Record<string, number>> => {
    const values: Record<string, number> = {};
    for (const received of await rotel.forwarded()) {
      const request =
        decoded.get(received) ?? (await decodeOtlp('protobuf', received.body));
      decoded.set(received, request);
      for (const one of request.resourceMetrics) {
        const { 'service.instance.id': id } = attributesOf(
          one.resource?.attributes,
        );
        const points = metricsOf({ resourceMetrics: [one] })
          .filter(metric => metric.name === name)
          .flatMap(pointsOf);
        if (points.length > 0) {
          values[String(id)] = points
            .map(({ asInt, asDouble }) => Number(asInt ?? asDouble))
            .reduce((a, b) => a + b);
        }
      }
    }
    return values;
  };
}
