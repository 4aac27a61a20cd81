import { readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { NativeProvider } from '../../binding';
import { log } from '../common/log';
import { textOf } from '../common/text';
import { setTimeout } from '../common/timers';

/** The entry file of a Prometheus client, wherever it is installed. */
const CLIENT =
  /[\\/]node_modules[\\/](prom-client|@prometheus-io[\\/]client)[\\/]index\.js$/;

/** Looking through 10 000 loaded modules takes about 1.5 ms. */
const LOOK_INTERVAL_MS = 10_000;

/** A metric whose own callback takes longer, at most, is exported as it was read last. */
const PATIENCE_MS = 1000;

/** What is used of a metric. Its name is what its registry calls it now, and may have been renamed. */
interface Metric {
  name: string;
  type?: string;
  get(): unknown;
  /** Of histograms, instead of `get`. */
  getForPromString?(): unknown;
}

/** The part of a registry that both clients have had for years. */
interface Registry {
  getMetricsAsArray(): Metric[];
  getSingleMetricAsString(name: string): Promise<string>;
  /** Not before prom-client 15, which can be set to OpenMetrics too. */
  getMetricsAsString?(metric: Metric): Promise<string>;
  contentType?: string;
}

/** The default registry of one loaded copy of a client. */
interface Client {
  name: string;
  version: string | undefined;
  /** Its exports, as a program may give it another default registry. */
  exports: { register: Registry };
  /** What was read last, by metric. */
  texts: WeakMap<Metric, string>;
  /** Metrics whose own callbacks have not come back yet. */
  pending: WeakMap<Metric, { since: number; read: Promise<void> }>;
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
        return client.exports.register.getMetricsAsArray().length > 0;
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
      const exported: unknown = require.cache[file]?.exports;
      if (isClient(exported)) {
        this.clients.set(file, {
          name: name.replace('\\', '/'),
          version: version(file),
          exports: exported,
          texts: new WeakMap(),
          pending: new WeakMap(),
        });
      }
    }
  }

  private async read(
    client: Client,
    index: number,
    patience: number,
  ): Promise<void> {
    const { name, version, exports, texts } = client;
    const { register } = exports;
    // A metric can stand under an old name and under a new one.
    const metrics = [...new Set(register.getMetricsAsArray())].filter(metric =>
      // What is not exported is not read either: its callbacks may be costly.
      this.native.produces(metric.name, metric.type === 'counter'),
    );
    const limit = Math.min(patience, PATIENCE_MS);
    const until = performance.now() + limit;
    const reads = metrics.map(metric =>
      this.refresh(client, register, metric, until),
    );
    await Promise.race([Promise.all(reads), sleep(limit)]);
    this.native.produce(
      this.facade,
      index,
      name,
      version,
      performance.timeOrigin,
      metrics
        .map(metric => texts.get(metric))
        .filter(text => text !== undefined),
    );
  }

  /**
   * Reads one metric, after whoever reads it for another collection; not if that takes until then, or
   * has taken too long already.
   */
  private async refresh(
    client: Client,
    registry: Registry,
    metric: Metric,
    until: number,
  ): Promise<void> {
    const { pending } = client;
    for (;;) {
      const other = pending.get(metric);
      if (!other) {
        break;
      }
      if (performance.now() - other.since > PATIENCE_MS) {
        return;
      }
      await other.read;
      if (performance.now() > until) {
        return;
      }
    }
    const read = this.readMetric(client, registry, metric);
    pending.set(metric, { since: performance.now(), read });
    try {
      await read;
    } finally {
      pending.delete(metric);
    }
  }

  /** A failure costs no other metric. */
  private async readMetric(
    client: Client,
    registry: Registry,
    metric: Metric,
  ): Promise<void> {
    try {
      client.texts.set(metric, await written(registry, metric));
    } catch (error) {
      client.texts.delete(metric);
      this.report(client, `metric "${metric.name}"`, error);
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

/**
 * A metric as `registry.metrics()` would write it. That renames counters, for good, when the registry
 * writes OpenMetrics, where their samples are called `_total` and they are not; here they keep their
 * name and are written without it.
 */
function written(registry: Registry, metric: Metric): Promise<string> {
  if (!registry.getMetricsAsString) {
    return registry.getSingleMetricAsString(metric.name);
  }
  const openMetrics = registry.contentType?.startsWith(
    'application/openmetrics-text',
  );
  const renames = openMetrics && metric.type === 'counter';
  return registry.getMetricsAsString(renames ? withoutTotal(metric) : metric);
}

/** What stands in for a counter where it is written. */
function withoutTotal(counter: Metric): Metric {
  const { name, type } = counter;
  const read =
    typeof counter.getForPromString === 'function' ? 'getForPromString' : 'get';
  return {
    name,
    type,
    async get() {
      const data = (await counter[read]?.()) as { name: string };
      return { ...data, name: data.name.replace(/_total$/, '') };
    },
  };
}

function isClient(value: unknown): value is { register: Registry } {
  const { register } = (value ?? {}) as { register?: Partial<Registry> | null };
  return (
    typeof register?.getMetricsAsArray === 'function' &&
    typeof register.getSingleMetricAsString === 'function'
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
