export type HistogramAggregation = 'explicit' | 'exponential';

/** Which values may become exemplars. */
export type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

/** The kinds of instruments, as OpenTelemetry's declarative configuration names them. */
export type InstrumentType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'observable_counter'
  | 'observable_gauge'
  | 'observable_up_down_counter'
  | 'up_down_counter';

/** How values are aggregated; keys as in OpenTelemetry's declarative configuration. */
export type Aggregation =
  | { default: object | null }
  | { drop: object | null }
  | { sum: object | null }
  | { last_value: object | null }
  | {
      explicit_bucket_histogram: {
        boundaries?: number[];
        record_min_max?: boolean;
      } | null;
    }
  | {
      base2_exponential_bucket_histogram: {
        max_scale?: number;
        max_size?: number;
        record_min_max?: boolean;
      } | null;
    };

/** What `lowmemory` means: delta for counters and histograms, cumulative for the others. */
export type TemporalityPreference = 'cumulative' | 'delta' | 'lowmemory';

/**
 * Whether points count since the start (`cumulative`) or since the last collection (`delta`): one word
 * for all kinds, or a word by kind of instrument. Under a preference up-down counters are always
 * cumulative. Of a gauge, `delta` means that a value is shown once; a sum of gauges is cumulative.
 */
export type Temporality =
  | TemporalityPreference
  | ({ default?: TemporalityPreference } & {
      [Kind in InstrumentType]?: 'cumulative' | 'delta';
    });

/** How a reader aggregates instruments that no view says otherwise of, by their kind. */
export type DefaultAggregation = { [Kind in InstrumentType]?: Aggregation };

/**
 * Attribute sets per stream, 1 to 1000000, by kind of instrument; `default` is for the kinds that are
 * not named. A view's limit goes before it, the limit of the whole service after it.
 */
export type CardinalityLimits = {
  [Kind in InstrumentType | 'default']?: number;
};
