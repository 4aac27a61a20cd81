import type { Attributes } from '@opentelemetry/api';

/** The instrumentation scope of a meter. */
export interface MeterScope {
  name: string;
  version?: string;
  schemaUrl?: string;
  attributes: Attributes;
}

/**
 * Which metrics and series a reader gets (Metrics SDK specification, "MetricFilter", in development), by
 * patterns with `*` and `?`. Names are those of OpenTelemetry, as views leave them, or those that a
 * Prometheus client has. Metrics that no reader gets are not kept.
 */
export interface MetricFilterRules {
  /** Names of metrics; what matches none of them is left out. Default all. */
  included?: string[];
  /** Names of metrics that are left out. */
  excluded?: string[];
  /** Each leaves series out by the value of an attribute. */
  attributes?: {
    key: string;
    /** The names of the metrics that it is for. Default all. */
    metrics?: string;
    /**
     * Values, of which what is no text counts as JSON, and an attribute that is not there as the empty
     * text; what matches none of them is left out. Here or in `excluded` there is something.
     */
    included?: string[];
    /** Values that are left out. */
    excluded?: string[];
  }[];
}

/** A metric as a filter knows it. */
export interface FilteredMetric {
  scope: MeterScope;
  name: string;
  kind: 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';
  unit: string;
}

/**
 * Says in code which metrics and series a reader gets (the same section): one of the functions at least.
 * They run on the thread that has the filter, between an observable callback and the export, and never
 * while something is recorded. Each is asked once about a metric or a series, whose answer holds as long
 * as there is one. What throws, or returns something else, leaves out what it was asked about, with an
 * error in the log; so does, for one collection, an event loop that does not answer in time, which
 * `nativestage.metrics.filters.undecided` counts.
 */
export interface MetricFilter {
  /**
   * Without it, every metric is accepted in part.
   *
   * @returns `accept_partial` to ask `testAttributes` about each series
   */
  testMetric?(metric: FilteredMetric): 'accept' | 'accept_partial' | 'drop';
  testAttributes?(
    metric: FilteredMetric,
    attributes: Attributes,
  ): 'accept' | 'drop';
}
