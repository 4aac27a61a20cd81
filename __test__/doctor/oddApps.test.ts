import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { type AppOptions, openApp } from '../../ts/doctor/App';
import { diagnose } from '../../ts/doctor/diagnose';
import type { Finding } from '../../ts/doctor/Finding';
import { AppFixture } from './AppFixture';

const BACKEND = 'packages/backend/package.json';
const PLUGIN = 'plugins/orders-backend/package.json';
const API = 'node_modules/@backstage/backend-plugin-api/package.json';

/** Values that stand where others are expected. */
const ODD = [null, true, 5, '', 'x', [], [null], {}, { x: null }, [['x']]];

const KEYS = [
  'name',
  'version',
  'workspaces',
  'backstage',
  'scripts',
  'exports',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
];

describe('a manifest that is odd in one place costs no more than that place:', () => {
  for (const file of ['package.json', BACKEND, PLUGIN, API]) {
    test(file, async t => {
      const app = await AppFixture.create(t);
      if (file === API) {
        app.installCopy('@backstage/backend-plugin-api', '1.3.0');
      }
      const sound = JSON.parse(app.read(file)) as JsonObject;
      // All at once, and each alone: what is left out first may hide the rest.
      const changes: JsonObject[] = [
        ...ODD.map(value => Object.fromEntries(KEYS.map(key => [key, value]))),
        ...KEYS.map((key, index) => ({ [key]: ODD[index % ODD.length] })),
      ];
      for (const change of changes) {
        app.json(file, { ...sound, ...change });
        const findings = await examine(app);
        assert.doesNotMatch(
          JSON.stringify(findings),
          /check of .* failed/,
          JSON.stringify(change),
        );
      }
    });
  }
});

interface Oddity {
  what: string;
  plant: (app: AppFixture) => void;
  file: string;
  message: RegExp;
}

const ODDITIES: Oddity[] = [
  {
    what: 'a script is null',
    plant: app =>
      app.replace(BACKEND, '"scripts": {', '"scripts": { "lint": null,'),
    file: BACKEND,
    message: /\(`scripts\.lint` is no string\)/,
  },
  {
    what: 'the workspaces are a string',
    plant: app =>
      app.replace(
        'package.json',
        JSON.stringify(['packages/*', 'plugins/*'], undefined, 2)
          .split('\n')
          .join('\n  '),
        '"packages/*"',
      ),
    file: 'package.json',
    message: /\(`workspaces` is no list\)/,
  },
  {
    what: 'a manifest is a list',
    plant: app => app.write('plugins/odd/package.json', '[]'),
    file: 'plugins/odd/package.json',
    message: /\(no JSON object\)/,
  },
  {
    what: 'a manifest is empty',
    plant: app => app.write('plugins/odd/package.json', ''),
    file: 'plugins/odd/package.json',
    message: /\(no valid JSON\)/,
  },
  {
    what: 'a manifest is in UTF-16',
    plant: app =>
      app.write('plugins/odd/package.json', Buffer.from('\ufeff{}', 'utf16le')),
    file: 'plugins/odd/package.json',
    message: /\(no valid JSON\)/,
  },
  {
    what: 'a manifest is large',
    plant: app =>
      app.write('plugins/odd/package.json', `{}${' '.repeat(1024 * 1024)}`),
    file: 'plugins/odd/package.json',
    message: /\(larger than 1024 KiB\)/,
  },
  {
    what: 'a manifest is a folder',
    plant: app => app.write('plugins/odd/package.json/x', ''),
    file: 'plugins/odd/package.json',
    message: /\(no ordinary file\)/,
  },
  {
    what: 'a source is a pipe that nobody writes to',
    plant: app => {
      execFileSync('mkfifo', [
        path.join(app.directory, 'packages/backend/src/pipe.ts'),
      ]);
    },
    file: 'packages/backend/src/pipe.ts',
    message: /\(no ordinary file\)/,
  },
  {
    what: 'a source is a link to a device without an end',
    plant: app =>
      symlinkSync(
        '/dev/zero',
        path.join(app.directory, 'packages/backend/src/zero.ts'),
      ),
    file: 'packages/backend/src/zero.ts',
    message: /\(no ordinary file\)/,
  },
  {
    what: 'a source is a link to itself',
    plant: app =>
      symlinkSync(
        'loop.ts',
        path.join(app.directory, 'packages/backend/src/loop.ts'),
      ),
    file: 'packages/backend/src/loop.ts',
    message: /\(ELOOP\)/,
  },
];

