import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext } from 'node:test';
import { PREBUILT_PLATFORMS } from '../../ts/addon/AddonFailure';
import { eventually } from '../support/eventually';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { FIXTURES, Program } from '../support/Program';
import { suiteScope } from '../support/suiteScope';
import { environment, FreshFolder, installedVersion } from './FreshFolder';
import { installedBefore } from './installedBefore';
import { LocalRegistry } from './LocalRegistry';
import { makeRelease } from './Release';

const ROOT = path.join(__dirname, '../..');
/** Backstage's build, by its own name: it packs the backend as its Dockerfile wants it. */
const BUILD = path.join(
  ROOT,
  'node_modules/@backstage/cli-module-build/bin/backstage-cli-module-build',
);

const BACKEND = `
import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();
backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-guest-provider'));
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@nativestage/metrics'));
backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
backend.start();
`;
const OFFICIAL = [
  '@backstage/backend-defaults',
  '@backstage/plugin-auth-backend',
  '@backstage/plugin-auth-backend-module-guest-provider',
  '@backstage/plugin-catalog-backend',
  'better-sqlite3',
];
/** Backstage 1.49, the oldest that is supported: what an app locks, and what it got for that. */
const OLDEST = {
  dependencies: {
    '@backstage/backend-defaults': '0.16.0',
    '@backstage/plugin-auth-backend': '0.27.3',
    '@backstage/plugin-auth-backend-module-guest-provider': '0.2.17',
    '@backstage/plugin-catalog-backend': '3.5.0',
  },
  locked: {
    '@backstage/backend-app-api': '1.6.0',
    '@backstage/backend-plugin-api': '1.8.0',
    '@backstage/plugin-catalog-node': '2.1.0',
    '@backstage/plugin-events-node': '0.4.20',
  },
};
/** `BACKSTAGE=newest` takes the newest of the registry for those that the repository locks. */
const NEWEST = process.env.BACKSTAGE === 'newest';

