import {
  type Attributes,
  type BatchObservableCallback,
  createNoopMeter,
  type Meter,
  type MetricOptions,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { withoutSeries } from './ScopedMetricsService';
import type {
  MetricName,
  MetricsCounter,
  MetricsGauge,
  MetricsHistogram,
  MetricsService,
  MetricsUpDownCounter,
} from './services';

/**
 * The services where the addon cannot be loaded: names get their prefix, everything else is up to
 * whatever provider is registered with `@opentelemetry/api`. Also a plugin's service that does
 * nothing, for `plugin.<id>.disabled`.
 */
export class FallbackMetricsService implements MetricsService {
  private readonly meter: Meter;
  private readonly prefix: string;

  constructor(serviceName: string, scope: string, disabled = false) {
    this.prefix = scope === '' ? serviceName : `${serviceName}.${scope}`;
    this.meter = disabled ? createNoopMeter() : metrics.getMeter(this.prefix);
  }

  private full(name: string): string {
    return `${this.prefix}.${name}`;
  }

  createCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsCounter<T> {
    return withoutSeries(this.meter.createCounter<T>(this.full(name), options));
  }

  createUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsUpDownCounter<T> {
    return withoutSeries(
      this.meter.createUpDownCounter<T>(this.full(name), options),
    );
  }

  createHistogram<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsHistogram<T> {
    return withoutSeries(
      this.meter.createHistogram<T>(this.full(name), options),
    );
  }

  createGauge<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsGauge<T> {
    return withoutSeries(this.meter.createGauge<T>(this.full(name), options));
  }

  createObservableCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.meter.createObservableCounter<T>(this.full(name), options);
  }

  createObservableUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.meter.createObservableUpDownCounter<T>(
      this.full(name),
      options,
    );
  }

  createObservableGauge<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.meter.createObservableGauge<T>(this.full(name), options);
  }

  addBatchObservableCallback<T extends Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.meter.addBatchObservableCallback(callback, observables);
  }

  removeBatchObservableCallback<T extends Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.meter.removeBatchObservableCallback(callback, observables);
  }

  getMeter(): Meter {
    return this.meter;
  }
}
