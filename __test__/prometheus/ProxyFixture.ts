import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { eventually } from '../support/eventually';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';

const SERVICE_TOKEN = 'a-service-token-of-a-test';

/** A real backend with Backstage's proxy and nothing else: what adopters of a proxy have. */
export class ProxyFixture {
  /** Requests that were sent to it, as `POST /api/proxy/…`. */
  readonly asked: string[] = [];

  private constructor(readonly url: string) {}

  readonly discoveryApi = {
    getBaseUrl: (plugin: string) =>
      Promise.resolve(`${this.url}/api/${plugin}`),
  };

  /** Sends credentials along, as an app does for who is signed in. */
  readonly fetchApi = {
    fetch: (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      request.headers.set('authorization', `Bearer ${SERVICE_TOKEN}`);
      const { pathname } = new URL(request.url);
      this.asked.push(`${request.method} ${pathname}`);
      return fetch(request);
    },
  };

  /** @param endpoints - targets, or all that is configured, by their paths below `/api/proxy` */
  static async start(
    t: TestContext,
    endpoints: Record<string, string | JsonObject>,
  ): Promise<ProxyFixture> {
    const directory = mkdtempSync(path.join(tmpdir(), 'prometheus-proxy-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = path.join(directory, 'app-config.yaml');
    writeFileSync(config, JSON.stringify(configuration(url, port, endpoints)));
    const program = Program.node(t, 'prometheus/proxyBackend.cjs', {
      args: ['--config', config],
      env: { NODE_ENV: 'development' },
      limit: 180_000,
    });
    await eventually(async () => {
      const health = await fetch(`${url}/.backstage/health/v1/readiness`);
      assert.equal(health.status, 200);
    }, 90_000).catch((error: unknown) => {
      throw new Error(program.stdout + program.stderr, { cause: error });
    });
    return new ProxyFixture(url);
  }
}

function configuration(
  url: string,
  port: number,
  endpoints: Record<string, string | JsonObject>,
): object {
  return {
    app: { baseUrl: url },
    backend: {
      baseUrl: url,
      listen: { host: '127.0.0.1', port },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      auth: {
        externalAccess: [
          {
            type: 'static',
            options: { token: SERVICE_TOKEN, subject: 'a-service' },
          },
        ],
      },
    },
    proxy: { endpoints },
  };
}
