import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Prometheus } from '../support/Prometheus';
import { suiteScope } from '../support/suiteScope';
import { prometheus, without } from '../support/tools';
import { queriesFor } from './dashboards';

/** When the series begin, and how long they are, in seconds. */
const START = 1_800_000_000;
const LENGTH = 7800;

/** When what is rare happens, once. */
const HAPPENED = START + 3600;
const AN_HOUR_LATER = HAPPENED + 3540;

interface Series {
  labels: Record<string, string>;
  /** The value at a moment, or none. */
  at: (time: number) => number | undefined;
}

const REPLICAS = ['a:9464', 'b:9464'];

for (const seconds of [15, 60]) {
  for (const scope of ['scraped', 'pushed'] as const) {
    describe(
      `two replicas, ${scope} every ${seconds} s`,
      { skip: without(prometheus(3).server) },
      () => {
        const suite = suiteScope();
        let server: Prometheus;
        before(async () => {
          server = await Prometheus.serve(suite, {
            openmetrics: written(twoReplicas(scope), seconds),
          });
        });

        /** What a panel shows at a moment, by the labels that are asked for. */
        const shown = async (
          where: string,
          time: number,
          labels: string[] = [],
          chosen = { job: '(backstage)' },
        ): Promise<Record<string, number>> => {
          const [found] = queriesFor(chosen).filter(
            query => query.where === `Backstage / ${where}`,
          );
          assert.ok(found, where);
          const data = await server.get('query', {
            query: found.expr,
            time: String(time),
          });
          const { result } = data as {
            result: { metric: Record<string, string>; value: [0, string] }[];
          };
          return Object.fromEntries(
            result.map(({ metric, value }) => [
              labels.map(label => metric[label]).join(' '),
              Math.round(Number(value[1]) * 1000) / 1000,
            ]),
          );
        };
        const NOW = START + LENGTH;

        test('estimates that PostgreSQL does not have are not shown', async () => {
          assert.deepEqual(await shown('Catalog, Locations', NOW), {});
          assert.deepEqual(await shown('Catalog, Relations', NOW), {
            '': 70,
          });
        });

        test('what both count is shown once, and of each environment', async () => {
          assert.deepEqual(await shown('Catalog, Entities', NOW), {
            '': 42 + 5,
          });
        });

        test('the replica whose pool is full is shown', async () => {
          assert.deepEqual(
            await shown('Overview, Connections in use', NOW, ['plugin']),
            { catalog: 1 },
          );
        });

        test('probes are no requests, and the first failure of a route is one', async () => {
          const { '': requests } = await shown('Overview, Requests', NOW);
          assert.ok(Math.abs(requests - 0.2) < 0.01, String(requests));
          const time = HAPPENED + 120;
          const { '': failed } = await shown('Overview, Errors', time);
          assert.ok(failed > 0.01 && failed < 0.03, String(failed));
          assert.deepEqual(
            await shown('Overview, Routes with errors', NOW, ['http_route']),
            {},
          );
          assert.deepEqual(
            await shown('Overview, Routes with errors', time, ['http_route']),
            { '/api/catalog/refresh': 1 },
          );
        });

        test('the first failed run of a task is drawn, once, and beside it another plugin', async () => {
          const bars = [];
          for (let time = HAPPENED - 240; time <= HAPPENED + 480; time += 120) {
            bars.push(
              await shown('Scheduler, events, cache, Failed runs', time, [
                'plugin',
                'taskId',
              ]),
            );
          }
          const sums: Record<string, number> = {};
          for (const [task, runs] of bars.flatMap(Object.entries)) {
            sums[task] = (sums[task] ?? 0) + (runs as number);
          }
          assert.deepEqual(sums, { 'catalog index': 1, 'search index': 0 });
        });

        test('tasks that ended on an instance that is gone are known', async () => {
          const ended = await shown(
            'Scheduler, events, cache, Time since the last end',
            NOW,
            ['plugin', 'taskId'],
          );
          assert.equal(ended['search nightly'], LENGTH - 600);
        });

        test('how long the only task took is shown an hour later', async () => {
          for (const panel of ['Duration, median', 'Duration, p95']) {
            const { '': value } = await shown(
              `Scaffolder, ${panel}`,
              AN_HOUR_LATER,
            );
            assert.ok(value > 10 && value <= 30, `${panel}: ${value}`);
          }
          assert.deepEqual(
            await shown('Scaffolder, Failed tasks', AN_HOUR_LATER),
            {
              '': 1,
            },
          );
        });

        test('both are up, and nobody else', async () => {
          const up = await shown('Overview, Up', NOW, ['instance']);
          assert.deepEqual(up, { 'a:9464': 1, 'b:9464': 1 });
          assert.deepEqual(await shown('Overview, Instances', NOW), { '': 3 });
        });
      },
    );
  }
}

