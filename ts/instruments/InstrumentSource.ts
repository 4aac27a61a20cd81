import {
  type Attributes,
  type BatchObservableCallback,
  createNoopMeter,
  type Meter,
  type Observable,
} from '@opentelemetry/api';
import { log } from '../common/log';
import { messageOf, textOf } from '../common/text';
import type {
  InstrumentOptions,
  MetricsCounter,
  MetricsGauge,
  MetricsHistogram,
  MetricsUpDownCounter,
} from './types';

/** The observable kinds by the names that the binding knows. */
export type ObservableKind =
  'observableCounter' | 'observableUpDownCounter' | 'observableGauge';

/** The seven kinds. */
export type InstrumentKind =
  'counter' | 'upDownCounter' | 'histogram' | 'gauge' | ObservableKind;

/** What meters and services take their instruments from. */
export interface InstrumentSource {
  counter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ): MetricsCounter<T>;
  upDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ): MetricsUpDownCounter<T>;
  histogram<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ): MetricsHistogram<T>;
  gauge<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ): MetricsGauge<T>;
  observable<T extends Attributes>(
    kind: ObservableKind,
    name: string,
    options?: InstrumentOptions,
  ): Observable<T>;
  addBatch(callback: BatchObservableCallback, observables: Observable[]): void;
  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void;
}

/** Instruments of any OpenTelemetry meter, ours or not, under a prefix. */
export class MeterInstruments implements InstrumentSource {
  constructor(
    private readonly meter: Meter,
    private readonly prefix = '',
  ) {}

  counter<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.extended(this.meter.createCounter<T>(this.full(name), options));
  }

  upDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.extended(
      this.meter.createUpDownCounter<T>(this.full(name), options),
    );
  }

  histogram<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.extended(
      this.meter.createHistogram<T>(this.full(name), options),
    );
  }

  gauge<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.extended(this.meter.createGauge<T>(this.full(name), options));
  }

  observable<T extends Attributes>(
    kind: ObservableKind,
    name: string,
    options?: InstrumentOptions,
  ): Observable<T> {
    const full = this.full(name);
    switch (kind) {
      case 'observableCounter':
        return this.meter.createObservableCounter<T>(full, options);
      case 'observableUpDownCounter':
        return this.meter.createObservableUpDownCounter<T>(full, options);
      default:
        return this.meter.createObservableGauge<T>(full, options);
    }
  }

  private extended<T extends object>(instrument: T) {
    return extended(instrument, this.meter !== createNoopMeter());
  }

  /** Also of what is no string: plain JavaScript may pass anything. */
  private full(name: string): string {
    return this.prefix + (typeof name === 'string' ? name : textOf(name));
  }

  addBatch(callback: BatchObservableCallback, observables: Observable[]): void {
    this.meter.addBatchObservableCallback(callback, observables);
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    this.meter.removeBatchObservableCallback(callback, observables);
  }
}

/**
 * Instruments that never throw: one that cannot be made is reported and does nothing. As
 * OpenTelemetry's API asks of meters, and as a backend needs that must start whatever its plugins
 * call their metrics.
 */
export class LenientInstruments implements InstrumentSource {
  private readonly noop = new MeterInstruments(createNoopMeter());

  constructor(private readonly source: InstrumentSource) {}

  counter<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.attempt(source => source.counter<T>(name, options));
  }

  upDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.attempt(source => source.upDownCounter<T>(name, options));
  }

  histogram<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.attempt(source => source.histogram<T>(name, options));
  }

  gauge<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.attempt(source => source.gauge<T>(name, options));
  }

  observable<T extends Attributes>(
    kind: ObservableKind,
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.attempt(source => source.observable<T>(kind, name, options));
  }

  addBatch(callback: BatchObservableCallback, observables: Observable[]): void {
    this.source.addBatch(callback, observables);
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    this.source.removeBatch(callback, observables);
  }

  private attempt<T>(make: (source: InstrumentSource) => T): T {
    try {
      return make(this.source);
    } catch (error) {
      log('error', `${messageOf(error)}; what is recorded with it is lost`);
      return make(this.noop);
    }
  }
}

/**
 * Gives an instrument that is not ours the methods that ours have: `bind` passes on, `remove` and
 * `clear` have nothing to do, and `enabled` is its own where it has one.
 */
function extended<T extends object>(instrument: T, isEnabled: boolean) {
  const target = instrument as T & {
    enabled?: () => boolean;
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
    enabled: () => target.enabled?.() ?? isEnabled,
  });
}
