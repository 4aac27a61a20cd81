import {
  type Attributes,
  type BatchObservableCallback,
  createNoopMeter,
  type Meter,
  type MetricOptions,
  type Observable,
} from '@opentelemetry/api';
import type { NativeMetricsService } from '../binding';
import { log } from './log';
import type { InstrumentFactory } from './Meter';
import type { NativeMeterProvider } from './NativeMeterProvider';
import type {
  MetricName,
  MetricsCounter,
  MetricsGauge,
  MetricsHistogram,
  MetricsService,
  MetricsUpDownCounter,
} from './services';

/** How a service treats names that break the rules. */
export type NamePolicy = 'throw' | 'repair';

/** Dresses a native service: it names and registers, this makes the instruments. */
export class ScopedMetricsService implements MetricsService {
  private readonly factory: InstrumentFactory;
  private readonly meter: Meter;

  constructor(
    provider: NativeMeterProvider,
    service: NativeMetricsService,
    private readonly policy: NamePolicy,
  ) {
    this.factory = provider.serviceFactory(service, policy === 'repair');
    const { name, version, schemaUrl } = service.scope;
    this.meter = provider.getMeter(name, version, { schemaUrl });
  }

  createCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsCounter<T> {
    return this.guard(
      () => this.factory.counter<T>(name, options),
      () => withoutSeries(createNoopMeter().createCounter<T>(name)),
    );
  }

  createUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsUpDownCounter<T> {
    return this.guard(
      () => this.factory.upDownCounter<T>(name, options),
      () => withoutSeries(createNoopMeter().createUpDownCounter<T>(name)),
    );
  }

  createHistogram<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsHistogram<T> {
    return this.guard(
      () => this.factory.histogram<T>(name, options),
      () => withoutSeries(createNoopMeter().createHistogram<T>(name)),
    );
  }

  createGauge<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ): MetricsGauge<T> {
    return this.guard(
      () => this.factory.gauge<T>(name, options),
      () => withoutSeries(createNoopMeter().createGauge<T>(name)),
    );
  }

  createObservableCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.guard(
      () => this.factory.observable<T>('observableCounter', name, options),
      () => createNoopMeter().createObservableCounter<T>(name),
    );
  }

  createObservableUpDownCounter<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.guard(
      () =>
        this.factory.observable<T>('observableUpDownCounter', name, options),
      () => createNoopMeter().createObservableUpDownCounter<T>(name),
    );
  }

  createObservableGauge<T extends Attributes>(
    name: MetricName,
    options?: MetricOptions,
  ) {
    return this.guard(
      () => this.factory.observable<T>('observableGauge', name, options),
      () => createNoopMeter().createObservableGauge<T>(name),
    );
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

  /** A name that cannot even be mended must not stop a backend either: it does nothing. */
  private guard<T, N>(make: () => T, otherwise: () => N): T | N {
    if (this.policy === 'throw') {
      return make();
    }
    try {
      return make();
    } catch (error) {
      log(
        'error',
        `${error instanceof Error ? error.message : String(error)}; what is recorded with it is lost`,
      );
      return otherwise();
    }
  }
}

/**
 * Gives an instrument that is not ours (a no-op, or OpenTelemetry's) the methods that ours have:
 * `bind` passes on, `remove` and `clear` have nothing to do.
 */
export function withoutSeries<T extends object>(instrument: T) {
  const target = instrument as T & {
    add?: (value: number, attributes?: Attributes) => void;
    record?: (value: number, attributes?: Attributes) => void;
  };
  return Object.assign(Object.create(instrument) as T, {
    add: target.add?.bind(instrument),
    record: target.record?.bind(instrument),
    bind: (attributes?: Attributes) => ({
      add: (value: number) => target.add?.(value, attributes),
      record: (value: number) => target.record?.(value, attributes),
    }),
    remove: () => {},
    clear: () => {},
  });
}
