import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';

const ROOT = path.join(__dirname, '../..');

describe(
  'a program that only knows @opentelemetry/api exports its metrics',
  {
    concurrency: 2,
  },
  () => {
    for (const { way, script, execArgv } of [
      { way: 'when it requires /register', script: 'required.cjs' },
      { way: 'when it imports /register', script: 'imported.mjs' },
      {
        way: 'under --require, as CommonJS',
        script: 'uses-api.cjs',
        execArgv: ['--require', '@nativestage/metrics/register'],
      },
      {
        way: 'under --import, as CommonJS',
        script: 'uses-api.cjs',
        execArgv: ['--import', '@nativestage/metrics/register'],
      },
      {
        way: 'under --require, as a module',
        script: 'uses-api.mjs',
        execArgv: ['--require', '@nativestage/metrics/register'],
      },
      {
        way: 'under --import, as a module',
        script: 'uses-api.mjs',
        execArgv: ['--import', '@nativestage/metrics/register'],
      },
    ]) {
      test(way, async t => {
        const receiver = await OtlpReceiver.start(t);
        const ending = await runNode(t, `lifecycle/${script}`, {
          execArgv,
          cwd: ROOT,
          env: environmentFor(receiver),
        });
        assert.deepEqual([ending.code, ending.stderr], [0, '']);
        assert.equal(receiver.value('used'), 1);
      });
    }
  },
);

test('every entry point can be imported by name from a module', async t => {
  const ending = await runNode(t, 'lifecycle/imports-by-name.mjs');
  assert.deepEqual([ending.code, ending.stderr], [0, '']);
  assert.equal(
    ending.stdout,
    'object alpha.core.metrics number function function function\n',
  );
});

test('another MeterProvider that came first is named aloud, and our services still export', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/other-provider.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stderr, /another OpenTelemetry MeterProvider/);
  assert.match(ending.stderr, /AcmeMeterProvider/);
  assert.match(
    ending.stderr,
    /import @nativestage\/metrics\/register before it starts/,
  );
  assert.equal(count(ending.stderr, 'AcmeMeterProvider'), 1);
  assert.equal(receiver.value('backstage.plugin.catalog.ours.count'), 1);
  assert.ok(receiver.metrics.every(({ name }) => name !== 'theirs'));
});

test('a second, older copy of @opentelemetry/api is named with versions and places', async t => {
  const { directory, api } = appWithOtherApi(t, '1.4.1');
  writeFileSync(
    path.join(directory, 'app.cjs'),
    // What NodeSDK and many libraries do first: it makes that copy own the global.
    `const { diag, metrics } = require('@opentelemetry/api');
     diag.setLogger({ error() {}, warn() {}, info() {}, debug() {}, verbose() {} });
     require('@nativestage/metrics/register');
     metrics.getMeter('m').createCounter('lost').add(1);`,
  );
  const ending = await runNode(t, path.join(directory, 'app.cjs'));
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stderr, /MetricsWarning/);
  assert.match(ending.stderr, /1\.4\.1/);
  const { version } = JSON.parse(
    readFileSync(
      path.join(ROOT, 'node_modules/@opentelemetry/api/package.json'),
      'utf8',
    ),
  ) as { version: string };
  assert.ok(ending.stderr.includes(version), ending.stderr);
  assert.ok(ending.stderr.includes(api), ending.stderr);
  assert.ok(
    ending.stderr.includes(
      realpathSync(path.join(ROOT, 'node_modules/@opentelemetry/api')),
    ),
    ending.stderr,
  );
  assert.match(ending.stderr, /npm ls @opentelemetry\/api/);
});

test('a second copy of @opentelemetry/api that is compatible is served too', async t => {
  const receiver = await OtlpReceiver.start(t);
  const { directory } = appWithOtherApi(t, '1.4.1');
  writeFileSync(
    path.join(directory, 'app.cjs'),
    `require('@nativestage/metrics/register');
     require('@opentelemetry/api').metrics.getMeter('m').createCounter('shared').add(1);`,
  );
  const ending = await runNode(t, path.join(directory, 'app.cjs'), {
    env: environmentFor(receiver),
  });
  assert.deepEqual([ending.code, ending.stderr], [0, '']);
  assert.equal(receiver.value('shared'), 1);
});

function environmentFor(receiver: OtlpReceiver): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  };
}

/** An app whose own @opentelemetry/api is another version than the one this package resolves. */
function appWithOtherApi(t: TestContext, version: string) {
  const directory = realpathSync(
    mkdtempSync(path.join(tmpdir(), 'metrics-app-')),
  );
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  const api = path.join(modules, '@opentelemetry/api');
  mkdirSync(path.join(modules, '@nativestage'), { recursive: true });
  symlinkSync(ROOT, path.join(modules, '@nativestage/metrics'), 'dir');
  cpSync(path.join(ROOT, 'node_modules/@opentelemetry/api'), api, {
    recursive: true,
  });
  const manifest = path.join(api, 'package.json');
  const found = JSON.parse(readFileSync(manifest, 'utf8')) as {
    version: string;
  };
  // Where 1.10 and 1.9 have it.
  const code = ['dist/version.cjs', 'build/src/version.js']
    .map(file => path.join(api, file))
    .find(file => existsSync(file));
  assert.ok(code, 'the API knows its version');
  for (const file of [manifest, code]) {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.includes(found.version), file);
    writeFileSync(file, text.replaceAll(found.version, version));
  }
  return { directory, api };
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
