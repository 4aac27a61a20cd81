import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';

export interface Backend {
  program: Program;
  url: string;
}

/** Starts `fixtures/backstage/backend.cjs` with this `backend.metrics` and these features. */
export async function backend(
  t: TestContext,
  metrics: JsonObject,
  features: string[],
  env: Record<string, string> = {},
  limit?: number,
): Promise<Backend> {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-backend-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = path.join(directory, 'app-config.yaml');
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      app: { baseUrl: url },
      backend: {
        baseUrl: url,
        listen: { host: '127.0.0.1', port },
        auth: { dangerouslyDisableDefaultAuthPolicy: true },
        metrics,
      },
    }),
  );
  writeFileSync(path.join(directory, 'package.json'), '{"name":"app"}');
  writeFileSync(
    path.join(directory, 'backstage.json'),
    JSON.stringify({ version: '1.55.3' }),
  );
  const program = Program.node(t, 'backstage/backend.cjs', {
    args: [
      '--config',
      config,
      ...features.flatMap(feature => ['--with', feature]),
    ],
    cwd: directory,
    env: { NODE_ENV: 'production', ...env },
    limit,
  });
  return { program, url };
}

/** Waits until it serves. */
export async function ready({ program, url }: Backend): Promise<void> {
  let ended = false;
  void program.ending.then(() => {
    ended = true;
  });
  await eventually(async () => {
    if (!ended) {
      const health = await fetch(`${url}/.backstage/health/v1/readiness`);
      assert.equal(health.status, 200);
    }
  }, 60_000);
  assert.equal(ended, false, program.stdout + program.stderr);
}
