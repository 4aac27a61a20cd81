import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext, test } from 'node:test';
import {
  diagnose,
  platformName,
  PREBUILT_PLATFORMS,
  type Surroundings,
} from '../../ts/addon/AddonFailure';
import { type Ending, runNode } from '../support/Program';
import { PackedPackage } from './PackedPackage';

const ROOT = path.join(__dirname, '../..');
const GLIBC = { platform: 'linux', arch: 'x64', glibc: '2.31' };
const MUSL = { platform: 'linux', arch: 'x64', glibc: undefined };

describe('where no binary loads, the error says why and what to do', () => {
  const cases: Array<{
    name: string;
    met: Partial<Surroundings>;
    reason: RegExp;
    advice: RegExp;
  }> = [
    {
      name: 'of a platform without prebuilt binaries',
      met: { system: { platform: 'freebsd', arch: 'x64', glibc: undefined } },
      reason: /no prebuilt binary for freebsd-x64, only for linux-x64-gnu, /,
      advice: /npm run build:release.*NAPI_RS_NATIVE_LIBRARY_PATH/,
    },
    {
      name: 'of a package that was not installed',
      met: {},
      reason: /metrics-linux-x64-gnu is not installed$/,
      advice: /without --omit=optional.*delete the lock file/,
    },
    {
      name: 'of an installation made on another system',
      met: { installed: ['darwin-arm64'] },
      reason:
        /metrics-linux-x64-gnu is not installed, but .*metrics-darwin-arm64 is/,
      advice: /install again on this system.*delete the lock file/,
    },
    {
      name: 'of a binary for a newer glibc',
      met: {
        attempts: [
          "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /app/metrics.linux-x64-gnu.node)",
        ],
      },
      reason: /needs glibc 2\.34, this system has 2\.31/,
      advice: /newer system.*build it from source/,
    },
    {
      name: 'of a binary for musl on glibc',
      met: {
        attempts: [
          'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory',
        ],
      },
      reason: /the binary is for musl, this system has glibc/,
      advice: /install again on this system/,
    },
    {
      name: 'of a binary for glibc on musl',
      met: {
        system: MUSL,
        attempts: [
          'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /app/metrics.linux-x64-gnu.node)',
        ],
      },
      reason: /the binary is for glibc, this system has musl/,
      advice: /install again on this system/,
    },
    {
      name: 'of a damaged binary',
      met: { attempts: ['/app/metrics.linux-x64-gnu.node: file too short'] },
      reason: /damaged or for another system: .*file too short/,
      advice: /install again on this system/,
    },
    {
      name: 'of Node without addons',
      met: {
        attempts: [
          'Cannot load native addon because loading addons is disabled.',
        ],
        override: '/app/metrics.node',
      },
      reason: /Node was started with --no-addons/,
      advice: /start Node without --no-addons/,
    },
    {
      name: "of Node's permission model",
      met: {
        attempts: [
          'Cannot load native addon because loading addons is disabled.',
        ],
        hasPermissions: true,
      },
      reason: /Node's permission model does not allow it/,
      advice: /--allow-addons .*--allow-fs-read.*--allow-worker/,
    },
    {
      name: "of a file that Node's permission model does not let it read",
      met: {
        attempts: [
          'Access to this API has been restricted. Use --allow-fs-read to manage permissions.',
        ],
        hasPermissions: true,
      },
      reason: /Node's permission model does not allow it/,
      advice: /--allow-fs-read/,
    },
    {
      name: "of a package that Node's permission model may hide",
      met: { hasPermissions: true },
      reason: /not installed, or Node's permission model hides its folder/,
      advice: /--allow-fs-read/,
    },
    {
      name: 'of anything else, in its own words',
      met: { attempts: ['libfoo.so.1: cannot open shared object file'] },
      reason: /^libfoo\.so\.1: cannot open shared object file$/,
      advice: /install again.*build it from source/,
    },
    {
      name: 'of a path in NAPI_RS_NATIVE_LIBRARY_PATH that is none',
      met: {
        override: 'metrics.node',
        attempts: ["Cannot find module 'metrics.node'"],
      },
      reason:
        /NAPI_RS_NATIVE_LIBRARY_PATH names metrics\.node, which does not load/,
      advice: /absolute, or unset it/,
    },
  ];
  for (const { name, met, reason, advice } of cases) {
    it(name, () => {
      const found = diagnose({
        system: GLIBC,
        attempts: [
          "Cannot find module './metrics.linux-x64-gnu.node'",
          "Cannot find module '@nativestage/metrics-linux-x64-gnu'",
        ],
        installed: [],
        override: undefined,
        ...met,
      });
      assert.match(found.reason, reason);
      assert.match(found.advice, advice);
    });
  }
});

