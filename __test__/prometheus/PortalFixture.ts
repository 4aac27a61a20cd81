import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { eventually } from '../support/eventually';
import { freePort } from '../support/ports';
import { Program } from '../support/Program';

const BACKEND = 'prometheus/backend.cjs';
const SERVICE_TOKEN = 'a-service-token-of-a-test';

export interface PortalOptions {
  prometheus: JsonObject;
  /** Annotations and more, by the entity's name. */
  entities: Record<
    string,
    { annotations: Record<string, string>; spec?: JsonObject }
  >;
  env?: Record<string, string>;
  /** Defaults to true. */
  permissions?: boolean;
  /** Where the app is that a browser opens. */
  app?: string;
  /** `false` leaves the Prometheus plugin out. */
  plugin?: boolean;
  /** Of Backstage's own proxy, if the backend has it. */
  proxy?: JsonObject;
  /** The backend; by default the one of the fixtures. */
  script?: string;
}

export interface Answer<T> {
  status: number;
  body: T & { error?: { name: string; message: string } };
}

/** A real backend with the plugin, a catalog of components and a guest who asks. */
export class PortalFixture {
  private constructor(
    readonly url: string,
    readonly program: Program,
    private readonly guest: string,
  ) {}

  static async start(
    t: Pick<TestContext, 'after'>,
    options: PortalOptions,
  ): Promise<PortalFixture> {
    const directory = mkdtempSync(path.join(tmpdir(), 'prometheus-backend-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const catalog = path.join(directory, 'catalog.yaml');
    writeFileSync(
      catalog,
      Object.entries(options.entities)
        .map(([name, entity]) => JSON.stringify(component(name, entity)))
        .join('\n---\n'),
    );
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = path.join(directory, 'app-config.yaml');
    writeFileSync(
      config,
      JSON.stringify(configuration(url, port, catalog, options)),
    );
    const program = Program.node(t, options.script ?? BACKEND, {
      args: ['--config', config],
      env: {
        NODE_ENV: 'development',
        PLUGIN: String(options.plugin ?? true),
        ...options.env,
      },
      limit: 600_000,
    });
    await eventually(async () => {
      const health = await fetch(`${url}/.backstage/health/v1/readiness`);
      assert.equal(health.status, 200);
    }, 90_000).catch((error: unknown) => {
      throw new Error(program.stdout + program.stderr, { cause: error });
    });
    const signIn = await fetch(`${url}/api/auth/guest/refresh`, {
      method: 'POST',
      headers: { 'x-requested-with': 'XMLHttpRequest' },
    });
    const { backstageIdentity } = (await signIn.json()) as {
      backstageIdentity: { token: string };
    };
    const portal = new PortalFixture(url, program, backstageIdentity.token);
    const names = Object.keys(options.entities);
    await eventually(() => portal.hasAll(names), 60_000);
    return portal;
  }

  readonly discoveryApi = {
    getBaseUrl: (plugin: string) =>
      Promise.resolve(`${this.url}/api/${plugin}`),
  };

  /** Sends the guest's token along, as an app does. */
  readonly fetchApi = {
    fetch: (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      request.headers.set('authorization', this.authorization);
      return fetch(request);
    },
  };

  /** Says that the guest asks. */
  get authorization(): string {
    return `Bearer ${this.guest}`;
  }

  /** Asks as the guest. */
  ask<T>(route: string, body?: object, signal?: AbortSignal) {
    return this.send<T>(this.guest, route, body, signal);
  }

  /** Asks as another service does. */
  askAsService<T>(route: string, body?: object) {
    return this.send<T>(SERVICE_TOKEN, route, body);
  }

  /** Asks without any token. */
  askAsNobody<T>(route: string, body?: object) {
    return this.send<T>(undefined, route, body);
  }

  private async send<T>(
    token: string | undefined,
    route: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/api/prometheus${route}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: body && JSON.stringify(body),
      signal,
    });
    return {
      status: response.status,
      body: (await response.json()) as Answer<T>['body'],
    };
  }

  private async hasAll(names: string[]): Promise<void> {
    const response = await fetch(`${this.url}/api/catalog/entities`, {
      headers: { authorization: `Bearer ${SERVICE_TOKEN}` },
    });
    const entities = (await response.json()) as {
      metadata: { name: string };
    }[];
    const found = entities.map(({ metadata }) => metadata.name);
    assert.deepEqual(
      names.filter(name => !found.includes(name)),
      [],
    );
  }
}

/** The route of an entity. */
export function entityRoute(name: string, rest: string): string {
  return `/entities/component/default/${name}/${rest}`;
}

function component(
  name: string,
  { annotations, spec }: PortalOptions['entities'][string],
): object {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: { name, annotations },
    spec: {
      type: 'service',
      lifecycle: 'production',
      owner: 'guests',
      ...spec,
    },
  };
}

function configuration(
  url: string,
  port: number,
  catalog: string,
  { prometheus, permissions = true, app = url, proxy = {} }: PortalOptions,
): object {
  return {
    app: { baseUrl: app },
    backend: {
      baseUrl: url,
      cors: { origin: app, methods: ['GET', 'POST'], credentials: true },
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
    auth: {
      providers: { guest: { dangerouslyAllowOutsideDevelopment: true } },
    },
    permission: { enabled: permissions },
    catalog: {
      rules: [{ allow: ['Component'] }],
      locations: [{ type: 'file', target: catalog }],
    },
    prometheus,
    proxy,
  };
}
