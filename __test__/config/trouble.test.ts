import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { FIXTURES, runNode } from '../support/Program';

const ROOT = path.join(__dirname, '../..');

test('a port in use is an error in the log that names it, and the program lives on', async t => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ending = await runNode(t, 'config/trouble.cjs', {
    args: [JSON.stringify({ exporters: { prometheus: { port } } })],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(ending.stderr, /set options\.exporters\.prometheus\.port/);
  // Nobody here has a Backstage configuration.
  assert.doesNotMatch(ending.stderr, /backend\.metrics/);
  assert.match(ending.stdout, /lives on/);
});

test('an address that is not of this machine is an error in the log', async t => {
  const ending = await runNode(t, 'config/trouble.cjs', {
    args: [
      // TEST-NET-1: nobody's address.
      JSON.stringify({
        exporters: {
          prometheus: { host: '192.0.2.1', port: 0, unauthenticated: true },
        },
      }),
    ],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stderr, /192\.0\.2\.1/);
  assert.match(ending.stdout, /lives on/);
});

test('a collector whose name does not resolve is an error in the log that names it', async t => {
  const ending = await runNode(t, 'config/trouble.cjs', {
    args: [
      JSON.stringify({
        exporters: {
          prometheus: false,
          otlp: { endpoint: 'http://nowhere.invalid:4318', timeout: 300 },
        },
      }),
      'flush',
    ],
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout, /ERR_METRICS_EXPORT .*nowhere\.invalid:4318/);
  assert.match(ending.stderr, /nowhere\.invalid:4318/);
  assert.match(ending.stdout, /lives on/);
});

test('without its addon the package loads, says so once, and its services fall back', async t => {
  const directory = withoutAddon(t);
  const ending = await runNode(t, path.join(directory, 'addon-missing.cjs'));
  assert.equal(ending.code, 0, ending.stderr);
  assert.equal(
    ending.stdout,
    [
      'feature: object',
      // Through whatever is registered with OpenTelemetry's API.
      'fallback backstage.plugin.catalog.entities.count 3',
      'configure: ERR_METRICS_ADDON_MISSING',
      'createTestMetrics: ERR_METRICS_ADDON_MISSING',
      '',
    ].join('\n'),
  );
  assert.equal(
    ending.stderr.split('cannot be loaded').length,
    2,
    ending.stderr,
  );
  assert.match(ending.stderr, /MetricsWarning/);
  assert.match(
    ending.stderr,
    new RegExp(
      `${process.platform}-${process.arch} with Node ${process.versions.node}`,
    ),
  );
  assert.match(ending.stderr, /npm run build:release/);
});

const [major] = process.versions.node.split('.').map(Number);
const PERMISSION = major < 22 ? '--experimental-permission' : '--permission';

for (const [what, execArgv, advice] of [
  ['--no-addons', ['--no-addons'], /start Node without --no-addons/],
  [
    "Node's permission model",
    [PERMISSION, '--allow-fs-read=*'],
    /start Node with --allow-addons beside --permission/,
  ],
] as const) {
  test(`under ${what} the package loads, says what to do, and its services fall back`, async t => {
    const ending = await runNode(t, 'config/addon-missing.cjs', {
      execArgv: [...execArgv],
    });
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /configure: ERR_METRICS_ADDON_MISSING/);
    assert.match(ending.stderr, advice);
    assert.doesNotMatch(ending.stderr, /install again|from source/);
  });
}

test("the advice for Node's permission model helps", async t => {
  const ending = await runNode(t, 'config/unheard.cjs', {
    args: ['{"exporters":{"prometheus":{"port":0}}}'],
    execArgv: [PERMISSION, '--allow-addons', '--allow-fs-read=*'],
  });
  assert.match(ending.stdout, /^target_info/, ending.stderr);
});

/** An installation whose addon is missing. */
function withoutAddon(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-no-addon-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  const installed = path.join(modules, '@nativestage/metrics');
  mkdirSync(installed, { recursive: true });
  for (const file of ['package.json', 'binding.js', 'dist']) {
    cpSync(path.join(ROOT, file), path.join(installed, file), {
      recursive: true,
    });
  }
  for (const scope of ['@backstage', '@opentelemetry']) {
    symlinkSync(
      path.join(ROOT, 'node_modules', scope),
      path.join(modules, scope),
      'dir',
    );
  }
  cpSync(
    path.join(FIXTURES, 'config/addon-missing.cjs'),
    path.join(directory, 'addon-missing.cjs'),
  );
  return directory;
}