describe('what a release publishes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-fresh-'));
  const t = suiteScope();
  t.after(() => rmSync(folder, { recursive: true }));
  const app = new FreshFolder(path.join(folder, 'app'));
  const oldest = new FreshFolder(path.join(folder, 'oldest'));
  const shop = new FreshFolder(path.join(folder, 'shop'));
  let registry: LocalRegistry;

  const itInstalled = installedBefore(async () => {
    registry = await LocalRegistry.of(
      t,
      await makeRelease(t, folder, PREBUILT_PLATFORMS),
    );
    await installApp(app, officialVersions());
    await installApp(oldest, OLDEST.dependencies, OLDEST.locked);
    await installShop(shop);
  });

  async function installApp(
    app: FreshFolder,
    official: Record<string, string>,
    overrides: Record<string, string> = {},
  ): Promise<void> {
    const dependencies = {
      ...official,
      'better-sqlite3': installedVersion('better-sqlite3'),
      '@nativestage/metrics': '*',
      '@nativestage/backstage-plugin-prometheus-backend': '*',
    };
    app.write('.npmrc', `@nativestage:registry=${registry.url}\n`);
    app.write('package.json', {
      name: 'root',
      version: '1.0.0',
      private: true,
      workspaces: { packages: ['packages/*'] },
      overrides,
    });
    app.write('packages/backend/package.json', {
      name: 'backend',
      version: '0.0.0',
      private: true,
      main: 'dist/index.cjs.js',
      backstage: { role: 'backend' },
      files: ['dist'],
      dependencies,
    });
    app.write('packages/backend/src/index.ts', BACKEND);
    // The build takes it along for its Dockerfile, which uses Yarn.
    app.write('yarn.lock', '');
    await app.npm(t, 'install');
    app.addSqlite();
  }

  function officialVersions(): Record<string, string> {
    return Object.fromEntries(
      OFFICIAL.map(name => [name, NEWEST ? '*' : installedVersion(name)]),
    );
  }

  /** The versions that an app has of packages, wherever they are. */
  function versionsIn(
    target: FreshFolder,
    isWanted: (name: string) => boolean,
  ): Map<string, Set<string>> {
    const lock = JSON.parse(
      readFileSync(target.file('package-lock.json'), 'utf8'),
    ) as { packages: Record<string, { version: string }> };
    const found = new Map<string, Set<string>>();
    for (const [place, { version }] of Object.entries(lock.packages)) {
      const name = place.split('node_modules/').at(-1)!;
      if (place.includes('node_modules/') && isWanted(name)) {
        found.set(name, (found.get(name) ?? new Set()).add(version));
      }
    }
    return found;
  }

  async function installShop(
    target: FreshFolder,
    ...options: string[]
  ): Promise<void> {
    target.write('.npmrc', `@nativestage:registry=${registry.url}\n`);
    target.write('package.json', {
      private: true,
      dependencies: {
        '@nativestage/metrics': '*',
        express: installedVersion('express'),
      },
    });
    await target.npm(t, 'install', ...options);
    for (const script of [
      'packages/express.cjs',
      'packages/express.mjs',
      'lifecycle/uses-api.cjs',
      'lifecycle/uses-api.mjs',
    ]) {
      cpSync(path.join(FIXTURES, script), target.file(path.basename(script)));
    }
  }

  itInstalled('installs the binary of this platform and no other', () => {
    for (const { directory } of [app, shop]) {
      const installed = readdirSync(
        path.join(directory, 'node_modules/@nativestage'),
      ).filter(name => name.startsWith('metrics-'));
      assert.equal(installed.length, 1, String(installed));
      const binary = `metrics.${installed[0].slice('metrics-'.length)}.node`;
      assert.ok(
        readdirSync(
          path.join(directory, 'node_modules/@nativestage', installed[0]),
        ).includes(binary),
      );
    }
  });

  itInstalled(
    'in a backend packed by Backstage’s build, and unpacked as its Dockerfile does, shows the metrics of the plugins',
    async t => {
      const build = await Program.command(
        t,
        process.execPath,
        [BUILD, 'package', 'build'],
        {
          cwd: app.file('packages/backend'),
          env: environment(),
          limit: 120_000,
        },
      ).ending;
      assert.equal(build.code, 0, build.stdout + build.stderr);

      const image = new FreshFolder(path.join(folder, 'image'));
      for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
        cpSync(app.file(file), image.file(file));
      }
      image.unpack(app.file('packages/backend/dist/skeleton.tar.gz'));
      await image.npm(t, 'ci', '--omit=dev');
      image.addSqlite();
      image.unpack(app.file('packages/backend/dist/bundle.tar.gz'));
      await startsWithMetrics(t, image, ['packages/backend']);
    },
  );

  itInstalled(
    'in a new backend shows the metrics of the plugins, and adds a plugin that answers',
    async t => {
      app.write(
        'packages/backend/index.mjs',
        // As `backstage-cli package start` runs it, but for the types, of which there are none.
        BACKEND,
      );
      await startsWithMetrics(t, app, ['packages/backend/index.mjs']);
    },
  );

  itInstalled(
    'in a backend of Backstage 1.49 shows the metrics of the plugins, and adds a plugin that answers',
    async t => {
      const versions = versionsIn(oldest, name => name in OLDEST.locked);
      assert.deepEqual(
        Object.fromEntries([...versions].map(([name, of]) => [name, [...of]])),
        Object.fromEntries(
          Object.entries(OLDEST.locked).map(([name, of]) => [name, [of]]),
        ),
      );
      oldest.write('packages/backend/index.mjs', BACKEND);
      await startsWithMetrics(t, oldest, ['packages/backend/index.mjs']);
    },
  );

  itInstalled('brings no second copy of a package that the app has', t => {
    const versions = versionsIn(app, name =>
      /^@(backstage|nativestage)\/|^@opentelemetry\/api$/.test(name),
    );
    t.diagnostic(
      [...versions]
        .map(([name, of]) => `${name} ${[...of].join(' ')}`)
        .join(', '),
    );
    const twice = [...versions].filter(([, of]) => of.size > 1);
    assert.deepEqual(twice, []);
  });

  for (const way of ['--require', '--import']) {
    itInstalled(
      `in a new backend that is started with ${way} @nativestage/metrics/register shows the metrics of the plugins`,
      async t => {
        app.write('packages/backend/index.mjs', BACKEND);
        await startsWithMetrics(t, app, ['packages/backend/index.mjs'], {
          NODE_OPTIONS: `${way} @nativestage/metrics/register`,
        });
      },
    );

    for (const script of ['uses-api.cjs', 'uses-api.mjs']) {
      itInstalled(
        `counts for ${script} under NODE_OPTIONS=${way}, which knows OpenTelemetry’s API only`,
        async t => {
          const receiver = await OtlpReceiver.start(t);
          const { code, stderr } = await Program.command(
            t,
            process.execPath,
            [script],
            {
              cwd: shop.directory,
              env: {
                ...environment(),
                NODE_OPTIONS: `${way} @nativestage/metrics/register`,
                OTEL_METRICS_EXPORTER: 'otlp',
                OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
                OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
              },
            },
          ).ending;
          assert.deepEqual([code, stderr], [0, '']);
          assert.equal(receiver.value('used'), 1);
        },
      );
    }
  }

  for (const script of ['express.cjs', 'express.mjs']) {
    itInstalled(`in ${script}, without Backstage, serves a page`, async t => {
      const program = Program.command(t, process.execPath, [script], {
        cwd: shop.directory,
        env: environment(),
      });
      const [, port, page] = await program.line(/^shop (\d+) page (\S+)$/m);
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
      const text = await (await fetch(`http://${page}/metrics`)).text();
      assert.match(text, /^shop_requests_total\{.*route="\/".*\} 1$/m);
    });
  }

  itInstalled(
    'installed with --omit=optional says that the binary is not installed and what to do',
    async t => {
      const bare = new FreshFolder(path.join(folder, 'bare'));
      await installShop(bare, '--omit=optional');
      const { code, stderr } = await Program.command(
        t,
        process.execPath,
        ['express.cjs'],
        { cwd: bare.directory, env: environment() },
      ).ending;
      assert.equal(code, 1);
      assert.match(stderr, /ERR_METRICS_ADDON_MISSING/);
      assert.match(stderr, /@nativestage\/metrics-\S+ is not installed/);
      assert.match(stderr, /install again without --omit=optional/);
    },
  );
});

