import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Collector, refused } from '../support/Collector';
import { eventually } from '../support/eventually';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';
import { choices, queries, queriesFor } from './dashboards';
import {
  madeLabels,
  type Matcher,
  namedLabels,
  type Node,
  parse,
  selectors,
  written,
} from './promql';

const EXAMPLE = path.resolve('packages/backend');
const BACKSTAGE = 'node_modules/@backstage';
const RULES = ['recording-rules.yaml', 'alerts.yaml'].map(file =>
  path.resolve('deploy/prometheus', file),
);

/** The example needs half a minute until all of its plugins have done something. */
const LIMIT_MS = 240_000;

/**
 * The job of the example without labels of scopes, which Prometheus does not make of OTLP. Debian's Prometheus is
 * built without the receiver.
 */
const UNSCOPED = 'backstage-unscoped';

/** Says of a page that it is Backstage's and not ours. */
const FOREIGN = 'BackstagePageMissing';

/** Ours, of OpenTelemetry's conventions, of Prometheus itself, or of a recording rule. */
const NEW_NAME =
  /^\(?(backstage\b|backstage_(plugin|core)_|otel_sdk_|nativestage_metrics_|target_info$|up$|scrape_|job_?\w*:(backstage|otel_sdk|nativestage_metrics)_)/;

/**
 * What the example cannot be made to emit, since it has failed there: the source that emits it has
 * to have this text, and the selector without this matcher has to find series. Failures of the
 * metrics themselves are not among them, those `failing.cjs` has.
 */
const FAILURES: Failure[] = [
  {
    metric: /backstage_core_http_/,
    matcher: 'http_response_status_class="5xx"',
    source: 'ts/backstage/core/HttpRecorder.ts',
    text: "'5xx'",
  },
  {
    metric: /^backstage_core_database_/,
    matcher: 'result="error"',
    source: 'ts/backstage/core/databaseMetrics.ts',
    text: "ended(query, 'error')",
  },
  {
    metric: /^backstage_core_cache_/,
    matcher: 'result="error"',
    source: 'ts/backstage/core/cacheMetrics.ts',
    text: "return 'error'",
  },
  {
    metric: /^backstage_core_events_/,
    matcher: 'result="error"',
    source: 'ts/backstage/core/eventsMetrics.ts',
    text: "failed ? 'error' : 'ok'",
  },
  {
    metric: /^backstage_plugin_catalog_/,
    matcher: 'result=~"errors|failed"',
    source: `${BACKSTAGE}/plugin-catalog-backend/dist/processing/DefaultCatalogProcessingEngine.cjs.js`,
    text: '{ result: "errors" }',
  },
  {
    metric: /backstage_plugin_scaffolder_/,
    matcher: 'result="failed"',
    source: `${BACKSTAGE}/plugin-scaffolder-backend/dist/scaffolder/tasks/NunjucksWorkflowRunner.cjs.js`,
    text: 'result: "failed"',
  },
  {
    metric: /scheduler_task_runs_/,
    matcher: 'result="failed"',
    source: `${BACKSTAGE}/backend-defaults/dist/entrypoints/scheduler/lib/PluginTaskSchedulerImpl.cjs.js`,
    text: 'result = "failed"',
  },
];

interface Failure {
  metric: RegExp;
  matcher?: string;
  source: string;
  text: string;
}

interface Rule {
  name: string;
  query: string;
  type: 'recording' | 'alerting';
  health: string;
  lastError?: string;
}

interface Expression {
  where: string;
  tree: Node;
}

test(
  'a real backend emits what dashboards and rules ask for',
  { skip: without(prometheus(3).server) },
  async t => {
    const server = await start(t);
    const rules = await loadedRules(server);
    const expressions = await Promise.all(
      [
        ...queries,
        ...rules.map(({ name, query }) => ({ where: name, expr: query })),
        ...choices.map(({ where, selector }) => ({ where, expr: selector })),
      ].map(async ({ where, expr }): Promise<Expression> => ({
        where,
        tree: await parse(server, expr),
      })),
    );
    // Until every plugin has done something, and the page was read often enough for a rate.
    await eventually(async () => {
      await emitted(server, expressions);
      await answered(server);
    }, 120_000);

    await t.test('and as much without labels of scopes', () =>
      eventually(async () => {
        const unscoped = queriesFor({ job: UNSCOPED });
        for (const [index, { where, expr }] of queriesFor({
          job: 'backstage',
        }).entries()) {
          const [scoped, others] = await Promise.all(
            [expr, unscoped[index].expr].map(query => server.query(query)),
          );
          assert.equal(others.length > 0, scoped.length > 0, where);
        }
      }, 60_000),
    );

    await t.test('under the new names', () => {
      for (const { where, tree } of expressions) {
        for (const name of selectors(tree).map(nameOf)) {
          assert.ok(
            !name || where === FOREIGN || NEW_NAME.test(name),
            `${where}: ${name}`,
          );
        }
      }
    });

    await t.test('with every label that is aggregated or joined by', () =>
      labelled(server, expressions),
    );

    await t.test('with every label that variables offer', async () => {
      for (const { where, selector, label } of choices) {
        const labels = await labelsOf(server, [selector]);
        assert.ok(labels.has(label), where);
      }
    });

    await t.test('for every recording rule, and no rule has an error', () =>
      eventually(async () => {
        for (const rule of await loadedRules(server)) {
          const { name, type, health, lastError } = rule;
          assert.equal(health, 'ok', `${name}: ${lastError}`);
          if (type === 'recording') {
            assert.ok((await server.query(name)).length > 0, name);
          }
        }
      }),
    );

    await t.test('and has no alert, where what fails has', async () => {
      const named = async (job: string) => {
        const found = await server.query(`ALERTS{job="${job}"}`);
        return found.map(({ metric }) => metric.alertname);
      };
      assert.deepEqual(await named('backstage'), []);
      assert.deepEqual(await named(UNSCOPED), []);
      const failing = new Set(await named('backstage-failing'));
      for (const alert of [
        'BackstageCollectionsLate',
        'BackstageMeasurementsDropped',
        'BackstageMetricsExportFailing',
        'BackstageMetricsOverflow',
      ]) {
        assert.ok(failing.has(alert), alert);
      }
    });
  },
);

/** Every selector finds series. */
async function emitted(
  server: Prometheus,
  expressions: Expression[],
): Promise<void> {
  for (const { where, tree } of expressions) {
    for (const matchers of selectors(tree)) {
      const failure = failureOf(matchers);
      if (failure) {
        const source = readFileSync(failure.source, 'utf8');
        assert.ok(source.includes(failure.text), failure.source);
      }
      if (!failure || failure.matcher) {
        const selector = written(
          matchers.filter(matcher => text(matcher) !== failure?.matcher),
        );
        const found = await labelsOf(server, [selector]);
        assert.ok(found.size > 0, `${where}: nothing is ${selector}`);
      }
    }
  }
}

/** Every query has values, and those have the labels of its legend. */
async function answered(server: Prometheus): Promise<void> {
  for (const { where, expr, legend } of queries) {
    const fails = selectors(await parse(server, expr)).some(failureOf);
    const samples = await server.query(expr);
    assert.ok(fails || samples.length > 0, `${where}: no values of ${expr}`);
    for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
      assert.ok(
        fails || samples.some(({ metric }) => label in metric),
        `${where}: no value has the label ${label}`,
      );
    }
  }
}

