import {
  chmodSync,
  cpSync,
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
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { freePort } from '../support/ports';

export const ROOT = path.join(__dirname, '../..');

/** What a new Backstage app has installed, as far as the doctor looks at it. */
const INSTALLED = [
  '@backstage/backend-defaults',
  '@backstage/backend-plugin-api',
  '@backstage/config-loader',
  '@opentelemetry/api',
];

const INDEX = `import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();
backend.add(import('@nativestage/metrics'));
backend.add(import('plugin-orders-backend'));
backend.start();
`;

const PLUGIN = `import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { metricsServiceRef } from '@nativestage/metrics';

// import 'prom-client' would be a mistake; in a comment it is none.
export default createBackendPlugin({
  pluginId: 'orders',
  register(env) {
    env.registerInit({
      deps: { metrics: metricsServiceRef },
      async init({ metrics }) {
        metrics.createCounter('orders.placed').add(1);
        metrics.getMeter().createCounter('plain').add(1);
        otel.getMeter('orders').createCounter('plain').add(1);
      },
    });
  },
});
`;

const INSTRUMENTATION = `require('@nativestage/metrics/register');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const {
  getNodeAutoInstrumentations,
} = require('@opentelemetry/auto-instrumentations-node');

new NodeSDK({
  metricReaders: [],
  instrumentations: [getNodeAutoInstrumentations()],
}).start();
`;

/** A Backstage app in a temporary folder: healthy until a test spoils it. */
export class AppFixture {
  private constructor(
    readonly directory: string,
    /** Where its page would be; nobody listens. */
    readonly port: number,
  ) {}

  static async create(t: TestContext): Promise<AppFixture> {
    const directory = realpathSync(
      mkdtempSync(path.join(tmpdir(), 'metrics-doctor-')),
    );
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const app = new AppFixture(directory, await freePort());
    app.writeHealthy();
    return app;
  }

  private writeHealthy(): void {
    this.json('package.json', {
      name: 'root',
      private: true,
      workspaces: ['packages/*', 'plugins/*'],
    });
    this.json('backstage.json', { version: '1.55.3' });
    this.config({});
    this.json('packages/backend/package.json', {
      name: 'backend',
      version: '0.0.0',
      backstage: { role: 'backend' },
      scripts: {
        start: 'backstage-cli package start --require ./instrumentation.js',
      },
      dependencies: {
        '@backstage/backend-defaults': '^0.18.0',
        '@backstage/backend-plugin-api': '^1.10.1',
        '@nativestage/metrics': '^0.1.0',
        '@opentelemetry/api': '^1.9.0',
        'plugin-orders-backend': '^0.0.0',
      },
    });
    this.write('packages/backend/src/index.ts', INDEX);
    this.write('packages/backend/instrumentation.js', INSTRUMENTATION);
    this.write(
      'packages/backend/Dockerfile',
      'FROM node:24-trixie-slim\nENV NODE_OPTIONS "--no-node-snapshot"\nCMD ["node", "--require", "./instrumentation.js", "packages/backend"]\n',
    );
    this.json('plugins/orders-backend/package.json', {
      name: 'plugin-orders-backend',
      version: '0.0.0',
      backstage: { role: 'backend-plugin', pluginId: 'orders' },
    });
    this.write('plugins/orders-backend/src/index.ts', PLUGIN);
    this.link('@nativestage/metrics', ROOT);
    for (const name of INSTALLED) {
      this.link(name, path.join(ROOT, 'node_modules', name));
    }
    this.link(
      'plugin-orders-backend',
      path.join(this.directory, 'plugins/orders-backend'),
    );
  }

  /** Writes `app-config.yaml` with these settings of `backend.metrics`. */
  config(metrics: JsonObject, prometheus: JsonObject = {}): void {
    this.json('app-config.yaml', {
      app: { baseUrl: 'http://localhost:3000' },
      backend: {
        baseUrl: 'http://localhost:7007',
        listen: ':7007',
        metrics: {
          exporters: { prometheus: { port: this.port, ...prometheus } },
          ...metrics,
        },
      },
    });
  }

  write(file: string, text: string | Uint8Array): void {
    const at = path.join(this.directory, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, text);
  }

  /** JSON is YAML. */
  json(file: string, value: JsonObject): void {
    this.write(file, JSON.stringify(value, undefined, 2));
  }

  read(file: string): string {
    return readFileSync(path.join(this.directory, file), 'utf8');
  }

  replace(file: string, part: string, by: string): void {
    const text = this.read(file);
    if (!text.includes(part)) {
      throw new Error(`No ${part} in ${file}`);
    }
    this.write(
      file,
      text.replace(part, () => by),
    );
  }

  remove(file: string): void {
    rmSync(path.join(this.directory, file), { recursive: true });
  }

  /** A package of this repository's, installed below a folder of the app as another version. */
  installCopy(name: string, version: string, below = '.'): void {
    const place = path.join(below, 'node_modules', name);
    const at = path.join(this.directory, place);
    rmSync(at, { recursive: true, force: true });
    cpSync(
      path.join(ROOT, 'node_modules', name, 'package.json'),
      at + '/package.json',
      { recursive: true },
    );
    const manifest = JSON.parse(
      this.read(`${place}/package.json`),
    ) as JsonObject;
    this.json(`${place}/package.json`, { ...manifest, version });
  }

  /** As npm links the command of an installed package. */
  linkCommand(): void {
    const command = path.join(ROOT, 'dist/cli.js');
    this.write(
      'node_modules/.bin/metrics',
      `#!/bin/sh\nexec "${process.execPath}" "${command}" "$@"\n`,
    );
    chmodSync(path.join(this.directory, 'node_modules/.bin/metrics'), 0o755);
  }

  private link(name: string, target: string): void {
    const at = path.join(this.directory, 'node_modules', name);
    mkdirSync(path.dirname(at), { recursive: true });
    symlinkSync(target, at, 'dir');
  }
}