/** Starts a backend and waits for its metrics, and for its Prometheus plugin to ask who calls. */
async function startsWithMetrics(
  t: TestContext,
  folder: FreshFolder,
  args: string[],
  env: Record<string, string> = {},
): Promise<void> {
  const [port, page] = [await freePort(), await freePort()];
  const config = `app-config.${port}.yaml`;
  folder.write(config, {
    app: { baseUrl: `http://127.0.0.1:${port}` },
    backend: {
      baseUrl: `http://127.0.0.1:${port}`,
      listen: { host: '127.0.0.1', port },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      metrics: { exporters: { prometheus: { port: page } } },
    },
    auth: { providers: { guest: {} } },
    prometheus: { instances: [{ name: 'default', url: 'http://127.0.0.1:9' }] },
  });
  const backend = Program.command(
    t,
    process.execPath,
    [...args, '--config', config],
    {
      cwd: folder.directory,
      env: { ...environment(), ...env },
      limit: 120_000,
    },
  );
  try {
    await eventually(async () => {
      const text = await (
        await fetch(`http://127.0.0.1:${page}/metrics`)
      ).text();
      assert.match(text, /^backstage_plugin_catalog_\w+/m);
    }, 60_000);
    await eventually(async () => {
      const answer = await fetch(
        `http://127.0.0.1:${port}/api/prometheus/instances`,
      );
      assert.equal(answer.status, 401);
    }, 60_000);
  } catch (error) {
    throw new Error(`${backend.stdout}${backend.stderr}`, { cause: error });
  }
  assert.doesNotMatch(backend.stderr, /MetricsWarning/);
}