test('every target that is built is a platform with prebuilt binaries', () => {
  const arch: Record<string, string> = { x86_64: 'x64', aarch64: 'arm64' };
  const platforms = PackedPackage.all.metrics.manifest.napi!.targets.map(
    target => {
      const [cpu, , os, abi] = target.split('-');
      const platform = { windows: 'win32', linux: 'linux' }[os] ?? 'darwin';
      return [platform, arch[cpu], ...(abi ? [abi] : [])].join('-');
    },
  );
  assert.deepEqual(platforms.sort(), [...PREBUILT_PLATFORMS].sort());
  assert.equal(platformName(GLIBC), 'linux-x64-gnu');
  assert.equal(platformName(MUSL), 'linux-x64-musl');
});

describe(
  'an installation',
  { skip: process.platform !== 'linux' && 'of Linux' },
  () => {
    const own = platformName({
      platform: process.platform,
      arch: process.arch,
      glibc: 'any',
    });

    it('without a binary names the package that is missing', async t => {
      const { stdout } = await load(t, {});
      assert.match(stdout, /^ERR_METRICS_ADDON_MISSING /);
      assert.match(stdout, new RegExp(`metrics-${own} is not installed\\.`));
      assert.match(stdout, /Cause by the loader: Cannot find native binding/);
    });

    it('made on another system names what it has instead', async t => {
      const { stdout } = await load(t, {
        packages: { 'darwin-arm64': 'Mach-O' },
      });
      assert.match(
        stdout,
        new RegExp(
          `metrics-${own} is not installed, but @nativestage/metrics-darwin-arm64 is`,
        ),
      );
    });

    it('with a damaged binary names the file', async t => {
      const { stdout } = await load(t, { packages: { [own]: 'damaged' } });
      assert.match(
        stdout,
        new RegExp(
          `damaged or for another system: .*metrics\\.${own}\\.node: file too short`,
        ),
      );
    });

    it('with a binary of its own from NAPI_RS_NATIVE_LIBRARY_PATH loads that', async t => {
      const { stdout } = await load(t, {
        env: {
          NAPI_RS_NATIVE_LIBRARY_PATH: path.join(ROOT, `metrics.${own}.node`),
        },
      });
      assert.equal(stdout, 'loaded\n');
    });
  },
);

/** Loads the addon in an installation that has these platforms' packages, with these binaries. */
function load(
  t: TestContext,
  {
    packages = {},
    env = {},
  }: { packages?: Record<string, string>; env?: Record<string, string> },
): Promise<Ending> {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-addon-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  const metrics = path.join(modules, '@nativestage/metrics');
  mkdirSync(metrics, { recursive: true });
  for (const file of ['package.json', 'binding.js', 'dist']) {
    cpSync(path.join(ROOT, file), path.join(metrics, file), {
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
  for (const [platform, content] of Object.entries(packages)) {
    const folder = `${metrics}-${platform}`;
    const main = `metrics.${platform}.node`;
    mkdirSync(folder);
    writeFileSync(path.join(folder, main), content);
    writeFileSync(
      path.join(folder, 'package.json'),
      JSON.stringify({ version: '0.1.0', main }),
    );
  }
  const script = path.join(directory, 'load.cjs');
  writeFileSync(
    script,
    `const { createTestMetrics } = require('@nativestage/metrics/testing');
try {
  createTestMetrics().shutdown();
  console.log('loaded');
} catch (error) {
  console.log(error.code, error.message, 'Cause by the loader:', error.cause.message);
}`,
  );
  return runNode(t, script, { env });
}
