import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type AppOptions, openApp } from '../../ts/doctor/App';
import { diagnose } from '../../ts/doctor/diagnose';
import { AppFixture } from './AppFixture';

interface Mistake {
  /** What is wrong, as a sentence. */
  mistake: string;
  plant: (app: AppFixture, t: TestContext) => unknown;
  /** As if the doctor ran there. */
  where?: Partial<AppOptions>;
  check: string;
  severity?: 'problem' | 'warning' | 'note';
  file?: string;
  message: RegExp;
  fix: RegExp;
}

const BACKEND = 'packages/backend';
const INDEX = `${BACKEND}/src/index.ts`;
const INSTRUMENTATION = `${BACKEND}/instrumentation.js`;
const PLUGIN = 'plugins/orders-backend';

const MISTAKES: Mistake[] = [
  {
    mistake: 'Node is too old',
    plant: () => {},
    where: { nodeVersion: '18.20.4' },
    check: 'platform',
    message: /Node 18\.20\.4 is not supported .* \^20\.17\.0/,
    fix: /nvm install 24/,
  },
  {
    mistake: 'Node is of a supported major version, but too old',
    plant: () => {},
    where: { nodeVersion: '20.16.0' },
    check: 'platform',
    message: /Node 20\.16\.0 is not supported/,
    fix: /current version/,
  },
  {
    mistake: 'a plugin brings an older copy of @opentelemetry/api',
    plant: app => {
      app.installCopy('@opentelemetry/api', '1.4.1', PLUGIN);
      app.replace(
        `${PLUGIN}/package.json`,
        '"version"',
        '"dependencies": { "@opentelemetry/api": "1.4.1" }, "version"',
      );
    },
    check: 'api-copies',
    file: `${PLUGIN}/node_modules/@opentelemetry/api`,
    message:
      /2 copies of @opentelemetry\/api .*1\.\d+\.\d+ \(.*1\.4\.1 \(plugins\/orders-backend\/node_modules\/@opentelemetry\/api\)/,
    fix: /npm dedupe.*"@opentelemetry\/api": "\^1\.9\.0".*overrides.*resolutions/,
  },
  {
    mistake: '@nativestage/metrics is not installed',
    plant: app => {
      app.replace(
        `${BACKEND}/package.json`,
        '"@nativestage/metrics": "^0.1.0",',
        '',
      );
    },
    check: 'package-copies',
    file: 'package.json',
    message: /@nativestage\/metrics is not installed/,
    fix: /yarn workspace backend add @nativestage\/metrics/,
  },
  {
    mistake: 'a plugin brings a copy of @nativestage/metrics of its own',
    plant: app => {
      app.json(`${PLUGIN}/node_modules/@nativestage/metrics/package.json`, {
        name: '@nativestage/metrics',
        version: '0.0.9',
      });
      app.replace(
        `${PLUGIN}/package.json`,
        '"version"',
        '"dependencies": { "@nativestage/metrics": "0.0.9" }, "version"',
      );
    },
    check: 'package-copies',
    file: `${PLUGIN}/node_modules/@nativestage/metrics`,
    message: /2 copies of @nativestage\/metrics .*0\.0\.9 \(plugins/,
    fix: /npm dedupe/,
  },
  {
    mistake: 'Backstage is too old to have a metrics service',
    plant: app => app.installCopy('@backstage/backend-plugin-api', '1.3.0'),
    check: 'plugin-api',
    file: 'node_modules/@backstage/backend-plugin-api',
    message:
      /backend-plugin-api 1\.3\.0 has no metricsServiceRef under \/alpha/,
    fix: /backstage-cli versions:bump/,
  },
  {
    mistake: 'the backend does not add the package',
    plant: app =>
      app.replace(
        INDEX,
        "backend.add(import('@nativestage/metrics'));",
        "// backend.add(import('@nativestage/metrics'));",
      ),
    check: 'backend-feature',
    file: INDEX,
    message: /backend does not add @nativestage\/metrics/,
    fix: /backend\.add\(import\('@nativestage\/metrics'\)\);/,
  },
  {
    mistake: 'the backend imports the package and never adds it',
    plant: app =>
      app.replace(
        INDEX,
        "backend.add(import('@nativestage/metrics'));",
        "const metrics = import('@nativestage/metrics');",
      ),
    check: 'backend-feature',
    file: `${INDEX}:4`,
    message: /backend imports @nativestage\/metrics and never adds it/,
    fix: /backend\.add\(import\('@nativestage\/metrics'\)\);/,
  },
  {
    mistake: 'the backend imports the package for its effects alone',
    plant: app =>
      app.replace(
        INDEX,
        "backend.add(import('@nativestage/metrics'));",
        "import('@nativestage/metrics');",
      ),
    check: 'backend-feature',
    file: `${INDEX}:4`,
    message: /never adds it/,
    fix: /backend\.add/,
  },
  {
    mistake: 'the settings stand at the top level',
    plant: app => {
      const [, config] = /^\{(.*)\}$/s.exec(app.read('app-config.yaml'))!;
      app.write(
        'app-config.yaml',
        `{${config}, "metrics": {"exporters": {"otlp": {"endpoint": "http://collector:4318"}}}}`,
      );
    },
    check: 'config',
    file: 'app-config.yaml',
    message: /nobody reads `metrics\.exporters`.*`backend\.metrics`/,
    fix: /Move `metrics:` below `backend:`/,
  },
  {
    mistake: 'a plugin has a registry of its own',
    plant: app =>
      app.write(
        `${PLUGIN}/src/metrics.ts`,
        "import { Counter, Registry } from 'prom-client';\nconst registry = new Registry();\nnew Counter({ name: 'a', help: 'a', registers: [registry] });\n",
      ),
    check: 'one-off-metrics',
    file: `${PLUGIN}/src/metrics.ts:2`,
    message:
      /registry that it makes \(line 2\) are not exported: only those of a client's default registry are/,
    fix: /metricsServiceRef/,
  },
  {
    mistake: 'a counter is called as prom-client wants it',
    plant: app =>
      app.replace(
        `${PLUGIN}/src/index.ts`,
        "'orders.placed'",
        "'orders.placed_total'",
      ),
    check: 'metric-names',
    severity: 'warning',
    file: `${PLUGIN}/src/index.ts:11`,
    message: /"orders\.placed_total": .*pass "orders\.placed"/,
    fix: /category/,
  },
  {
    mistake: 'a gauge is called a total',
    plant: app =>
      app.replace(
        `${PLUGIN}/src/index.ts`,
        "createCounter('orders.placed')",
        "createGauge('orders.open.total')",
      ),
    check: 'metric-names',
    severity: 'warning',
    file: `${PLUGIN}/src/index.ts:11`,
    message: /only counters end in `total`/,
    fix: /category/,
  },
  {
    mistake: 'a name has its unit',
    plant: app =>
      app.replace(
        `${PLUGIN}/src/index.ts`,
        "createCounter('orders.placed')",
        "createHistogram<{ a: string }>('baking.duration_seconds')",
      ),
    check: 'metric-names',
    severity: 'warning',
    file: `${PLUGIN}/src/index.ts:11`,
    message: /pass "baking\.duration", and seconds as the option `unit`/,
    fix: /category/,
  },
  {
    mistake: 'backend.metrics has a key that there is not',
    plant: app => app.config({ serviceNam: 'acme' }),
    check: 'config',
    file: 'app-config.yaml',
    message: /backend\.metrics\.serviceNam: .*`serviceName`/,
    fix: /`backend\.metrics\.serviceNam`/,
  },
  {
    mistake: 'the OTLP endpoint has no scheme',
    plant: app =>
      app.config({
        exporters: { prometheus: false, otlp: { endpoint: 'collector:4318' } },
      }),
    check: 'config',
    file: 'app-config.yaml',
    message: /backend\.metrics\.exporters\.otlp\.endpoint: .*http:\/\//,
    fix: /exporters\.otlp\.endpoint/,
  },
  {
    mistake: 'a duration is none',
    plant: app => app.config({ exitTimeout: 'soon' }),
    check: 'config',
    file: 'app-config.yaml',
    message: /backend\.metrics\.exitTimeout: found "soon"/,
    fix: /`backend\.metrics\.exitTimeout`/,
  },
  {
    mistake: 'app-config.yaml is no YAML',
    plant: app => app.write('app-config.yaml', 'backend:\n  - [a: }\n'),
    check: 'config',
    file: 'app-config.yaml',
    message: /the configuration cannot be read: .* at line 2, column 9/,
    fix: /--config FILE/,
  },
  {
    mistake: 'there is no app-config.yaml',
    plant: app => app.remove('app-config.yaml'),
    check: 'config',
    file: 'app-config.yaml',
    message: /the configuration cannot be read: .*app-config\.yaml/,
    fix: /--config FILE/,
  },
  {
    mistake: 'the app has no @backstage/config-loader',
    plant: app => {
      app.remove('node_modules/@backstage/config-loader');
      app.remove('node_modules/@backstage/backend-defaults');
    },
    check: 'config',
    severity: 'warning',
    file: 'package.json',
    message: /@backstage\/config-loader is not installed/,
    fix: /Install the dependencies/,
  },
  {
    mistake: "another program has the page's port",
    plant: (app, t) =>
      listen(
        t,
        createHttpServer((_, answer) => answer.end('hello')),
        app.port,
      ),
    check: 'port',
    file: 'app-config.yaml',
    message: /something else has port \d+ already: .* answers HTTP 200/,
    fix: /exporters\.prometheus\.port/,
  },
  {
    mistake: "a program that does not speak HTTP has the page's port",
    plant: (app, t) =>
      listen(
        t,
        createServer(socket => socket.end('SSH-2.0-x\r\n')),
        app.port,
      ),
    check: 'port',
    file: 'app-config.yaml',
    message: /something else has port \d+ already: .* answers no HTTP/,
    fix: /ss -ltnp/,
  },
  {
    mistake: "the page's port is the backend's",
    plant: app => app.config({}, { port: 7007 }),
    check: 'port',
    file: 'app-config.yaml',
    message: /backend\.listen\) both want port 7007/,
    fix: /port: 9464.*onBackend: true/,
  },
  {
    mistake: 'the page is open to the network without a token',
    plant: app => app.config({}, { host: '0.0.0.0' }),
    check: 'config',
    file: 'app-config.yaml',
    message: /will not start: .*host: found "0\.0\.0\.0" without a token/,
    fix: /backend\.metrics\.exporters\.prometheus\.host/,
  },
  {
    mistake:
      "the page is on the backend's port without a token, whose variable is not set",
    plant: app => app.config({}, { onBackend: true, token: '${UNSET}' }),
    check: 'config',
    file: 'app-config.yaml',
    message: /onBackend: found true without a token.*variable that is not set/,
    fix: /onBackend/,
  },
  {
    mistake: 'a variable of the image opens the page to the network',
    plant: app =>
      app.replace(
        `${BACKEND}/Dockerfile`,
        'ENV',
        'ENV OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0\nENV',
      ),
    check: 'environment',
    severity: 'warning',
    file: `${BACKEND}/Dockerfile`,
    message: /OTEL_EXPORTER_PROMETHEUS_HOST: the metrics page .* is open/,
    fix: /OTEL_EXPORTER_PROMETHEUS_HOST/,
  },
  {
    mistake:
      'an instrumentation file serves metrics with a PrometheusExporter on our port',
    plant: app =>
      app.replace(
        INSTRUMENTATION,
        'metricReaders: []',
        `metricReader: new PrometheusExporter({ port: ${app.port} })`,
      ),
    check: 'second-pipeline',
    file: `${INSTRUMENTATION}:8`,
    message:
      /pipeline of its own \(PrometheusExporter, line 8; metricReaders, line 8\).*both want port \d+/,
    fix: /metricReaders: \[\].*traces stay/,
  },
  {
    mistake: 'a file that only the Dockerfile names makes a MeterProvider',
    plant: app => {
      app.write(
        `${BACKEND}/telemetry.cjs`,
        "const { MeterProvider } = require('@opentelemetry/sdk-metrics');\nnew MeterProvider({});\n",
      );
      app.replace(
        `${BACKEND}/Dockerfile`,
        '--no-node-snapshot',
        '--no-node-snapshot --require ./telemetry.cjs',
      );
    },
    check: 'second-pipeline',
    file: `${BACKEND}/telemetry.cjs:2`,
    message: /MeterProvider, line 2/,
    fix: /Remove the MeterProvider/,
  },
  {
    mistake: 'an instrumentation file leaves the metric readers to NodeSDK',
    plant: app => app.replace(INSTRUMENTATION, '  metricReaders: [],\n', ''),
    check: 'second-pipeline',
    severity: 'warning',
    file: `${INSTRUMENTATION}:7`,
    message: /makes one for OTLP then/,
    fix: /metricReaders: \[\]/,
  },
  {
    mistake: 'an instrumentation file does not load /register first',
    plant: app =>
      app.replace(
        INSTRUMENTATION,
        "require('@nativestage/metrics/register');",
        "// require('@nativestage/metrics/register');",
      ),
    check: 'register-first',
    severity: 'warning',
    file: `${INSTRUMENTATION}:7`,
    message: /without @nativestage\/metrics\/register/,
    fix: /require\('@nativestage\/metrics\/register'\);/,
  },
  {
    mistake:
      'an instrumentation file loads /register when its SDK is made already',
    plant: app => {
      const text = app.read(INSTRUMENTATION);
      const [register, ...rest] = text.split('\n');
      app.write(INSTRUMENTATION, [...rest, register].join('\n'));
    },
    check: 'register-first',
    severity: 'warning',
    file: `${INSTRUMENTATION}:6`,
    message: /without @nativestage\/metrics\/register/,
    fix: /first line/,
  },
  {
    mistake: "a script preloads OpenTelemetry's own register without ours",
    plant: app =>
      app.replace(
        `${BACKEND}/package.json`,
        '--require ./instrumentation.js',
        '--require @opentelemetry/auto-instrumentations-node/register',
      ),
    check: 'register-first',
    file: `${BACKEND}/package.json`,
    message:
      /script `start` preloads @opentelemetry\/auto-instrumentations-node/,
    fix: /--require @nativestage\/metrics\/register/,
  },
  {
    mistake: 'a plugin makes metrics with prom-client',
    plant: app =>
      app.write(
        `${PLUGIN}/src/metrics.ts`,
        "\nimport { Counter } from 'prom-client';\n",
      ),
    check: 'one-off-metrics',
    severity: 'warning',
    file: `${PLUGIN}/src/metrics.ts:2`,
    message: /makes metrics with prom-client/,
    fix: /metricsServiceRef/,
  },
  {
    mistake: 'a route of the backend serves a second page',
    plant: app =>
      app.write(
        `${BACKEND}/src/router.ts`,
        "import client from '@prometheus-io/client';\nrouter.get('/metrics', async (_, response) => {\n  response.send(await client.register.metrics());\n});\n",
      ),
    check: 'one-off-metrics',
    severity: 'warning',
    file: `${BACKEND}/src/router.ts:1`,
    message:
      /@prometheus-io\/client and serves a metrics page of its own \(line 3\)/,
    fix: /Remove the route/,
  },
  {
    mistake: 'OTEL_SDK_DISABLED is set where the doctor runs',
    plant: () => {},
    where: { environment: { OTEL_SDK_DISABLED: 'true' } },
    check: 'environment',
    message: /OTEL_SDK_DISABLED is true in the environment/,
    fix: /Remove OTEL_SDK_DISABLED/,
  },
  {
    mistake: 'the image sets OTEL_SDK_DISABLED',
    plant: app =>
      app.replace(
        `${BACKEND}/Dockerfile`,
        'ENV NODE_OPTIONS',
        'ENV OTEL_SDK_DISABLED=true\nENV NODE_OPTIONS',
      ),
    check: 'environment',
    file: `${BACKEND}/Dockerfile`,
    message: /OTEL_SDK_DISABLED is true in the image/,
    fix: /OTEL_TRACES_EXPORTER/,
  },
  {
    mistake: 'OTEL_METRICS_EXPORTER=none switches the page off',
    plant: app => app.config({ exporters: {} }),
    where: { environment: { OTEL_METRICS_EXPORTER: 'none' } },
    check: 'environment',
    message: /nothing is exported/,
    fix: /exporters\.prometheus: true/,
  },
  {
    mistake: 'OTEL_METRICS_EXPORTER is none in another case',
    plant: app => app.config({ exporters: { console: 'false' } }),
    where: { environment: { OTEL_METRICS_EXPORTER: ' None,' } },
    check: 'environment',
    message: /nothing is exported/,
    fix: /exporters\.prometheus: true/,
  },
  {
    mistake: 'OTEL_METRICS_EXPORTER names one that there is not',
    plant: () => {},
    where: { environment: { OTEL_METRICS_EXPORTER: 'jaeger, Prometheus' } },
    check: 'environment',
    severity: 'warning',
    message: /OTEL_METRICS_EXPORTER: found "jaeger", expected otlp, prometheus/,
    fix: /OTEL_METRICS_EXPORTER/,
  },
  {
    mistake: 'OTEL_SDK_DISABLED is no boolean',
    plant: () => {},
    where: { environment: { OTEL_SDK_DISABLED: '1' } },
    check: 'environment',
    severity: 'warning',
    message: /OTEL_SDK_DISABLED: found "1", expected one of true, false/,
    fix: /OTEL_SDK_DISABLED/,
  },
  {
    mistake: 'the file of declarative configuration disables metrics',
    plant: app =>
      app.write(`${BACKEND}/otel.yaml`, "file_format: '1.0'\ndisabled: true\n"),
    where: { environment: { OTEL_CONFIG_FILE: 'otel.yaml' } },
    check: 'environment',
    message: /otel\.yaml, which OTEL_CONFIG_FILE names .* says disabled/,
    fix: /Remove disabled from otel\.yaml/,
  },
  {
    mistake: 'the file of declarative configuration is wrong',
    plant: app =>
      app.write('otel.yaml', "file_format: '1.0'\nmeter_provider: {}\n"),
    where: { environment: { OTEL_CONFIG_FILE: 'otel.yaml' } },
    check: 'environment',
    message: /environment: otel\.yaml: meter_provider: missing field `readers`/,
    fix: /otel\.yaml/,
  },
  {
    mistake: 'the file of declarative configuration is no YAML',
    plant: app => app.write('otel.yaml', 'a: [s3cret'),
    where: { environment: { OTEL_CONFIG_FILE: 'otel.yaml' } },
    check: 'environment',
    message: /environment: otel\.yaml: found no YAML in line 1/,
    fix: /Change otel\.yaml/,
  },
  {
    mistake: 'the file of declarative configuration is not here',
    plant: () => {},
    where: { environment: { OTEL_CONFIG_FILE: '/etc/otel.yaml' } },
    check: 'environment',
    severity: 'note',
    message: /\/etc\/otel\.yaml, which is not here/,
    fix: /where the file is/,
  },
  {
    mistake: 'the token is of two words',
    plant: app => app.config({}, { token: 't0ken t0ken' }),
    check: 'config',
    file: 'app-config.yaml',
    message: /exporters\.prometheus\.token: .*visible ASCII/,
    fix: /exporters\.prometheus\.token/,
  },
  {
    mistake: 'the image starts Node without addons',
    plant: app =>
      app.replace(`${BACKEND}/Dockerfile`, '"node",', '"node", "--no-addons",'),
    check: 'platform',
    file: `${BACKEND}/Dockerfile`,
    message: /the image keeps Node from loading any addon/,
    fix: /without --no-addons/,
  },
  {
    mistake: 'a script starts Node under its permission model, without addons',
    plant: app =>
      app.replace(
        `${BACKEND}/package.json`,
        'backstage-cli package start',
        "NODE_OPTIONS='--permission --allow-fs-read=*' backstage-cli package start",
      ),
    check: 'platform',
    file: `${BACKEND}/package.json`,
    message:
      /script `start` has Node's permission model without --allow-addons/,
    fix: /--allow-addons .*--allow-fs-read.*--allow-worker/,
  },
  {
    mistake: 'NODE_OPTIONS has the permission model of Node 20',
    plant: () => {},
    where: { environment: { NODE_OPTIONS: '--experimental-permission' } },
    check: 'platform',
    message: /NODE_OPTIONS has Node's permission model/,
    fix: /--allow-addons/,
  },
  {
    mistake: 'an endpoint in a script has no scheme',
    plant: app =>
      app.replace(
        `${BACKEND}/package.json`,
        'backstage-cli package start',
        'OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318 backstage-cli package start',
      ),
    check: 'environment',
    file: `${BACKEND}/package.json`,
    message: /script `start`: OTEL_EXPORTER_OTLP_ENDPOINT: .*http:\/\//,
    fix: /OTEL_EXPORTER_OTLP_ENDPOINT/,
  },
  {
    mistake: "a plugin's metric has no category",
    plant: app =>
      app.replace(`${PLUGIN}/src/index.ts`, 'orders.placed', 'placed'),
    check: 'metric-names',
    severity: 'warning',
    file: `${PLUGIN}/src/index.ts:11`,
    message:
      /"placed": it has no category; .*"backstage\.plugin\.orders\.general\.placed"/,
    fix: /orders\.placed/,
  },
  {
    mistake: "a plugin's metric repeats the root namespace",
    plant: app =>
      app.replace(
        `${PLUGIN}/src/index.ts`,
        'orders.placed',
        'backstage.plugin.orders.orders.placed',
      ),
    check: 'metric-names',
    severity: 'warning',
    file: `${PLUGIN}/src/index.ts:11`,
    message:
      /"backstage\.plugin\.orders\." is added for you; pass "orders\.placed"/,
    fix: /category/,
  },
  {
    mistake: "a workspace's package.json is no JSON",
    plant: app => app.write('plugins/broken/package.json', '{ "name": '),
    check: 'readable',
    severity: 'warning',
    file: 'plugins/broken/package.json',
    message: /no valid JSON/,
    fix: /Mend the file/,
  },
  {
    mistake: 'no package has the role of a backend',
    plant: app =>
      app.replace(
        `${BACKEND}/package.json`,
        '"role": "backend"',
        '"role": "frontend"',
      ),
    check: 'readable',
    severity: 'warning',
    file: 'package.json',
    message: /no package of the app has .*backend/,
    fix: /root/,
  },
];

describe('the doctor finds that', { concurrency: 2 }, () => {
  for (const { mistake, plant, where, ...expected } of MISTAKES) {
    test(mistake, async t => {
      const app = await AppFixture.create(t);
      await plant(app, t);
      const findings = await examine(app, where);
      assert.equal(findings.length, 1, JSON.stringify(findings, undefined, 2));
      const [{ check, severity, file, message, fix }] = findings;
      assert.deepEqual(
        { check, severity, file },
        {
          check: expected.check,
          severity: expected.severity ?? 'problem',
          file: expected.file,
        },
      );
      assert.match(message, expected.message);
      assert.match(fix, expected.fix);
    });
  }
});

describe('the doctor finds nothing wrong with', () => {
  const healthy: [what: string, change: (app: AppFixture) => unknown][] = [
    ['a new app', () => {}],
    ['an app without any setting', app => app.json('app-config.yaml', {})],
    [
      'a page behind a token on all interfaces',
      app => app.config({}, { host: '0.0.0.0', token: 't0ken' }),
    ],
    [
      'factories that are added singly',
      app =>
        app.replace(
          INDEX,
          "backend.add(import('@nativestage/metrics'));",
          "import { metricsServiceFactory, rootMetricsServiceFactory } from '@nativestage/metrics';\nbackend.add(rootMetricsServiceFactory);\nbackend.add(metricsServiceFactory);",
        ),
    ],
    [
      '/register that is preloaded before the instrumentation file',
      app => {
        app.replace(
          INSTRUMENTATION,
          "require('@nativestage/metrics/register');",
          '',
        );
        for (const file of ['package.json', 'Dockerfile']) {
          const by =
            file === 'Dockerfile'
              ? '"--require", "@nativestage/metrics/register", "--require"'
              : '--require @nativestage/metrics/register --require';
          app.replace(
            `${BACKEND}/${file}`,
            file === 'Dockerfile' ? '"--require"' : '--require',
            by,
          );
        }
      },
    ],
    [
      "Node's permission model with addons, and with an option of another program",
      app => {
        app.replace(
          `${BACKEND}/Dockerfile`,
          '"node",',
          '"node", "--permission", "--allow-addons", "--allow-fs-read=*",',
        );
        app.replace(
          `${BACKEND}/package.json`,
          '"scripts": {',
          '"scripts": { "share": "share --permission all", "own": "node --no-addons --addons x.js",',
        );
      },
    ],
    [
      'names that passthrough leaves as they are',
      app => {
        app.config({ naming: { mode: 'passthrough' } });
        app.replace(`${PLUGIN}/src/index.ts`, 'orders.placed', 'placed');
      },
    ],
    [
      'links that lead in circles',
      app => {
        symlinkSync(
          app.directory,
          path.join(app.directory, PLUGIN, 'src/self'),
        );
        mkdirSync(path.join(app.directory, 'node_modules/@scope'));
        symlinkSync(
          'loop',
          path.join(app.directory, 'node_modules/@scope/loop'),
        );
        app.replace(
          `${PLUGIN}/package.json`,
          '"version"',
          '"dependencies": { "@scope/loop": "1" }, "version"',
        );
      },
    ],
  ];
  for (const [what, change] of healthy) {
    test(what, async t => {
      const app = await AppFixture.create(t);
      await change(app);
      // Nobody's page: the default port may be another's on this machine.
      const environment = { OTEL_EXPORTER_PROMETHEUS_PORT: String(app.port) };
      assert.deepEqual(await examine(app, { environment }), []);
    });
  }
});

test("an app of Yarn's Plug'n'Play is told which checks were left out", async t => {
  const app = await AppFixture.create(t);
  app.write('.pnp.cjs', '');
  const findings = await examine(app);
  assert.deepEqual(
    findings.map(({ check, severity, file }) => [check, severity, file]),
    [['readable', 'note', '.pnp.cjs']],
  );
});

test('copies of one version of the API are a note', async t => {
  const app = await AppFixture.create(t);
  const { version } = JSON.parse(
    app.read('node_modules/@opentelemetry/api/package.json'),
  ) as { version: string };
  app.installCopy('@opentelemetry/api', version, PLUGIN);
  app.replace(
    `${PLUGIN}/package.json`,
    '"version"',
    '"dependencies": { "@opentelemetry/api": "^1.9.0" }, "version"',
  );
  const findings = await examine(app);
  assert.deepEqual(
    findings.map(({ check, severity }) => [check, severity]),
    [['api-copies', 'note']],
  );
});

test('without @opentelemetry/api the doctor says how to install it', async t => {
  const app = await AppFixture.create(t);
  // An app whose copy of this package found none beside it either.
  app.remove('node_modules/@opentelemetry/api');
  app.remove('node_modules/@nativestage/metrics');
  app.json('node_modules/@nativestage/metrics/package.json', {
    name: '@nativestage/metrics',
    version: '0.1.0',
  });
  app.remove('node_modules/@backstage/backend-defaults');
  const findings = await examine(app);
  assert.deepEqual(
    findings.map(({ check, severity }) => [check, severity]),
    [['api-copies', 'problem']],
  );
  assert.match(
    findings[0].fix,
    /yarn workspace backend add @opentelemetry\/api@\^1\.9\.0/,
  );
});

async function examine(app: AppFixture, where: Partial<AppOptions> = {}) {
  return diagnose(
    await openApp({ directory: app.directory, environment: {}, ...where }),
  );
}

async function listen(
  t: TestContext,
  server: ReturnType<typeof createServer>,
  port: number,
): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  assert.equal((server.address() as AddressInfo).port, port);
  t.after(() => server.close());
}
