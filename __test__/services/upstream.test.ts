import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { NativeRename, NativeRootMetricsService } from '../../binding';
import { type Ending, Program } from '../support/Program';

const ROOT = path.join(__dirname, '../..');
const { NativeRootMetricsService: service } = createRequire(__filename)(
  '../../binding.js',
) as { NativeRootMetricsService: typeof NativeRootMetricsService };
const RENAMES = service.renames('backstage');
const TYPES = readFileSync(
  path.join(ROOT, 'scripts/upstream/metricsTypes.txt'),
  'utf8',
);

test('packages that measure what the table has are no news', async t => {
  const { code, stdout } = await compare(t, {});
  assert.match(stdout, /^Nothing is new/m);
  assert.equal(code, 0, stdout);
});

/** What upstream changes, and what is printed then. */
const NEWS: [
  what: string,
  changes: { code?: Record<string, string>; without?: string; types?: string },
  expected: RegExp[],
][] = [
  [
    'a metric that the table lacks, whatever the code looks like',
    {
      code: {
        'a.cjs.js': `const NAME = "kitchen.ovens.count";
          class A { #m; constructor(o) { this.#m = { x: o.metrics.createUpDownCounter(NAME, { unit: "{oven}" }) }; } }`,
        'b.esm.js':
          'metrics\n.createHistogram(\n  `kitchen.baking.duration`,\n)',
      },
    },
    [
      /^new: up-down counter kitchen\.ovens\.count \(@backstage\/plugin-new-backend 1\.0\.0, dist.a\.cjs\.js\)$/m,
      /^new: histogram kitchen\.baking\.duration /m,
      /^2 differences\./m,
    ],
  ],
  [
    'a metric that is gone',
    { without: 'backend_tasks.task.runs.count' },
    [
      /^gone: counter backend_tasks\.task\.runs\.count \(renames\.rs\)$/m,
      /^1 differences\./m,
    ],
  ],
  [
    'a metric whose name is computed',
    { code: { 'a.js': 'metrics.createGauge(prefix + ".size", {})' } },
    [/^unreadable: the name of a gauge of @backstage\/plugin-new-backend /m],
  ],
  [
    'a metric of another kind and unit',
    {
      without: 'catalog.stitching.duration',
      code: {
        'a.js': 'm.createGauge("catalog.stitching.duration", { unit: "ms" })',
      },
    },
    [
      /^changed: catalog\.stitching\.duration is a gauge, in the table a histogram /m,
      /^changed: catalog\.stitching\.duration is in "ms", in the table in "s" /m,
      /^2 differences\./m,
    ],
  ],
  [
    'a metric that moved from a meter to the metrics service',
    {
      without: 'catalog.events.scm.actions',
      code: { 'a.js': 'm.createCounter("catalog.events.scm.actions")' },
    },
    [
      /^changed: catalog\.events\.scm\.actions comes from the metrics service, in the table from the meter "default" /m,
    ],
  ],
  [
    'a metric that another plugin took over',
    {
      without: 'mcp.server.session.duration',
      code: {
        'a.js': 'm.createHistogram("mcp.server.session.duration")',
        '../package.json': '{"backstage":{"pluginId":"mcp"}}',
      },
    },
    [
      /^changed: mcp\.server\.session\.duration belongs to the plugin mcp, in the table to mcp-actions /m,
    ],
  ],
  [
    'a metric of prom-client, however its class is wrapped',
    {
      code: {
        'a.js':
          'require("@prometheus-io/client"); make({ name: "ovens", help: "How many", labelNames: [] })',
      },
    },
    [/^new in prom-client: ovens /m],
  ],
  [
    'a twin that is gone',
    { without: 'catalog_relations_count' },
    [
      /^gone: observable gauge catalog_relations_count /m,
      /^gone from prom-client: catalog_relations_count /m,
    ],
  ],
  [
    'a method of the service, and another option',
    {
      types: TYPES.replace(
        'interface MetricsService {',
        'interface MetricsService {\n  createSummary(name: string): void;',
      ).replace(
        'description?: string;',
        'description?: string;\n  scale?: number;',
      ),
    },
    [
      /^types changed:\n {2}- interface MetricOptions/m,
      /^ {2}\+ {3}scale\?: number;/m,
      /^not in our MetricsService: createSummary /m,
    ],
  ],
  [
    'a reference that is exported elsewhere',
    { types: `${TYPES}\nexport { metricsServiceRef };\n` },
    [/^ {2}\+ \/\/ metricsServiceRef: alpha\.d\.ts, index\.d\.ts$/m],
  ],
];
for (const [what, changes, expected] of NEWS) {
  test(`tells ${what}`, async t => {
    const { code, stdout, stderr } = await compare(t, changes);
    assert.equal(stderr, '');
    for (const line of expected) {
      assert.match(stdout, line);
    }
    assert.equal(code, 1);
  });
}

