import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { format } from 'prettier';
import { eventually } from '../support/eventually';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';
import { samples } from '../support/samples';

const EXAMPLE = path.resolve('packages/backend');
const TABLE = path.resolve('docs/before-and-after.md');

/** What the plugins of the backend have emitted once all of them have done something. */
const EMITTED = [
  'catalog_processing_duration_count',
  'catalog_stitching_duration_count',
  'scaffolder_task_count_total',
  'scaffolder_step_count_total',
  'backend_tasks_task_runs_completed',
  'catalog_processing_queue_delay_seconds_count',
];

interface Pages {
  /** OpenTelemetry's SDK and its exporter. */
  sdk: string;
  promClient: string;
  ours: string;
}

test('every metric of a real backend is on the page under its old name, and under a new one', async t => {
  const pages = await start(t);
  const { sdk, promClient, ours } = await eventually(
    () => atOneMoment(pages),
    60_000,
  );
  const after = samples(ours);
  for (const [series, value] of samples(sdk)) {
    assert.equal(after.get(series), value, series);
  }

  const sdkNames = names(sdk);
  const twins = [...names(promClient)].filter(([name]) => sdkNames.has(name));
  for (const [series, value] of samples(promClient)) {
    const name = twins.find(([twin]) => series.startsWith(twin));
    if (!name) {
      assert.equal(after.get(series), value, series);
    }
  }
  // One name can mean one thing: of these the page has the one of OpenTelemetry, which has more
  // labels and, in histograms, other buckets.
  assert.deepEqual(twins.map(([name]) => name).sort(), [
    'catalog_entities_count',
    'catalog_registered_locations_count',
    'catalog_relations_count',
    'scaffolder_step_duration',
    'scaffolder_task_duration',
  ]);
  const unscoped = new Map(
    [...after].map(([series, value]) => [
      series.replace(/otel_scope_\w+="[^"]*",?/g, '').replace(/,\}$/, '}'),
      value,
    ]),
  );
  for (const [series, value] of samples(promClient)) {
    const found = unscoped.get(series);
    if (series.includes('_duration_sum{')) {
      // The scaffolder takes the time twice.
      assert.ok(
        Math.abs(found! - value) < 0.5,
        `${series}: ${found}, ${value}`,
      );
    } else if (!series.includes('_bucket{')) {
      assert.equal(found, value, series);
    }
  }

  const added = [...names(ours)].filter(
    ([name]) => !sdkNames.has(name) && !names(promClient).has(name),
  );
  for (const [name] of added) {
    assert.match(
      name,
      /^(backstage_(plugin|core)_[a-z][a-z0-9_]*|otel_sdk_\w+|target_info|nativestage_metrics_\w+)$/,
    );
  }
  await check(table({ sdk, promClient, ours }));
});

/** A table of the names, from what a backend emitted. */
function table({ sdk, promClient, ours }: Pages): string {
  const successors = new Map(
    [...ours.matchAll(/^# HELP (\S+) Deprecated, use (\S+)\./gm)].map(
      ([, name, successor]) => [name, successor],
    ),
  );
  const both = [...names(sdk).keys()].filter(name =>
    names(promClient).has(name),
  );
  const rows = [
    ...[...names(sdk)].map(([name, kind]) => [
      name,
      kind,
      both.includes(name) ? 'both' : 'OpenTelemetry',
    ]),
    ...[...names(promClient)]
      .filter(([name]) => !both.includes(name))
      .map(([name, kind]) => [name, kind, 'prom-client']),
  ];
  const after = names(ours);
  return rows
    .map(([name, kind, source]) => {
      const successor = successors.get(name) ?? '';
      const pattern = new RegExp(
        `^${successor.replaceAll('.', '_').replace('{id}', '\\w+')}(_seconds)?(_total)?$`,
      );
      const found = [...after.keys()].filter(found => pattern.test(found));
      assert.ok(found.length > 0, `${name} has no successor: ${successor}`);
      const shown = found[0].replace(
        /^backstage_plugin_\w+_scheduler/,
        'backstage_plugin_{id}_scheduler',
      );
      return `| \`${name}\` | ${kind} | ${source} | \`${shown}\` |`;
    })
    .sort()
    .join('\n');
}

/** Compares with the documentation, or writes it: `UPDATE_DOCS=1`. */
async function check(rows: string): Promise<void> {
  const page = await readFile(TABLE, 'utf8');
  if (process.env.UPDATE_DOCS) {
    const heading = '| today | type | from | new name |\n| - | - | - | - |\n';
    const whole = page.replace(
      /(<!-- begin:.*-->\n)[^]*(<!-- end -->)/,
      (_, begin: string, end: string) =>
        `${begin}\n${heading}${rows}\n\n${end}`,
    );
    await writeFile(TABLE, await format(whole, { parser: 'markdown' }));
    return;
  }
  const written = [...page.matchAll(/^\| +`.*$/gm)]
    .map(([line]) => line.replace(/ +/g, ' '))
    .join('\n');
  assert.equal(written, rows, `UPDATE_DOCS=1 writes ${TABLE}`);
}

async function start(t: TestContext) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const page = await freePort();
  const program = Program.node(t, 'backstage/teed.cjs', {
    args: ['--config', path.join(EXAMPLE, 'app-config.yaml')],
    cwd: EXAMPLE,
    env: {
      APP_CONFIG_backend_listen_port: String(port),
      APP_CONFIG_backend_baseUrl: JSON.stringify(url),
      APP_CONFIG_backend_metrics_exporters_prometheus_port: String(page),
    },
    limit: 120_000,
  });
  const [, today] = await program.line(/today's pages on (\S+)/);
  await eventually(async () => {
    const health = await fetch(`${url}/.backstage/health/v1/readiness`);
    assert.equal(health.status, 200);
  }, 60_000);
  await eventually(() => scaffold(url), 60_000);
  return { today, ours: `http://127.0.0.1:${page}/metrics` };
}

async function scaffold(url: string): Promise<void> {
  const response = await fetch(`${url}/api/scaffolder/v2/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      templateRef: 'template:default/service',
      values: { name: 'before-and-after' },
    }),
  });
  assert.equal(response.status, 201, await response.text());
}

/** All pages, of a moment when nothing moved while they were read. */
async function atOneMoment(urls: {
  today: string;
  ours: string;
}): Promise<Pages> {
  const read = async (url: string) => (await fetch(url)).text();
  const before = async () => ({
    sdk: await read(`${urls.today}/sdk`),
    promClient: await read(`${urls.today}/prom-client`),
  });
  const first = await before();
  const ours = await read(urls.ours);
  assert.deepEqual(await before(), first, 'the backend is at work');
  for (const name of EMITTED) {
    assert.match(ours, new RegExp(`^${name}\\{|^${name} `, 'm'));
  }
  return { ...first, ours };
}

/** The families of a page, with their types. */
function names(page: string): Map<string, string> {
  return new Map(
    [...page.matchAll(/^# TYPE (\S+) (\S+)\n(?=\w)/gm)].map(
      ([, name, type]) => [name, type],
    ),
  );
}
