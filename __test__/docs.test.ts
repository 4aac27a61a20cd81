import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import {
  createMeterProvider,
  type MetricsOptions,
} from '@nativestage/metrics/sdk';
import type { Entity } from '@backstage/catalog-model';
import {
  ALERT_ANNOTATION,
  checkQuery,
  PANELS_ANNOTATION,
  panelsOf,
  parseAlerts,
} from '@nativestage/backstage-plugin-prometheus-common';
import { parse } from 'yaml';
import { AppFixture } from './doctor/AppFixture';
import { eventually } from './support/eventually';
import { freePort } from './support/ports';
import { preloading, Program, runNode } from './support/Program';
import { pipe, prometheus, without } from './support/tools';

const ROOT = path.join(__dirname, '..');
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');

interface Example {
  page: string;
  /** As it stands behind the fence: `ts`, `yaml`. */
  language: string;
  code: string;
}

const pages = [
  'README.md',
  ...markdown('docs'),
  ...readdirSync(path.join(ROOT, 'plugins')).map(plugin =>
    path.join('plugins', plugin, 'README.md'),
  ),
];
const examples = pages.flatMap(page =>
  [...read(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(
    ([, language, code]): Example => ({ page, language, code }),
  ),
);

/** A file that a test runner runs. */
const OF_A_RUNNER = /^\/\/ \S+\.test\.ts$/m;

/** Every kind of example that there is, and what is done with it. */
const KINDS: Record<
  string,
  (t: TestContext, example: Example) => Promise<void>
> = {
  ts: runs,
  // Compiled with all the others; the apps of __test__/browser show what it does.
  tsx: () => Promise.resolve(),
  js: preloads,
  yaml: configures,
  promql: asks,
  // What is printed, not run.
  text: () => Promise.resolve(),
  sh: types,
  // GitHub draws it.
  mermaid: () => Promise.resolve(),
};

for (const page of pages) {
  describe(`the examples of ${page}`, () => {
    for (const example of examples.filter(one => one.page === page)) {
      const [title] = example.code
        .split('\n')
        .filter(line => !/^(import|\/\/|$)/.test(line));
      test(`${example.language}: ${title}`, async t => {
        const check = KINDS[example.language];
        assert.ok(check, `nobody checks ${example.language}`);
        await check(t, example);
      });
    }
  });

  test(`the links of ${page} lead somewhere`, () => {
    for (const [, target] of read(page).matchAll(/\]\(([^)]+)\)/g)) {
      const [file, anchor] = target.split('#');
      if (!/^https?:/.test(target)) {
        const found = path.join(ROOT, path.dirname(page), file);
        assert.ok(file === '' || existsSync(found), target);
        if (anchor) {
          const text = read(file === '' ? page : path.relative(ROOT, found));
          assert.ok(anchors(text).includes(anchor), target);
        }
      }
    }
  });
}

test('the TypeScript in the documentation compiles', async t => {
  const folder = temporary(t);
  examples
    .filter(
      ({ language, code }) =>
        language.startsWith('ts') && !OF_A_RUNNER.test(code),
    )
    .forEach(({ language, code }, index) => {
      const extension = language === 'tsx' ? 'tsx' : 'mts';
      writeFileSync(path.join(folder, `example${index}.${extension}`), code);
    });
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../tsconfig.json',
      // As Backstage's apps are compiled.
      compilerOptions: {
        module: 'preserve',
        moduleResolution: 'bundler',
        jsx: 'react-jsx',
        lib: ['ES2022', 'DOM'],
        noEmit: true,
      },
      include: ['*'],
    }),
  );
  const { code, stdout } = await runNode(t, TSC, { args: ['-p', folder] });
  assert.equal(code, 0, stdout);
});

