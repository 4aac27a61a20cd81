import type { Config } from '@backstage/config';
import type {
  Attributes,
  BatchObservableCallback,
  Observable,
} from '@opentelemetry/api';
import { native } from './errors';
import { FallbackMetricsService } from './FallbackMetricsService';
import { globalProvider } from './globalProvider';
import { log } from './log';
import { loadBinding } from './native';
import type { NativeMeterProvider } from './NativeMeterProvider';
import type { MetricsOptions } from './options';
import { readMetricsConfig } from './readMetricsConfig';
import { type NamePolicy, ScopedMetricsService } from './ScopedMetricsService';
import type {
  MetricName,
  MetricsService,
  RootMetricsService,
} from './services';
import type { MetricOptions } from '@opentelemetry/api';

const DEFAULT_SERVICE_NAME = 'backstage';

/** Makes the services of one provider. */
type Services = (pluginId: string, policy: NamePolicy) => MetricsService;

/** The root metrics service over the process's provider. */
export class DefaultRootMetricsService implements RootMetricsService {
  /**
   * Configures the process's provider from `backend.metrics` and makes the service.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the path in the config, what was
   * found and what is allowed
   */
  static fromConfig(config: Config): RootMetricsService {
    return DefaultRootMetricsService.create(
      readMetricsConfig(config),
      'backend.metrics',
    );
  }

  /** @internal Configures the process's provider, unless that happened, and makes the service. */
  static create(
    options: MetricsOptions,
    path: string,
  ): DefaultRootMetricsService {
    const serviceName = options.serviceName ?? DEFAULT_SERVICE_NAME;
    const provider = globalProvider();
    if (!provider) {
      const fallback = (scope: string) =>
        new FallbackMetricsService(serviceName, scope);
      return new DefaultRootMetricsService(
        fallback(''),
        id => fallback(`plugin.${id}`),
        (name, scope) => fallback(`${scope}.${name}`),
      );
    }
    // The names are checked first: a provider is configured once.
    const service = DefaultRootMetricsService.over(provider, options);
    if (provider.isConfigured) {
      log(
        'warn',
        `metrics were configured before the root metrics service started; ${path} sets names, but exporters stay as they are`,
      );
    } else {
      const named = environmentNamesService()
        ? options.serviceName
        : serviceName;
      provider.configure({ ...options, serviceName: named }, path);
    }
    return service;
  }

  /** @internal The services of a provider that is configured otherwise. */
  static over(
    provider: NativeMeterProvider,
    options: MetricsOptions,
  ): DefaultRootMetricsService {
    const { NativeRootMetricsService } = loadBinding()!;
    const serviceName = options.serviceName ?? DEFAULT_SERVICE_NAME;
    const root = native(
      () =>
        new NativeRootMetricsService(
          serviceName,
          options.serviceVersion,
          options.naming?.mode ?? 'enforce',
        ),
    );
    return new DefaultRootMetricsService(
      new ScopedMetricsService(provider, root.own(), 'throw'),
      (id, policy) => {
        const plugin = options.plugin?.[id];
        if (plugin?.disabled) {
          return new FallbackMetricsService(serviceName, `plugin.${id}`, true);
        }
        const { name, version, schemaUrl } = plugin?.meter ?? {};
        return new ScopedMetricsService(
          provider,
          native(() => root.forPlugin(id, name, version, schemaUrl)),
          policy,
        );
      },
      (name, scope) =>
        new ScopedMetricsService(
          provider,
          native(() => root.forService(name, scope)),
          'throw',
        ),
    );
  }

  private constructor(
    private readonly own: MetricsService,
    private readonly plugins: Services,
    private readonly services: (
      name: string,
      scope: 'plugin' | 'core',
    ) => MetricsService,
  ) {}

  forPlugin(pluginId: string): MetricsService {
    return this.plugins(pluginId, 'throw');
  }

  /** @internal For plugins that come through upstream's ref and could not know the rules. */
  forForeignPlugin(pluginId: string): MetricsService {
    return this.plugins(pluginId, 'repair');
  }

  forService(name: string, scope: 'plugin' | 'core'): MetricsService {
    return scope === 'plugin'
      ? this.forPlugin(name)
      : this.services(name, scope);
  }

  createCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createCounter<T>(name, options);
  }

  createUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createUpDownCounter<T>(name, options);
  }

  createHistogram<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createHistogram<T>(name, options);
  }

  createGauge<T extends Attributes>(name: MetricName, options?: MetricOptions) {
    return this.own.createGauge<T>(name, options);
  }

  createObservableCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createObservableCounter<T>(name, options);
  }

  createObservableUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createObservableUpDownCounter<T>(name, options);
  }

  createObservableGauge<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.own.createObservableGauge<T>(name, options);
  }

  addBatchObservableCallback<T extends Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.own.addBatchObservableCallback(callback, observables);
  }

  removeBatchObservableCallback<T extends Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.own.removeBatchObservableCallback(callback, observables);
  }

  getMeter() {
    return this.own.getMeter();
  }
}

/** Explicit options go before the environment, the environment before our default. */
function environmentNamesService(): boolean {
  const { OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES } = process.env;
  return Boolean(
    OTEL_SERVICE_NAME || OTEL_RESOURCE_ATTRIBUTES?.includes('service.name='),
  );
}