describe('the doctor names what it leaves out when', () => {
  for (const { what, plant, file, message } of ODDITIES) {
    test(what, async t => {
      const app = await AppFixture.create(t);
      plant(app);
      const findings = await examine(app);
      assert.equal(findings.length, 1, JSON.stringify(findings, undefined, 2));
      assert.equal(findings[0].check, 'readable');
      assert.equal(findings[0].file, file);
      assert.match(findings[0].message, message);
    });
  }

  test(
    'a file may not be read',
    { skip: process.getuid?.() === 0 && 'root may read all' },
    async t => {
      const app = await AppFixture.create(t);
      const file = 'packages/backend/src/index.ts';
      chmodSync(path.join(app.directory, file), 0);
      const findings = await examine(app);
      assert.match(JSON.stringify(findings), /index\.ts.*EACCES/);
    },
  );
});

describe('the doctor is content with', () => {
  const sound: [what: string, plant: (app: AppFixture) => void][] = [
    [
      'a manifest that begins with a byte order mark',
      app => app.write(BACKEND, `\ufeff${app.read(BACKEND)}`),
    ],
    [
      'a manifest that is deep',
      app =>
        app.replace(
          BACKEND,
          '"scripts"',
          `"x": ${'['.repeat(100_000)}${']'.repeat(100_000)}, "scripts"`,
        ),
    ],
    [
      'sources that are no UTF-8',
      app =>
        app.write(
          'packages/backend/src/latin.ts',
          Buffer.from([0x2f, 0x2f, 0xe4, 0xff, 0xfe, 0x0a]),
        ),
    ],
    [
      'a workspace that is a link to the root',
      app => {
        symlinkSync('..', path.join(app.directory, 'packages/self'));
        app.replace(
          'package.json',
          '"packages/*"',
          '"packages/*", "packages/self"',
        );
      },
    ],
    [
      "an image's bundle, which has no sources",
      app => {
        const code = app.read('packages/backend/src/index.ts');
        app.write('packages/backend/dist/index.cjs.js', code);
        app.remove('packages/backend/src');
        app.remove('plugins/orders-backend/src');
      },
    ],
    [
      'the name of a counter that the proposal has',
      app =>
        app.replace(
          'plugins/orders-backend/src/index.ts',
          "'orders.placed'",
          "'orders.placed.total'",
        ),
    ],
    [
      "another plugin's settings at the top level",
      app => {
        const text = app.read('app-config.yaml');
        app.write(
          'app-config.yaml',
          text.replace('{', '{ "metrics": { "pollInterval": 5 },'),
        );
      },
    ],
    [
      'a folder that is called as a source',
      app => {
        mkdirSync(path.join(app.directory, 'packages/backend/src/chart.js'));
      },
    ],
    [
      'patterns that stand for everything again and again',
      app =>
        app.replace(
          'package.json',
          '"packages/*"',
          `"packages/*", "${'**/'.repeat(50)}nothing", "${'*a'.repeat(50)}"`,
        ),
    ],
  ];
  const line = "backend.add(import('@nativestage/metrics'));";
  for (const added of [
    "const metrics = import('@nativestage/metrics');\nbackend.add(metrics);",
    "const metrics = await import('@nativestage/metrics');\nbackend.add(metrics.default);",
    "const { default: metrics } = await import('@nativestage/metrics');\nbackend.add(metrics);",
    "for (const one of [\n  import('@nativestage/metrics'),\n]) {\n  backend.add(one);\n}",
    "backend.add(createBackendFeatureLoader({ loader: () => [import('@nativestage/metrics')] }));",
    "backend.add(\n  import('@nativestage/metrics'),\n);",
    "import metrics from '@nativestage/metrics';\nbackend.add(metrics);",
    "import { metricsServiceFactory, rootMetricsServiceFactory } from '@nativestage/metrics';\nbackend.add(metricsServiceFactory);\nbackend.add(rootMetricsServiceFactory);",
    "export { default as metrics } from '@nativestage/metrics';",
    "backend.add(Promise.resolve().then(function () { return _interop(require('@nativestage/metrics')); }));",
  ]) {
    sound.push([
      `a backend with ${JSON.stringify(added)}`,
      app => app.replace('packages/backend/src/index.ts', line, added),
    ]);
  }
  for (const [what, plant] of sound) {
    test(what, async t => {
      const app = await AppFixture.create(t);
      plant(app);
      assert.deepEqual(await examine(app), []);
    });
  }
});

