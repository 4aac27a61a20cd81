import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertBackstage as ofPlugin } from '../../plugins/prometheus-backend/src/assertBackstage';
import { assertBackstage as ofMetrics } from '../../ts/backstage/assertBackstage';

// Each package has a copy: they share no other.
for (const [name, assertBackstage] of [
  ['@nativestage/metrics', ofMetrics],
  ['@nativestage/backstage-plugin-prometheus-backend', ofPlugin],
] as const) {
  test(`a Backstage that cannot start ${name} is named with what to upgrade`, t => {
    for (const version of ['0.9.3', '1.3.0', '1.5.9']) {
      assert.throws(() => assertBackstage(loaded(t, version)), {
        message: new RegExp(
          `^${name} needs Backstage 1\\.49 or newer, with @backstage/backend-app-api 1\\.6\\.0; found ${version.replaceAll('.', '\\.')}\\. Upgrade Backstage with`,
        ),
      });
    }
  });

  test(`any that can start ${name} is well, also beside an old copy, and so is a program without a backend`, t => {
    for (const version of [
      '1.6.0',
      '1.6.1',
      '1.9.0',
      '1.10.0',
      '2.0.0',
      '0.0.0-nightly-20261101023456',
    ]) {
      assertBackstage(loaded(t, version));
      assertBackstage([...loaded(t, '1.3.0'), ...loaded(t, version)]);
    }
    assertBackstage(['/app/index.js']);
    assertBackstage();
  });
}

function loaded(t: TestContext, version: string): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'backstage-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = path.join(folder, 'node_modules/@backstage/backend-app-api');
  mkdirSync(root, { recursive: true });
  writeFileSync(path.join(root, 'package.json'), JSON.stringify({ version }));
  return [path.join(root, 'dist/index.cjs.js')];
}
