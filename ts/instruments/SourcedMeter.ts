import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  Observable,
} from '@opentelemetry/api';
import type { InstrumentSource } from './InstrumentSource';
import type { InstrumentOptions } from './types';

/** An OpenTelemetry `Meter` over a source of instruments; ours also bind, remove and clear. */
export class SourcedMeter implements Meter {
  constructor(private readonly source: InstrumentSource) {}

  createCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.counter<T>(name, options);
  }

  createUpDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.upDownCounter<T>(name, options);
  }

  createHistogram<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.histogram<T>(name, options);
  }

  createGauge<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.source.gauge<T>(name, options);
  }

  createObservableCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.observable<T>('observableCounter', name, options);
  }

  createObservableUpDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.observable<T>('observableUpDownCounter', name, options);
  }

  createObservableGauge<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.source.observable<T>('observableGauge', name, options);
  }

  addBatchObservableCallback<T extends Attributes = Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.source.addBatch(callback, observables);
  }

  removeBatchObservableCallback<T extends Attributes = Attributes>(
    callback: BatchObservableCallback<T>,
    observables: Observable<T>[],
  ): void {
    this.source.removeBatch(callback, observables);
  }
}