/** A whole program, a plugin, or the entry of a backend: by what it does. */
async function runs(t: TestContext, { code }: Example): Promise<void> {
  if (OF_A_RUNNER.test(code)) {
    // Of Jest or Vitest, which run it in __test__/packages/jest.test.ts.
    return;
  }
  const file = path.join(temporary(t), 'example.mts');
  writeFileSync(file, code);
  if (code.includes('createBackend()')) {
    await serves(t, file);
  } else if (/createBackend(Plugin|Module)\(/.test(code)) {
    const entry = file.replace('example', 'entry');
    writeFileSync(entry, STARTS_PLUGINS);
    await serves(t, entry);
  } else {
    const { code: exit, stderr } = await runNode(t, file, {
      execArgv: ['--import', 'tsx'],
      cwd: ROOT,
    });
    assert.equal(exit, 0, stderr);
    assert.doesNotMatch(stderr, /Assertion failed/);
  }
}

const STARTS_PLUGINS = `
import { createBackend } from '@backstage/backend-defaults';
import * as example from './example.mts';
const backend = createBackend();
backend.add(import('@nativestage/metrics'));
const features = Object.values(example).filter(({ $$type }) => $$type !== '@backstage/ServiceRef');
features.forEach(feature => backend.add(feature));
backend.start();
`;

const SERVES_PROMETHEUS = `
import { createBackend } from '@backstage/backend-defaults';
const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
backend.start();
`;

/** Starts a backend, with more configuration if need be, and waits for its page if it has one. */
async function serves(
  t: TestContext,
  entry: string,
  env: Record<string, string> = {},
  more: object = {},
): Promise<void> {
  const [port, page] = [await freePort(), await freePort()];
  const config = path.join(path.dirname(entry), 'app-config.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      app: { baseUrl: `http://localhost:${port}` },
      backend: {
        baseUrl: `http://localhost:${port}`,
        listen: { host: '127.0.0.1', port },
        database: { client: 'better-sqlite3', connection: ':memory:' },
        metrics: { exporters: { prometheus: { port: page } } },
      },
      ...more,
    }),
  );
  const program = Program.node(t, entry, {
    execArgv: ['--import', 'tsx'],
    args: ['--config', config],
    cwd: ROOT,
    env: { NODE_ENV: 'production', ...env },
  });
  await eventually(async () => {
    const url = `http://127.0.0.1:${port}/.backstage/health/v1/readiness`;
    assert.equal((await fetch(url)).status, 200);
  }, 60_000).catch((error: unknown) => {
    throw new Error(program.stdout + program.stderr, { cause: error });
  });
  if (readFileSync(entry, 'utf8').includes("'@nativestage/metrics'")) {
    const response = await fetch(`http://127.0.0.1:${page}/metrics`);
    assert.match(await response.text(), /^target_info/m);
  }
  assert.doesNotMatch(program.stdout, /\berror\b/);
}

/** A file for \`--require\`, beside a backend. */
async function preloads(t: TestContext, { code }: Example): Promise<void> {
  const folder = temporary(t);
  const preloaded = path.join(folder, 'instrumentation.cjs');
  writeFileSync(preloaded, code);
  const entry = path.join(folder, 'entry.mts');
  writeFileSync(
    entry,
    STARTS_PLUGINS.replace(/^.*(example|features).*$/gm, ''),
  );
  await serves(t, entry, {
    ...preloading([preloaded]),
    OTEL_TRACES_EXPORTER: 'none',
  });
}

/**
 * A part of app-config.yaml, or of prometheus.yml, or an entity, or a file of declarative
 * configuration, by what it has.
 */
async function configures(t: TestContext, { code }: Example): Promise<void> {
  const config = parse(code) as {
    app?: { extensions: unknown };
    backend?: { metrics: MetricsOptions };
    file_format?: string;
    kind?: string;
    prometheus?: object;
    scrape_configs?: unknown;
  };
  if (config.kind) {
    annotates(config as Entity);
    return;
  }
  if (config.app) {
    // The app of the new frontend system runs with it: __test__/browser/appStates.test.ts.
    assert.ok(config.app.extensions);
    return;
  }
  if (config.scrape_configs) {
    await checkedByPromtool(t, 'config', code);
    return;
  }
  if (config.prometheus) {
    const entry = path.join(temporary(t), 'entry.mts');
    writeFileSync(entry, SERVES_PROMETHEUS);
    await serves(
      t,
      entry,
      { MIMIR_TOKEN: 'token', OAUTH_SECRET: 'secret' },
      config,
    );
    return;
  }
  if (config.file_format) {
    const file = path.join(temporary(t), 'otel.yaml');
    writeFileSync(file, code);
    const ending = await runNode(t, 'lifecycle/environment.cjs', {
      // The file is read all the same; nothing listens, and nobody is there to export to.
      args: ['{"exporters":{"prometheus":false,"otlp":false}}'],
      env: {
        OTEL_CONFIG_FILE: file,
        COLLECTOR: 'http://127.0.0.1:4318',
        OTLP_AUTH: 'x',
      },
    });
    assert.match(ending.stdout, /flushed/, ending.stderr);
    assert.doesNotMatch(ending.stdout + ending.stderr, /otel\.yaml/);
    return;
  }
  assert.ok(config.backend, code);
  const { exporters, ...rest } = config.backend.metrics;
  const { prometheus: page, otlp = [] } = exporters ?? {};
  const collectors = [otlp]
    .flat()
    .filter(options => typeof options === 'object');
  const provider = createMeterProvider({
    ...rest,
    exporters: {
      // As it stands, but no fixed port, and no file that is not there.
      prometheus:
        typeof page === 'object'
          ? { ...page, host: '127.0.0.1', port: 0 }
          : { port: 0 },
      otlp:
        collectors.length > 0 &&
        collectors.map(options => ({
          ...options,
          endpoint: 'http://127.0.0.1:9',
          tls: undefined,
        })),
    },
  });
  t.after(() => provider.shutdown().catch(() => {}));
}