describe('a configuration that is odd ends in a report:', () => {
  const odd: unknown[] = [
    null,
    [],
    'x',
    { backend: 'x' },
    { backend: { listen: [], metrics: 'x' } },
    { backend: { listen: { port: {} }, metrics: null } },
    { backend: { metrics: { exporters: null } } },
    { backend: { metrics: { exporters: 'x', serviceName: 5 } } },
    { backend: { metrics: { exporters: { prometheus: 5 } } } },
    {
      backend: {
        metrics: {
          naming: 'x',
          exporters: {
            prometheus: { host: {}, port: [], path: 5, token: {}, server: 'x' },
          },
        },
      },
    },
  ];
  for (const config of odd) {
    test(JSON.stringify(config), async t => {
      const app = await AppFixture.create(t);
      app.write('app-config.yaml', JSON.stringify(config));
      const findings = await examine(app);
      assert.doesNotMatch(JSON.stringify(findings), /check of .* failed/);
    });
  }
});

test('a check that fails is a finding, and the others go on', async t => {
  const app = await AppFixture.create(t);
  app.replace('packages/backend/src/index.ts', 'createBackend()', 'x()');
  const opened = await openApp({ directory: app.directory, environment: {} });
  Object.defineProperty(opened, 'instrumentation', {
    get: () => {
      throw new TypeError('of a kind that nobody thought of');
    },
  });
  const findings = await diagnose(opened);
  assert.equal(findings.length, 2, JSON.stringify(findings));
  for (const { message } of findings) {
    assert.match(message, /the check of .* failed .*that nobody thought of/);
  }
});

describe('the largest file that is looked at takes seconds, not minutes, when it is full of', () => {
  const SOURCE = 'packages/backend/src/long.ts';
  const bodies: [what: string, line: string, file?: string, head?: string][] = [
    ['exports without a semicolon', 'export const a = 1\n'],
    ['imports without a module', 'import a\n'],
    ['modules without a name', 'import a from\n'],
    ['comments without an end', '/* a\n'],
    ['templates without an end', '\\`'],
    ['strings without an end', "\\'"],
    ['white space after a keyword', ' ', SOURCE, 'import'],
    ['types without an end', '.createCounter<'],
    ['meters that are none', `meter${' '.repeat(90)}x.createCounter('a'`],
    ['names that break the rules', "a.createCounter('A b');\n"],
    [
      'a variable without a value',
      'OTEL_',
      'packages/backend/Dockerfile',
      'ENV ',
    ],
  ];
  for (const [what, line, file = SOURCE, head = ''] of bodies) {
    test(what, async t => {
      const app = await AppFixture.create(t);
      const service = file === SOURCE ? 'metricsServiceRef\n' : '';
      const bytes = what.startsWith('names') ? 100_000 : 1_000_000;
      app.write(
        file,
        head + line.repeat(Math.floor(bytes / line.length)) + `\n${service}`,
      );
      const start = performance.now();
      await examine(app);
      // A quadratic search takes ten times as long and more.
      assert.ok(performance.now() - start < 6000);
    });
  }

  test('six thousand short lines', async t => {
    const app = await AppFixture.create(t);
    app.write(SOURCE, 'import /* a */      b\n'.repeat(6000));
    const start = performance.now();
    await examine(app);
    // Once every keyword was searched to the end of the file, for every blank after it.
    assert.ok(performance.now() - start < 5000);
  });
});

function examine(
  app: AppFixture,
  where: Partial<AppOptions> = {},
): Promise<Finding[]> {
  return openApp({
    directory: app.directory,
    environment: { OTEL_EXPORTER_PROMETHEUS_PORT: String(app.port) },
    ...where,
  }).then(diagnose);
}