/** Every label that something is grouped or matched by is there, on each of the sides. */
async function labelled(
  server: Prometheus,
  expressions: Expression[],
): Promise<void> {
  for (const { where, tree } of expressions) {
    for (const { label, operands } of namedLabels(tree)) {
      for (const operand of operands) {
        const list = selectors(operand)
          .filter(matchers => !failureOf(matchers))
          .map(written);
        const labels = await labelsOf(server, list);
        assert.ok(
          list.length === 0 ||
            labels.has(label) ||
            madeLabels(operand).includes(label),
          `${where}: no series has the label ${label}`,
        );
      }
    }
  }
}

function failureOf(matchers: Matcher[]): Failure | undefined {
  return FAILURES.find(
    ({ metric, matcher }) =>
      metric.test(nameOf(matchers)) &&
      (!matcher || matchers.some(one => text(one) === matcher)),
  );
}

function nameOf(matchers: Matcher[]): string {
  const name = matchers.find(
    ({ name, type }) => name === '__name__' && !type.startsWith('!'),
  );
  return name?.value ?? '';
}

function text({ name, type, value }: Matcher): string {
  return `${name}${type}"${value}"`;
}

/** The labels that series of these selectors have. */
async function labelsOf(
  server: Prometheus,
  selectors: string[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const selector of selectors) {
    const series = await server.get('series', { 'match[]': selector });
    for (const labels of series as Record<string, string>[]) {
      Object.keys(labels).forEach(label => found.add(label));
    }
  }
  return found;
}

async function loadedRules(server: Prometheus): Promise<Rule[]> {
  const data = await server.get('rules');
  return (data as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );
}

/** A Prometheus with the rules, which reads the example and a program where everything fails. */
async function start(t: TestContext): Promise<Prometheus> {
  const example = await startExample(t);
  const failing = Program.node(t, 'deploy/failing.cjs', {
    args: [`http://127.0.0.1:${await freePort()}`],
    limit: LIMIT_MS,
  });
  const [, page] = await failing.line(/page at (127\S+)/);
  const job = (name: string, target: string) => ({
    job_name: name,
    scrape_interval: '1s',
    scrape_timeout: '1s',
    static_configs: [
      { targets: [target], labels: { cluster: 'test', namespace: 'pizzeria' } },
    ],
  });
  return Prometheus.serve(t, {
    jobs: [
      job('backstage', example),
      job('backstage-failing', page),
      {
        ...job(UNSCOPED, example),
        metric_relabel_configs: [
          { action: 'labeldrop', regex: 'otel_scope_.*' },
        ],
      },
    ],
    ruleFiles: RULES,
    limit: LIMIT_MS,
  });
}

/** Starts the example, with a collector that refuses the first of its exports; gives its page. */
async function startExample(t: TestContext): Promise<string> {
  const collector = await Collector.start(t);
  collector.script.push(refused(401));
  const [port, page] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const program = Program.node(t, path.join(EXAMPLE, 'src/index.ts'), {
    execArgv: ['--import', 'tsx'],
    args: ['--config', 'app-config.yaml'],
    cwd: EXAMPLE,
    env: {
      APP_CONFIG_backend_listen_port: String(port),
      APP_CONFIG_backend_baseUrl: JSON.stringify(url),
      APP_CONFIG_backend_metrics_exporters_prometheus_port: String(page),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    },
    limit: LIMIT_MS,
  });
  await eventually(async () => {
    const health = await fetch(`${url}/.backstage/health/v1/readiness`);
    assert.equal(health.status, 200);
  }, 60_000).catch((error: unknown) => {
    throw new Error(program.stdout + program.stderr, { cause: error });
  });
  return `127.0.0.1:${page}`;
}
