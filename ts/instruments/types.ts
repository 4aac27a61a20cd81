import type {
  Attributes,
  Counter,
  Gauge,
  Histogram,
  MeterOptions,
  MetricAdvice,
  MetricOptions,
  UpDownCounter,
} from '@opentelemetry/api';
import type { BoundCounter, BoundRecorder, SeriesControl } from './synchronous';

/** OpenTelemetry's options of a meter, and what else one can be asked for with. */
export interface MeterScopeOptions extends MeterOptions {
  /**
   * Attributes of the instrumentation scope: with other ones it is another meter (Metrics API
   * specification, "Get a Meter"). They are the scope's in OTLP, and the labels `otel_scope_<key>` on
   * the Prometheus page.
   */
  attributes?: Attributes;
}

/** OpenTelemetry's options of an instrument, and what else it can be asked for with. */
export interface InstrumentOptions extends MetricOptions {
  advice?: MetricAdvice & {
    /**
     * The attribute keys that the metric has where no view's `attribute_keys` says otherwise; what is
     * recorded with others is added up (Metrics SDK specification, "Instrument advisory parameter:
     * `Attributes`", in development).
     */
    attributes?: string[];
  };
}

export type MetricsCounter<T extends Attributes = Attributes> = Counter<T> &
  SeriesControl<T, BoundCounter>;
export type MetricsUpDownCounter<T extends Attributes = Attributes> =
  UpDownCounter<T> & SeriesControl<T, BoundCounter>;
export type MetricsHistogram<T extends Attributes = Attributes> = Histogram<T> &
  SeriesControl<T, BoundRecorder>;
export type MetricsGauge<T extends Attributes = Attributes> = Gauge<T> &
  SeriesControl<T, BoundRecorder>;