/** Production has two replicas, staging one; beside them is a job of somebody else. */
function twoReplicas(scope: 'scraped' | 'pushed'): Series[] {
  const series: Series[] = [];
  const add = (
    name: string,
    labels: Record<string, string>,
    at: Series['at'] | number,
  ) =>
    series.push({
      labels: { __name__: name, ...labels },
      at: typeof at === 'number' ? () => at : at,
    });
  const since = (time: number) => (now: number) => (now > time ? 1 : undefined);
  const environments = [
    ...REPLICAS.map(instance => ({ instance, namespace: 'production' })),
    { instance: 'a:9464', namespace: 'staging' },
  ];
  for (const [index, environment] of environments.entries()) {
    const of = { job: 'backstage', ...environment };
    const inScope = (plugin: string) => ({
      ...of,
      ...(scope === 'scraped' && {
        otel_scope_name: `backstage-plugin-${plugin}`,
      }),
    });
    add('target_info', { ...of, telemetry_sdk_name: 'nativestage' }, 1);
    if (scope === 'scraped') {
      add('up', of, 1);
    }
    const first = index === 0;
    const production = environment.namespace === 'production';
    const gauge = (name: string, value: number, labels = {}) =>
      add(`backstage_plugin_catalog_${name}`, { ...of, ...labels }, value);
    gauge('entities_count', production ? 40 : 5, { kind: 'component' });
    gauge('entities_count', production ? 2 : 0, { kind: 'user' });
    gauge('locations_count', -1);
    gauge('relations_count', production ? 70 : -1);
    const pool = { ...of, plugin: 'catalog' };
    const connections = 'backstage_core_database_connections';
    add(`${connections}_active`, pool, first ? 10 : 0);
    add(`${connections}_limit`, pool, 10);
    if (!production) {
      continue;
    }
    const requests = (
      http_route: string,
      status: string,
      at: Series['at'],
      labels = {},
    ) =>
      add(
        'backstage_core_http_requests_total',
        {
          ...of,
          ...labels,
          http_route,
          http_response_status_class: status,
        },
        at,
      );
    requests('/.backstage/health/v1/readiness', '2xx', now => now - START);
    const plugin = { plugin: 'catalog' };
    requests('/api/catalog/entities', '2xx', now => (now - START) / 10, plugin);
    if (first) {
      requests('/api/catalog/refresh', '5xx', since(HAPPENED), plugin);
    }
    const runs = (id: string, labels: object, at: Series['at']) =>
      add(
        `backstage_plugin_${id}_scheduler_task_runs_count_total`,
        { ...inScope(id), taskId: 'index', ...labels },
        at,
      );
    if (first) {
      runs('catalog', { result: 'failed' }, since(HAPPENED));
      runs('search', { result: 'failed' }, () => 3);
      add(
        'backstage_plugin_search_scheduler_task_runs_completed_timestamp_seconds',
        { ...inScope('search'), taskId: 'nightly', result: 'completed' },
        now => (now < START + 1200 ? START + 600 : undefined),
      );
      const template = { template: 'template:default/service' };
      const scaffolder = 'backstage_plugin_scaffolder_tasks';
      add(
        `${scaffolder}_completed_total`,
        { ...of, ...template, result: 'failed' },
        since(HAPPENED),
      );
      for (const [le, value] of [
        ['10', 0],
        ['30', 1],
        ['+Inf', 1],
      ] as const) {
        add(
          `${scaffolder}_duration_seconds_bucket`,
          { ...of, ...template, le, result: 'failed' },
          now => (now > HAPPENED ? value : undefined),
        );
      }
    }
  }
  add('up', { job: 'backstage-postgres-exporter', instance: 'db:9187' }, 1);
  return series;
}

/** In OpenMetrics, as Prometheus would have read it. */
function written(series: Series[], seconds: number): string {
  const lines: string[] = [];
  let described = '';
  for (const { labels, at } of series.sort((a, b) =>
    a.labels.__name__.localeCompare(b.labels.__name__),
  )) {
    const { __name__: name, ...others } = labels;
    if (name !== described) {
      lines.push(`# TYPE ${name} unknown`);
      described = name;
    }
    const list = Object.entries(others).map(
      ([label, value]) => `${label}=${JSON.stringify(value)}`,
    );
    // Not in step with the moments that are asked for.
    for (let time = START + 7; time <= START + LENGTH; time += seconds) {
      const value = at(time);
      if (value !== undefined) {
        lines.push(`${name}{${list.join(',')}} ${value} ${time}`);
      }
    }
  }
  return [...lines, '# EOF', ''].join('\n');
}
