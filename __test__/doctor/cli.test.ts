import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runNode } from '../support/Program';
import type { Finding } from '../../ts/doctor/Finding';
import { AppFixture, ROOT } from './AppFixture';

interface Report {
  app: string;
  problems: number;
  warnings: number;
  findings: Finding[];
}

const { bin } = JSON.parse(
  readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
) as { bin: { metrics: string } };

const BIN = path.join(ROOT, bin.metrics);

const SECRET = 's3cret-531237';

test('a healthy app has no findings, and the report says what was checked', async t => {
  const app = await AppFixture.create(t);
  const { code, stdout, stderr } = await doctor(t, app);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(
    stdout,
    /All is well\. Checked:\n {2}- Node and the native addon\n/,
  );
  assert.match(stdout, /the running page: left out, nothing answers at http:/);
  assert.match(stdout, /\n0 problems, 0 warnings\n$/);
});

test('ten mistakes in one app are all found, each with what to do', async t => {
  const app = await AppFixture.create(t);
  plantTen(app);
  const { code, stdout, stderr } = await doctor(t, app, ['--json']);
  assert.deepEqual([code, stderr], [1, '']);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(
    report.findings.map(({ check, file }) => `${check} ${file}`),
    [
      'api-copies plugins/orders-backend/node_modules/@opentelemetry/api',
      'plugin-api node_modules/@backstage/backend-plugin-api',
      'backend-feature packages/backend/src/index.ts',
      'config app-config.yaml',
      'environment packages/backend/Dockerfile',
      'port app-config.yaml',
      'second-pipeline packages/backend/instrumentation.js:8',
      'register-first packages/backend/instrumentation.js:7',
      'one-off-metrics plugins/orders-backend/src/old.ts:1',
      'metric-names plugins/orders-backend/src/index.ts:11',
    ],
  );
  assert.deepEqual(
    [report.app, report.problems, report.warnings],
    [app.directory, 7, 3],
  );
  assert.ok(report.findings.every(({ fix }) => fix !== ''));

  const text = await doctor(t, app);
  assert.equal(text.code, 1);
  for (const { check, file, message, fix } of report.findings) {
    const paragraph = `  [${check}] ${file}: ${message}\n  Do this: ${fix}\n`;
    assert.ok(text.stdout.includes(paragraph), paragraph);
  }
  assert.ok(text.stdout.indexOf('Problems') < text.stdout.indexOf('Warnings'));
  assert.match(text.stdout, /\n7 problems, 3 warnings\n$/);
});

test('warnings alone are no failure', async t => {
  const app = await AppFixture.create(t);
  app.write('plugins/broken/package.json', '{ "name": ');
  const { code, stdout } = await doctor(t, app);
  assert.equal(code, 0);
  assert.match(stdout, /\n0 problems, 1 warning\n$/);
});

describe('wrong usage is answered with the usage', { concurrency: 2 }, () => {
  for (const args of [
    [],
    ['--help'],
    ['frobnicate'],
    ['doctor', 'twice'],
    ['doctor', '--nope'],
    ['doctor', '--url', 'nonsense'],
    ['doctor', '--url', 'ftp://127.0.0.1/'],
    ['doctor', '--url', 'http://me:s3cret@127.0.0.1/metrics'],
  ]) {
    test(`metrics ${args.join(' ')}`, async t => {
      const { code, stdout, stderr } = await runNode(t, BIN, { args });
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^Usage: metrics doctor \[options\]\n/);
      assert.doesNotMatch(stderr, /s3cret/);
    });
  }
});

test('a folder without an app is told in one line', async t => {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-no-app-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { code, stdout, stderr } = await runNode(t, BIN, {
    args: ['doctor', '--cwd', directory],
  });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^metrics doctor: there is no package\.json in .*\n$/);
});

test('a root whose package.json is broken is told in one line', async t => {
  const app = await AppFixture.create(t);
  app.write('package.json', '{');
  const { code, stdout, stderr } = await doctor(t, app);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^metrics doctor: .*package\.json: no valid JSON\n$/);
});

test('the app is found from a folder inside it', async t => {
  const app = await AppFixture.create(t);
  const cwd = path.join(app.directory, 'packages/backend/src');
  const { code, stdout } = await runNode(t, BIN, { args: ['doctor'], cwd });
  assert.equal(code, 0, stdout);
  assert.ok(
    stdout.startsWith(`@nativestage/metrics doctor: ${app.directory}\n`),
  );
});

test('configuration is read as Backstage does: several files, includes and variables', async t => {
  const app = await AppFixture.create(t);
  app.write('base.yaml', 'backend: { metrics: { $include: metrics.yaml } }\n');
  app.write('metrics.yaml', 'serviceName: ${NAME}\n');
  app.write(
    'production.yaml',
    `backend: { metrics: { exporters: { prometheus: { port: ${app.port} } } } }\n`,
  );
  const files = ['--config', 'base.yaml', '--config', 'production.yaml'];
  const healthy = await doctor(t, app, files, { NAME: 'acme' });
  assert.equal(healthy.code, 0, healthy.stdout);
  const wrong = await doctor(t, app, files, { NAME: 'My Portal' });
  assert.equal(wrong.code, 1);
  assert.match(
    wrong.stdout,
    /base\.yaml, production\.yaml: .*backend\.metrics\.serviceName: found "My Portal"/,
  );
});

