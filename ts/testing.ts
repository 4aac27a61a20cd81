/**
 * Metrics in memory, for tests of plugins: record, then read back values by name and attributes.
 *
 * @packageDocumentation
 */
import {
  coreServices,
  createServiceFactory,
  type ServiceFactory,
} from '@backstage/backend-plugin-api';
import type { Attributes, MeterProvider } from '@opentelemetry/api';
import { metricsServiceRef, rootMetricsServiceRef } from './backstage/refs';
import { DefaultRootMetricsService } from './services/DefaultRootMetricsService';
import {
  type Path,
  readAttributes,
  wellFormed,
  writeSet,
} from './instruments/attributes';
import type { MetricReader } from './export/types';
import { loadBinding, loadFailure } from './addon/native';
import { NativeMeterProvider } from './provider/NativeMeterProvider';
import type { MetricsOptions } from './options/options';
import { readOptions } from './options/plainOptions';
import {
  parseCollection,
  type TestMetric,
  type TestPoint,
} from './export/otlpJson';
import type { RootMetricsService } from './services/services';

/** How long callbacks may take. */
const COLLECT_TIMEOUT_MS = 5000;

export {
  metricsServiceMock,
  type MetricsServiceMock,
  type MockFunction,
} from './backstage/metricsServiceMock';
export type { TestExemplar, TestMetric, TestPoint } from './export/otlpJson';

/** What one collection found. */
export class TestCollection {
  constructor(readonly metrics: TestMetric[]) {}

  /** The metric with this full name. */
  metric(name: string): TestMetric | undefined {
    return this.metrics.find(metric => metric.name === name);
  }

  /** The point with exactly these attributes. */
  point(name: string, attributes: Attributes = {}): TestPoint | undefined {
    const wanted = canonical(attributes);
    return this.metric(name)?.points.find(
      point => canonical(point.attributes) === wanted,
    );
  }

  /** The value of a sum or gauge. */
  value(name: string, attributes: Attributes = {}): number | undefined {
    return this.point(name, attributes)?.value;
  }
}

/** Options of {@link createTestMetrics}: naming, views, limits; there are no exporters. */
export interface TestMetricsOptions extends Omit<
  MetricsOptions,
  'exporters' | 'exitTimeout'
> {
  /** What sums and histograms are reported since. Default `cumulative`. */
  temporality?: 'cumulative' | 'delta' | 'lowmemory';
}

/** Metrics of a test: services to pass to a plugin, and what was recorded. */
export interface TestMetrics {
  /** Make services with `root.forPlugin(id)`. */
  root: RootMetricsService;
  /** For code that takes an OpenTelemetry provider. */
  provider: MeterProvider;
  /** For `startTestBackend({ features })`: replaces the metrics services of the backend. */
  factories: ServiceFactory[];
  /** Runs observable callbacks and reads everything recorded so far. */
  collect(): Promise<TestCollection>;
  /** Ends the provider's thread, which otherwise goes on until all of this is garbage. */
  shutdown(): Promise<void>;
}

/**
 * Metrics of a test, isolated from the process's provider and from other tests'.
 *
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`, `ERR_METRICS_ADDON_MISSING`
 */
export function createTestMetrics(
  options: TestMetricsOptions = {},
): TestMetrics {
  const binding = loadBinding();
  if (!binding) {
    throw loadFailure()!;
  }
  const { plain, configurator, reservoirs } = readOptions(options, 'options');
  const { temporality = 'cumulative', ...rest } = plain as TestMetricsOptions;
  const provider = new NativeMeterProvider(binding.NativeProvider.isolated());
  let root: DefaultRootMetricsService;
  let reader: MetricReader;
  try {
    // The native side says which temporalities there are.
    reader = provider.addReader({ temporality });
    provider.configureWithoutExporters(rest);
    if (configurator) {
      provider.update({ meterConfigurator: configurator });
    }
    if (reservoirs.length > 0) {
      provider.update({ views: options.views });
    }
    root = DefaultRootMetricsService.over(provider, rest);
  } catch (error) {
    // Its thread would stay.
    void provider.shutdown();
    throw error;
  }
  return {
    root,
    provider,
    factories: [
      createServiceFactory({
        service: rootMetricsServiceRef,
        deps: {},
        factory: () => root,
      }),
      createServiceFactory({
        service: metricsServiceRef,
        deps: { plugin: coreServices.pluginMetadata },
        factory: ({ plugin }) => root.forPlugin(plugin.getId()),
      }),
    ],
    collect: async () =>
      new TestCollection(
        parseCollection(await reader.collect({ timeout: COLLECT_TIMEOUT_MS })),
      ),
    shutdown: () => provider.shutdown(),
  };
}

/** A set as recording reads it, so that what was recorded with is what finds it. */
function canonical(attributes: Attributes): string {
  const path = wellFormed(readAttributes(attributes, () => true).path);
  const entries: [string, Path[number]][] = [];
  for (let at = 0; at < path.length; at += 2) {
    entries.push([path[at] as string, path[at + 1]]);
  }
  return writeSet(entries.sort(([a], [b]) => (a < b ? -1 : 1)).flat(1));
}