test('a service that passes names on, and metrics of other libraries, are no news', async t => {
  const { code, stdout } = await compare(t, {
    code: {
      'a.js':
        'class S { createCounter(name, o) { return this.meter.createCounter(name, o); } }',
      'b.js': 'register({ name: "option", help: "of a command line" })',
    },
  });
  assert.equal(code, 0, stdout);
});

test('a note covers one difference, and leaves the list with it', async () => {
  const { unnoted } = (await import(
    pathToFileURL(path.join(ROOT, 'scripts/upstream/compare.mjs')).href
  )) as {
    unnoted: (findings: object[], accepted: object[]) => { what: string }[];
  };
  const findings = [
    { what: 'new: counter a.b', where: 'here' },
    { what: 'gone: gauge c.d', where: 'there' },
  ];
  const noted = { what: 'new: counter a.b', reason: 'has a good name already' };
  assert.deepEqual(unnoted(findings, [noted]), [findings[1]]);
  assert.deepEqual(
    unnoted([], [noted]).map(({ what }) => what),
    ['no longer found: new: counter a.b'],
  );
  assert.throws(
    () => unnoted(findings, [{ what: 'new: counter a.b' }]),
    /needs `what` and `reason`/,
  );
});

/** Compares with packages that measure what the table has, but for the changes. */
function compare(
  t: TestContext,
  { code = {}, without, types = TYPES }: (typeof NEWS)[number][1],
): Promise<Ending> {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-upstream-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, files: Record<string, string>, more = {}) => {
    const dist = path.join(folder, name, 'dist');
    mkdirSync(dist, { recursive: true });
    const manifest = { name, version: '1.0.0', ...more };
    for (const [file, text] of Object.entries({
      ...files,
      '../package.json': JSON.stringify({
        ...(JSON.parse(files['../package.json'] ?? '{}') as object),
        ...manifest,
      }),
    })) {
      writeFileSync(path.join(dist, file), text);
    }
  };
  const inTable = RENAMES.filter(({ old }) => old !== without);
  for (const plugin of new Set(inTable.map(one => one.plugin))) {
    const own = inTable.filter(one => one.plugin === plugin);
    write(
      `@backstage/plugin-${plugin === '{id}' ? 'any' : plugin}-backend`,
      { 'index.cjs.js': own.map(creates).join('\n') },
      { backstage: plugin === '{id}' ? {} : { pluginId: plugin } },
    );
  }
  write('@backstage/plugin-new-backend', code);
  const isMoved = types.endsWith('export { metricsServiceRef };\n');
  write('@backstage/backend-plugin-api', {
    'alpha.d.ts': isMoved ? types : `${types}\nexport { metricsServiceRef };\n`,
    ...(isMoved && {
      'index.d.ts': "export { metricsServiceRef } from './alpha';",
    }),
  });
  return Program.command(
    t,
    process.execPath,
    ['scripts/upstream.mjs', '--in', folder],
    { cwd: ROOT },
  ).ending;
}

/** As Backstage's packages have it, with one of their ways to write no unit. */
function creates({ kind, old, unit, meter, twin }: NativeRename): string {
  const method = `create${kind.replaceAll(/(?:^|[ -])(\w)/g, (_, first: string) => first.toUpperCase())}`;
  const receiver =
    meter === undefined
      ? 'metrics'
      : `metrics.getMeter(${JSON.stringify(meter)})`;
  const options = { unit: unit === 's' ? 'seconds' : 'short' };
  const client = `require("prom-client"); createMetric({ name: "${twin}", help: "" });`;
  return `${receiver}.${method}("${old}", ${JSON.stringify(options)});${twin === undefined ? '' : client}`;
}
