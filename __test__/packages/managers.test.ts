import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from 'node:test';
import { PREBUILT_PLATFORMS } from '../../ts/addon/AddonFailure';
import { type Ending, FIXTURES, Program } from '../support/Program';
import { suiteScope } from '../support/suiteScope';
import { environment, FreshFolder, installedVersion } from './FreshFolder';
import { installedBefore } from './installedBefore';
import { LocalRegistry } from './LocalRegistry';
import { makeRelease } from './Release';

const YARN = '4.18.1';
const PNPM = '12.21.0';
/** A cold cache and a slow registry. */
const LIMIT_MS = 300_000;

/** Yarn as `create-app` sets it up, Yarn as it is without, and pnpm: npm is what the other tests install with. */
const MANAGERS = ['Yarn', 'Yarn PnP', 'pnpm'] as const;
/** As `yarn node` starts Node. */
const PNP = ['--require=./.pnp.cjs', '--experimental-loader=./.pnp.loader.mjs'];
type Manager = (typeof MANAGERS)[number];

describe('a program that is installed by', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-managers-'));
  const t = suiteScope();
  t.after(() => rmSync(folder, { recursive: true }));
  const tools = new FreshFolder(path.join(folder, 'tools'));
  const said = new Map<Manager, string>();
  let registry: LocalRegistry;
  let publicRegistry: string;

  const itInstalled = installedBefore(async () => {
    registry = await LocalRegistry.of(
      t,
      await makeRelease(t, folder, PREBUILT_PLATFORMS),
    );
    const { stdout } = await Program.command(
      t,
      'npm',
      ['config', 'get', 'registry'],
      { env: environment() },
    ).ending;
    publicRegistry = stdout.trim();
    tools.write('package.json', { private: true });
    await tools.npm(t, 'install', `@yarnpkg/cli-dist@${YARN}`, `pnpm@${PNPM}`);
    for (const manager of MANAGERS) {
      await install(manager);
    }
  });

  const appOf = (manager: Manager) =>
    new FreshFolder(path.join(folder, manager.replace(' ', '-')));

  function run(manager: Manager, ...args: string[]): Program {
    const program =
      manager === 'pnpm'
        ? 'pnpm/bin/pnpm.mjs'
        : '@yarnpkg/cli-dist/bin/yarn.js';
    return Program.command(
      t,
      process.execPath,
      [tools.file(`node_modules/${program}`), ...args],
      {
        cwd: appOf(manager).directory,
        // In CI both refuse to write a lock file, which a new app has none of.
        env: { ...environment(), CI: 'false' },
        limit: LIMIT_MS,
      },
    );
  }

  async function install(manager: Manager): Promise<void> {
    const app = appOf(manager);
    app.write('package.json', {
      name: 'root',
      private: true,
      dependencies: {
        '@nativestage/metrics': '*',
        '@opentelemetry/api': installedVersion('@opentelemetry/api'),
        express: installedVersion('express'),
      },
    });
    if (manager === 'pnpm') {
      app.write(
        '.npmrc',
        `registry=${publicRegistry}\n@nativestage:registry=${registry.url}\n`,
      );
      // Not taken for a part of what is around it.
      app.write('pnpm-workspace.yaml', { packages: [] });
    } else {
      app.write('yarn.lock', '');
      app.write('.yarnrc.yml', {
        nodeLinker: manager === 'Yarn' ? 'node-modules' : 'pnp',
        enableGlobalCache: false,
        enableTelemetry: false,
        npmMinimalAgeGate: '3d',
        npmPreapprovedPackages: ['@nativestage/*'],
        npmRegistryServer: publicRegistry,
        npmScopes: { nativestage: { npmRegistryServer: registry.url } },
        unsafeHttpWhitelist: ['127.0.0.1', new URL(publicRegistry).hostname],
      });
    }
    for (const script of ['express.cjs', 'express.mjs']) {
      cpSync(path.join(FIXTURES, 'packages', script), app.file(script));
    }
    const ending: Ending = await run(manager, 'install').ending;
    const output = ending.stdout + ending.stderr;
    assert.equal(ending.code, 0, output);
    said.set(manager, output);
  }

  for (const manager of MANAGERS) {
    itInstalled(`${manager} installs it without a warning`, () => {
      // Peers, of which Yarn's summary names none, and packages that are too young.
      assert.doesNotMatch(said.get(manager)!, /YN00(02|16|60|86)|WARN|peer/);
    });

    for (const script of ['express.cjs', 'express.mjs']) {
      itInstalled(`${manager} serves a page from ${script}`, async t => {
        const program = Program.command(
          t,
          process.execPath,
          [...(manager === 'Yarn PnP' ? PNP : []), script],
          { cwd: appOf(manager).directory, env: environment() },
        );
        const [, port, page] = await program.line(/^shop (\d+) page (\S+)$/m);
        await (await fetch(`http://127.0.0.1:${port}/`)).text();
        const text = await (await fetch(`http://${page}/metrics`)).text();
        assert.match(text, /^shop_requests_total\{.*route="\/".*\} 1$/m);
      });
    }
  }
});
