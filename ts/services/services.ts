import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  Observable,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
} from '@opentelemetry/api';
import type { MetricsService as UpstreamMetricsService } from '@backstage/backend-plugin-api/alpha';
import type {
  InstrumentOptions,
  MetricsCounter,
  MetricsGauge,
  MetricsHistogram,
  MetricsUpDownCounter,
} from '../instruments/types';

export type * from '../instruments/types';

/**
 * A metric's name as its author writes it: `{category}.{metric_name}`, such as `orders.placed`.
 * The service adds what comes before.
 */
export type MetricName = `${string}.${string}`;

/**
 * The metrics of one plugin or core service. Extends Backstage's own `MetricsService`: whatever is
 * written for that works with this.
 *
 * Every `create` method names the metric by the rules and throws a {@link MetricsError}
 * `ERR_METRICS_INVALID_NAME` that says what to pass instead, except where the service came through
 * `metricsServiceRef`: there a name is mended and reported once, and never stops a backend.
 */
export interface MetricsService extends UpstreamMetricsService {
  createCounter<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): MetricsCounter<T>;
  createUpDownCounter<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): MetricsUpDownCounter<T>;
  createHistogram<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): MetricsHistogram<T>;
  createGauge<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): MetricsGauge<T>;
  createObservableCounter<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): ObservableCounter<T>;
  createObservableUpDownCounter<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): ObservableUpDownCounter<T>;
  createObservableGauge<T extends Attributes = Attributes>(
    name: MetricName,
    options?: InstrumentOptions,
  ): ObservableGauge<T>;
  /** Calls back once a collection for several observables of this service. */
  addBatchObservableCallback<T extends Attributes = Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void;
  removeBatchObservableCallback<T extends Attributes = Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void;
  /**
   * The plain OpenTelemetry meter of this scope. Names made through it are exported as they are:
   * the author's own business.
   */
  getMeter(): Meter;
}

/** The metrics of the app, and the maker of scoped services. */
export interface RootMetricsService extends MetricsService {
  /**
   * The service of a plugin.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_NAME` when the id cannot be a segment of a name
   */
  forPlugin(pluginId: string): MetricsService;
  /**
   * The service of a core service, such as `forService('database', 'core')`.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_NAME`
   */
  forService(name: string, scope: 'plugin' | 'core'): MetricsService;
}