describe('no report has a secret', { concurrency: 2 }, () => {
  const exporters = {
    prometheus: { token: SECRET, onBackend: true },
    otlp: { endpoint: `http://me:${SECRET}@c`, headers: { key: SECRET } },
  };
  const broken: [what: string, config: string][] = [
    ['of settings that are right', configOf({ exporters })],
    [
      'of a wrong token',
      configOf({ exporters: { prometheus: { token: [SECRET] } } }),
    ],
    [
      'of a wrong header',
      configOf({ exporters: { otlp: { headers: { a: `${SECRET}\n` } } } }),
    ],
    [
      'of a wrong endpoint',
      configOf({ exporters: { otlp: { endpoint: `ftp://me:${SECRET}@c` } } }),
    ],
    [
      'of a file that is no YAML',
      `backend:\n  token: ${SECRET}\n  - [${SECRET}: }`,
    ],
    ['of a file that repeats a key', `a: ${SECRET}\na: ${SECRET}\n`],
    ['of a list in place of settings', 'a: {$env: [' + SECRET + ']}'],
  ];
  for (const [what, config] of broken) {
    test(what, async t => {
      const app = await AppFixture.create(t);
      app.write('app-config.yaml', config);
      app.write('plugins/x/package.json', `{ "token": ${SECRET} }`);
      for (const format of [[], ['--json']]) {
        const { code, stdout, stderr } = await doctor(t, app, format, {
          METRICS_TOKEN: SECRET,
          OTEL_EXPORTER_OTLP_HEADERS: `authorization: ${SECRET}`,
          OTEL_EXPORTER_PROMETHEUS_PORT: String(app.port),
        });
        assert.ok(code === 0 || code === 1, stderr);
        assert.notEqual(stdout, '');
        assert.ok(!(stdout + stderr).includes(SECRET), stdout + stderr);
      }
    });
  }
});

test('without the addon the loader says why, and the other checks go on', async t => {
  const app = await AppFixture.create(t);
  const installed = withoutAddon(app);
  app.replace('packages/backend/src/index.ts', 'backend.add(import(', '// ');
  const ending = await runNode(t, path.join(installed, bin.metrics), {
    args: ['doctor', '--cwd', app.directory],
  });
  assert.deepEqual([ending.code, ending.stderr], [1, '']);
  assert.match(
    ending.stdout,
    /\[platform\] the native addon of @nativestage\/metrics cannot be loaded on/,
  );
  assert.match(ending.stdout, /\[backend-feature\]/);
  assert.match(ending.stdout, /\n2 problems, 0 warnings\n$/);
});

test('without @opentelemetry/api the doctor still runs and says so', async t => {
  const app = await AppFixture.create(t);
  const installed = withoutAddon(app);
  app.remove('node_modules/@opentelemetry/api');
  app.remove('node_modules/@backstage/backend-defaults');
  const ending = await runNode(t, path.join(installed, bin.metrics), {
    args: ['doctor', '--cwd', app.directory],
  });
  assert.deepEqual([ending.code, ending.stderr], [1, '']);
  assert.match(
    ending.stdout,
    /\[platform\] @nativestage\/metrics cannot be loaded: Cannot find module '@opentelemetry\/api'/,
  );
  assert.match(
    ending.stdout,
    /\[api-copies\] .*@opentelemetry\/api is not installed/,
  );
  assert.match(ending.stdout, /\n2 problems, 0 warnings\n$/);
});

function doctor(
  t: TestContext,
  { directory }: AppFixture,
  args: string[] = [],
  env: Record<string, string> = {},
) {
  return runNode(t, BIN, {
    args: ['doctor', '--cwd', directory, ...args],
    env,
  });
}

function plantTen(app: AppFixture): void {
  const backend = 'packages/backend';
  const plugin = 'plugins/orders-backend';
  app.config({}, { host: '0.0.0.0', port: 7007 });
  app.installCopy('@backstage/backend-plugin-api', '1.3.0');
  app.installCopy('@opentelemetry/api', '1.4.1', plugin);
  app.replace(
    `${plugin}/package.json`,
    '"version"',
    '"dependencies": { "@opentelemetry/api": "1.4.1" }, "version"',
  );
  app.replace(`${backend}/src/index.ts`, 'backend.add(import(', '// ');
  app.replace(
    `${backend}/Dockerfile`,
    'ENV',
    'ENV OTEL_SDK_DISABLED=true\nENV',
  );
  app.replace(`${backend}/instrumentation.js`, 'require(', '// require(');
  app.replace(
    `${backend}/instrumentation.js`,
    'metricReaders: []',
    'metricReader: new PrometheusExporter()',
  );
  app.write(`${plugin}/src/old.ts`, "import { Gauge } from 'prom-client';\n");
  app.replace(`${plugin}/src/index.ts`, 'orders.placed', 'placed');
}

/** JSON is YAML. */
function configOf(metrics: object): string {
  return JSON.stringify({ backend: { metrics } });
}

/** In place of the link to this repository, an installation whose addon is missing. */
function withoutAddon(app: AppFixture): string {
  const installed = path.join(
    app.directory,
    'node_modules/@nativestage/metrics',
  );
  rmSync(installed);
  mkdirSync(installed);
  for (const file of ['package.json', 'binding.js', 'dist']) {
    cpSync(path.join(ROOT, file), path.join(installed, file), {
      recursive: true,
    });
  }
  for (const name of ['config', 'plugin-events-node', 'types']) {
    const link = path.join(app.directory, 'node_modules/@backstage', name);
    symlinkSync(path.join(ROOT, 'node_modules/@backstage', name), link, 'dir');
  }
  return installed;
}
