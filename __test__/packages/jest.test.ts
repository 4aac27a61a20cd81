import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext } from 'node:test';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { type Ending, FIXTURES, Program } from '../support/Program';
import { suiteScope } from '../support/suiteScope';
import { environment, FreshFolder, installedVersion } from './FreshFolder';
import { installedBefore } from './installedBefore';
import { PackedPackage } from './PackedPackage';

const ROOT = path.join(__dirname, '../..');

/** Backstage's test runner as `backstage-cli package test` has it, and what it needs. */
const RUNNER = {
  '@backstage/cli-module-test-jest': '0.1.8',
  '@jest/environment-jsdom-abstract': '30.5.2',
  jest: '30.5.2',
  jsdom: '27.4.0',
};
/** The other one that plugins' authors use: the last that has Node 20. */
const VITEST = '4.1.12';

/** The examples of docs/plugin-tests.md, by the names of their files. */
const DOCUMENTED = Object.fromEntries(
  [
    ...readFileSync(path.join(ROOT, 'docs/plugin-tests.md'), 'utf8').matchAll(
      /^```ts\n(\/\/ \S*\/src\/(\S+)\n[^]*?)^```$/gm,
    ),
  ].map(([, code, file]): [string, string] => [file, code]),
);
const isOfVitest = (code: string) => code.includes("from 'vitest'");

/** A package of the app: its role decides the environment, `files` are those of `fixtures/jest`. */
interface Tested {
  role: string;
  files: Record<string, string>;
  jest?: object;
}

const SMOKE = {
  'errors.test.js': 'errors.js',
  'records.test.js': 'records.js',
  'timers.test.js': 'timers.js',
};
const PACKAGES: Record<string, Tested> = {
  node: { role: 'backend-plugin', files: SMOKE },
  jsdom: { role: 'frontend-plugin', files: SMOKE },
  // From before the first import on.
  'fake-timers': {
    role: 'backend-plugin',
    files: SMOKE,
    jest: { fakeTimers: { enableGlobally: true } },
  },
  'no-addon': {
    role: 'backend-plugin',
    files: { 'addon.test.js': 'addonMissing.js' },
  },
  backend: {
    role: 'backend-plugin',
    files: { 'first.test.js': 'backend.js', 'second.test.js': 'backend.js' },
  },
};

