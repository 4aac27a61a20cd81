import { readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { NativeProvider } from '../binding';
import { log } from './log';
import { textOf } from './text';
import { setTimeout } from './timers';

/** The entry file of a Prometheus client, wherever it is installed. */
const CLIENT =
  /[\\/]node_modules[\\/](prom-client|@prometheus-io[\\/]client)[\\/]index\.js$/;

/** Looking through 10 000 loaded modules takes about 1.5 ms. */
const LOOK_INTERVAL_MS = 10_000;

/** A metric whose own callback takes longer, at most, is exported as it was read last. */
const PATIENCE_MS = 1000;

/** The part of a registry that both clients have had for years. */
interface Registry {
  getMetricsAsArray(): { name: string }[];
  getSingleMetricAsString(name: string): Promise<string>;
}

/** The default registry of one loaded copy of a client. */
interface Client {
  name: string;
  version: string | undefined;
  registry: Registry;
  /** What was read last, by metric. */
  texts: Map<string, string>;
  /** Metrics whose own callbacks have not come back yet. */
  pending: Set<string>;
}

/**
 * A metric producer (Metrics SDK specification, "MetricProducer") over the default registries of
 * `prom-client` and `@prometheus-io/client`, of every copy that the program has loaded. Nothing is
 * loaded or changed for it. Metrics are handed over as the text that the client itself would serve.
 */
export class PrometheusProducer {
  private readonly clients = new Map<string, Client>();
  private lookedAt = -Infinity;
  private readonly failures = new Set<string>();

  constructor(
    private readonly native: NativeProvider,
    private readonly facade: number,
  ) {}

  /** Hands over what every registry holds now, within `patience` milliseconds. Never rejects. */
  async produce(patience: number): Promise<void> {
    this.look();
    const clients = [...this.clients.values()];
    await Promise.all(
      clients.map((client, index) =>
        this.read(client, index, patience).catch((error: unknown) =>
          this.report(client, 'registry', error),
        ),
      ),
    );
  }

  /** Whether a registry holds a metric. */
  get hasMetrics(): boolean {
    this.look();
    return [...this.clients.values()].some(client => {
      try {
        return client.registry.getMetricsAsArray().length > 0;
      } catch (error) {
        this.report(client, 'registry', error);
        return false;
      }
    });
  }

  private look(): void {
    if (performance.now() - this.lookedAt < LOOK_INTERVAL_MS) {
      return;
    }
    this.lookedAt = performance.now();
    for (const file of Object.keys(require.cache)) {
      const name = CLIENT.exec(file)?.[1];
      if (!name || this.clients.has(file)) {
        continue;
      }
      const exported = require.cache[file]?.exports as { register?: unknown };
      if (isRegistry(exported.register)) {
        this.clients.set(file, {
          name: name.replace('\\', '/'),
          version: version(file),
          registry: exported.register,
          texts: new Map(),
          pending: new Set(),
        });
      }
    }
  }

  private async read(
    client: Client,
    index: number,
    patience: number,
  ): Promise<void> {
    const { name, version, registry, texts } = client;
    const names = registry.getMetricsAsArray().map(metric => metric.name);
    const reads = names.map(metric => this.refresh(client, metric));
    await Promise.race([
      Promise.all(reads),
      sleep(Math.min(patience, PATIENCE_MS)),
    ]);
    this.native.produce(
      this.facade,
      index,
      name,
      version,
      performance.timeOrigin,
      names.map(metric => texts.get(metric)).filter(text => text !== undefined),
    );
  }

  /** Reads one metric, unless that is still going on; a failure costs no other metric. */
  private async refresh(client: Client, metric: string): Promise<void> {
    const { registry, texts, pending } = client;
    if (pending.has(metric)) {
      return;
    }
    pending.add(metric);
    try {
      texts.set(metric, await registry.getSingleMetricAsString(metric));
    } catch (error) {
      texts.delete(metric);
      this.report(client, `metric "${metric}"`, error);
    } finally {
      pending.delete(metric);
    }
  }

  private report({ name }: Client, what: string, error: unknown): void {
    const failure = `the ${what} of ${name} could not be read and is left out`;
    if (!this.failures.has(failure)) {
      this.failures.add(failure);
      log('error', `${failure}: ${textOf(error)} (said once)`);
    }
  }
}

/** Lets a program end that waits for nothing else. */
function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}

function isRegistry(value: unknown): value is Registry {
  const registry = value as Partial<Registry> | null | undefined;
  return (
    typeof registry?.getMetricsAsArray === 'function' &&
    typeof registry.getSingleMetricAsString === 'function'
  );
}

function version(file: string): string | undefined {
  try {
    const manifest = path.join(path.dirname(file), 'package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      version?: string;
    };
    return version;
  } catch {
    // A copy without its manifest has no version to tell.
    return undefined;
  }
}