/** Docker, a cluster, a whole app: of what needs them, the shell reads the syntax and no more. */
const NEEDS_MORE = /^(docker|kubectl|yarn) /m;

/** What a reader types: to install and test this very project, in an app, or between two pages. */
async function types(t: TestContext, { code }: Example): Promise<void> {
  if (code.startsWith('npm ci && npm ')) {
    return;
  }
  if (NEEDS_MORE.test(code)) {
    await promisify(execFile)('sh', ['-nc', code]);
    for (const [file] of code.matchAll(/\bdeploy\/[\w/.-]+/g)) {
      assert.ok(existsSync(path.join(ROOT, file)), file);
    }
    for (const [, name] of code.matchAll(/^yarn .* add (\S+)$/gm)) {
      assert.ok(existsSync(path.join(ROOT, 'node_modules', name)), name);
    }
    return;
  }
  const env = { ...process.env, npm_config_offline: 'true' };
  const app = await AppFixture.create(t);
  app.linkCommand();
  app.write('before.txt', '# HELP a A\na_total 1\nb{x="1"} 2\n');
  app.write('after.txt', 'b{x="1"} 2\nnew_a 1\na_total 1\n');
  const run = () =>
    promisify(execFile)('sh', ['-ec', code], { cwd: app.directory, env });
  const { stdout } = await run();
  if (code.startsWith('npx @nativestage/metrics doctor')) {
    assert.match(stdout, /0 problems, 0 warnings/);
    return;
  }
  assert.equal(stdout, '', 'no name is missing');
  app.write('after.txt', 'a_total 1\n');
  assert.equal((await run()).stdout, 'b\n');
}

/** What an entity asks for can be read. */
function annotates(entity: Entity): void {
  const annotations = entity.metadata.annotations!;
  const { panels, problems } = panelsOf(entity);
  assert.deepEqual(problems, []);
  assert.ok(panels.length > 0);
  for (const { query } of panels) {
    assert.equal(checkQuery(query), undefined);
  }
  if (annotations[PANELS_ANNOTATION] !== undefined) {
    return;
  }
  assert.ok(parseAlerts(annotations[ALERT_ANNOTATION]).length > 0);
}

async function asks(t: TestContext, { code }: Example): Promise<void> {
  const rule = { record: 'example', expr: code };
  await checkedByPromtool(
    t,
    'rules',
    JSON.stringify({ groups: [{ name: 'examples', rules: [rule] }] }),
  );
}

async function checkedByPromtool(
  t: TestContext,
  what: 'config' | 'rules',
  content: string,
): Promise<void> {
  const { promtool } = prometheus(3);
  const missing = without(promtool);
  if (missing) {
    t.skip(missing);
    return;
  }
  const folder = temporary(t);
  const file = path.join(folder, 'checked.yaml');
  writeFileSync(file, content);
  writeFileSync(path.join(folder, 'metrics-token'), 'token');
  const { code, stderr } = await pipe(promtool, ['check', what, file], '');
  assert.equal(code, 0, stderr);
}

/** Inside the repository, so that the package's name resolves as it does for users. */
function temporary(t: TestContext): string {
  const folder = mkdtempSync(path.join(__dirname, 'docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function markdown(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder))
    .filter(file => file.endsWith('.md'))
    .map(file => path.join(folder, file));
}

function read(page: string): string {
  return readFileSync(path.join(ROOT, page), 'utf8');
}

/** As GitHub makes them of headings. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