describe('in Jest, as Backstage configures it,', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-jest-'));
  const app = new FreshFolder(folder);
  const t = suiteScope();
  t.after(() => rmSync(folder, { recursive: true }));

  const itInstalled = installedBefore(install);

  async function install(): Promise<void> {
    app.write('package.json', {
      name: 'root',
      version: '1.0.0',
      private: true,
      workspaces: { packages: ['packages/*'] },
      devDependencies: {
        ...RUNNER,
        // Whichever the next one brings.
        '@backstage/backend-plugin-api': '*',
        '@backstage/backend-test-utils': '1.11.7',
        '@nativestage/metrics': `file:${PackedPackage.all.metrics.tarball}`,
        '@opentelemetry/api': installedVersion('@opentelemetry/api'),
        '@sinonjs/fake-timers': '15.5.0',
        '@types/jest': '30.0.0',
        '@types/node': installedVersion('@types/node'),
        typescript: installedVersion('typescript'),
        vitest: VITEST,
      },
    });
    for (const [name, { role, files, jest }] of Object.entries(PACKAGES)) {
      app.write(`packages/${name}/package.json`, {
        // Under the folder's name a workspace would stand in for jsdom.
        name: `tested-${name}`,
        version: '0.0.0',
        private: true,
        backstage: { role },
        jest,
      });
      for (const [file, fixture] of Object.entries(files)) {
        copyFixture(fixture, `packages/${name}/src/${file}`);
      }
    }
    for (const name of ['documented', 'vitest']) {
      app.write(`packages/${name}/package.json`, {
        name: `tested-${name}`,
        version: '0.0.0',
        private: true,
        backstage: { role: 'backend-plugin' },
      });
      for (const [file, code] of Object.entries(DOCUMENTED)) {
        if (file === 'plugin.ts' || isOfVitest(code) === (name === 'vitest')) {
          app.write(`packages/${name}/src/${file}`, code);
        }
      }
      app.write(`packages/${name}/tsconfig.json`, {
        compilerOptions: {
          module: 'preserve',
          noEmit: true,
          strict: true,
          // As Backstage's own configuration has it.
          skipLibCheck: true,
          target: 'ES2022',
          types: name === 'vitest' ? ['node'] : ['jest', 'node'],
        },
        include: ['src/*.ts'],
      });
    }
    copyFixture('quiet.js', 'packages/documented/src/quiet.test.js');
    copyFixture('sinon.cjs', 'sinon.cjs');
    await app.npm(t, 'install');
    app.addSqlite();
  }

  function copyFixture(fixture: string, file: string): void {
    cpSync(path.join(FIXTURES, 'jest', fixture), app.file(file));
  }

  /** Runs the tests of a package; the ending is that of the runner. */
  function jest(
    t: TestContext,
    name: string,
    args: string[],
    // What measures for ten seconds opens a port.
    env: Record<string, string> = { OTEL_EXPORTER_PROMETHEUS_PORT: '0' },
  ): Promise<Ending> {
    const runner =
      'node_modules/@backstage/cli-module-test-jest/bin/backstage-cli-module-test-jest';
    return Program.command(
      t,
      process.execPath,
      [app.file(runner), 'package', 'test', '--watch=false', ...args],
      {
        cwd: app.file(`packages/${name}`),
        env: { ...environment(), ...env },
        limit: 180_000,
      },
    ).ending;
  }

  for (const [name, how, args] of [
    ['node', 'files one after the other', ['--runInBand']],
    ['node', 'files in processes', ['--maxWorkers=2']],
    ['node', 'files in threads', ['--maxWorkers=2', '--workerThreads']],
    ['jsdom', 'files one after the other', ['--runInBand']],
    ['jsdom', 'files in processes', ['--maxWorkers=2']],
    ['fake-timers', 'files one after the other', ['--runInBand']],
    ['backend', 'files one after the other', ['--runInBand']],
  ] as const) {
    itInstalled(`works for ${name}, ${how}`, async t => {
      const { code, stderr } = await jest(t, name, [...args]);
      assert.equal(code, 0, stderr);
      const files = Object.keys(PACKAGES[name].files).length;
      assert.match(
        stderr,
        new RegExp(`Test Suites: ${files} passed, ${files} total`),
      );
      assert.doesNotMatch(
        stderr,
        /did not exit|failed to exit gracefully|torn down|Cannot log after|JEST-01/,
      );
    });
  }

  itInstalled('the documented tests compile', async t => {
    for (const name of ['documented', 'vitest']) {
      const { code, stdout } = await Program.command(
        t,
        process.execPath,
        [app.file('node_modules/typescript/bin/tsc'), '--project', '.'],
        { cwd: app.file(`packages/${name}`), env: environment() },
      ).ending;
      assert.equal(code, 0, stdout);
    }
  });

  itInstalled(
    'the documented tests pass, leave no handle open, and export nothing',
    async t => {
      const receiver = await OtlpReceiver.start(t);
      const { code, stdout, stderr } = await jest(
        t,
        'documented',
        ['--runInBand', '--detectOpenHandles'],
        {
          OTEL_METRICS_EXPORTER: 'prometheus,otlp',
          OTEL_EXPORTER_PROMETHEUS_PORT: String(await freePort()),
          OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        },
      );
      assert.equal(code, 0, stderr);
      const files = Object.values(DOCUMENTED).filter(
        text => /\bit\(/.test(text) && !isOfVitest(text),
      ).length;
      assert.ok(files >= 3);
      assert.match(
        stderr,
        new RegExp(`Test Suites: ${files + 1} passed, ${files + 1} total`),
      );
      assert.doesNotMatch(
        stdout + stderr,
        /open handle|did not exit|failed to exit gracefully|torn down/i,
      );
      assert.equal(receiver.received.length, 0);
    },
  );

  itInstalled('the documented tests of Vitest pass in it', async t => {
    const { code, stdout, stderr } = await Program.command(
      t,
      process.execPath,
      [app.file('node_modules/vitest/vitest.mjs'), 'run', '--no-color'],
      {
        cwd: app.file('packages/vitest'),
        env: { ...environment(), OTEL_EXPORTER_PROMETHEUS_PORT: '0' },
        limit: 180_000,
      },
    ).ending;
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Tests +2 passed \(2\)/);
  });

  itInstalled('says why its addon is not loaded', async t => {
    const { code, stderr } = await jest(t, 'no-addon', ['--runInBand']);
    assert.equal(code, 0, stderr);
  });

  itInstalled(
    'and without it beside fake timers that replace Node’s own, collects',
    async t => {
      const { code, stdout, stderr } = await Program.command(
        t,
        process.execPath,
        [app.file('sinon.cjs')],
        { cwd: folder, env: environment() },
      ).ending;
      assert.deepEqual([code, stdout], [0, '3\n'], stderr);
    },
  );
});
