import type { Resource } from './Resource';
import type {
  ConsoleExporterOptions,
  Duration,
  OtlpExporterOptions,
  PrometheusExporterOptions,
} from './exporters';
import type {
  MeterConfigurator,
  MeterConfiguratorOptions,
  PluginMetricsOptions,
} from './meters';
import type { ResourceSettings } from './resourceOptions';
import type { ExemplarFilter, HistogramAggregation } from './streams';
import type { ViewSelector, ViewStream } from './views';

export type * from './exemplarReservoir';
export type * from './exporters';
export type * from './meters';
export type * from './metricFilters';
export type * from './resourceOptions';
export type * from './streams';
export type * from './views';

/**
 * The options of a provider: `backend.metrics` in app-config. What is not set comes from `OTEL_*`,
 * then from the defaults.
 */
export interface MetricsOptions {
  /** Root namespace of names and `service.name`. */
  serviceName?: string;
  /** `service.version`. */
  serviceVersion?: string;
  /** Further resource attributes, detectors, or a resource of `@opentelemetry/resources`. */
  resource?: ResourceSettings | Resource;
  naming?: {
    /** Default `enforce`; `passthrough` exports names as authors wrote them. */
    mode?: 'enforce' | 'passthrough';
    /** Backstage's own metrics under their old names as well: on by default. */
    legacyNames?: boolean;
  };
  /** `false` turns an exporter off, `true` on with defaults. */
  exporters?: {
    /** On by default. */
    prometheus?: boolean | PrometheusExporterOptions;
    /**
     * On when an endpoint is given here or by `OTEL_*`. A list has up to 16 exporters, of which one at
     * most may leave its endpoint to `OTEL_*` or the default.
     */
    otlp?: boolean | OtlpExporterOptions | OtlpExporterOptions[];
    /** JSON lines on standard output, for people: the format may change. Off by default. */
    console?: boolean | ConsoleExporterOptions;
  };
  /** Keys as in OpenTelemetry's declarative configuration. */
  views?: { selector: ViewSelector; stream?: ViewStream }[];
  /**
   * Says how several views that match one instrument combine (Metrics SDK specification, "View matching
   * mode", in development): each makes a stream (`independent`, the default), or each `stream.name`
   * makes one, and views without a name add to it (`composable`). Later views then override earlier
   * ones, and an attribute stays only if all of them keep it.
   */
  viewMatchingMode?: 'independent' | 'composable';
  /** Meters that are disabled, by rules or by a function. */
  meterConfigurator?: MeterConfiguratorOptions | MeterConfigurator;
  /** Attribute sets per stream, 1 to 1000000. Default 2000. */
  cardinalityLimit?: number;
  /**
   * Characters of an attribute's value, or of each text in a list, 1 to 1000000: what is longer loses
   * its end, and counts as `truncated_attribute` in `nativestage.metrics.measurements.dropped`.
   * Default 2048, or `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
   */
  attributeValueLengthLimit?: number;
  /** Default aggregation of histograms. Default `explicit`. */
  histogram?: HistogramAggregation;
  /**
   * Which values may become exemplars, which lead to the trace in which they were recorded: those
   * within a sampled span (`trace_based`), all or none. Default `trace_based`, or
   * `OTEL_METRICS_EXEMPLAR_FILTER`.
   */
  exemplars?: ExemplarFilter;
  /** How long `process.exit()` may wait for the last export. Default 5 seconds. */
  exitTimeout?: Duration;
  /** Per plugin: its meter's identity, or nothing at all. */
  plugin?: Record<string, PluginMetricsOptions>;
  /** Metrics that something else aggregates, and that are exported with ours. */
  producers?: {
    /**
     * The default registries of `prom-client` and `@prometheus-io/client`, where they are loaded:
     * on by default for the process's provider. A map has patterns with `*` and `?` for the names that
     * they have there: what is not among `included`, where that is given, or is among `excluded`, is
     * neither read nor exported.
     */
    prometheus?: boolean | { included?: string[]; excluded?: string[] };
  };
  /**
   * Metrics of Backstage's core services, `backstage.core.…`. Each on by default, but for `cache` with
   * a store that connects for every plugin (`valkey`, `infinispan`).
   */
  core?: Partial<
    Record<
      'http' | 'database' | 'cache' | 'scheduler' | 'events' | 'runtime',
      boolean
    >
  >;
}

/** The options that can change while a provider is in use. */
type Changeable = Pick<
  MetricsOptions,
  | 'views'
  | 'viewMatchingMode'
  | 'meterConfigurator'
  | 'cardinalityLimit'
  | 'plugin'
  | 'exporters'
>;

/**
 * Changes of a provider's options. Keys that are not given stay as they are, and `null` stands for the default.
 * Of `plugin` it is `disabled`: what a plugin's meter is called is settled when the plugin
 * starts. `exporters` is the whole section; what it says of exporters may differ from what they run with
 * in `interval`, `temporality`, `histogram`, `defaultAggregation`, `cardinalityLimits` and `metricFilter`.
 */
export type MetricsUpdate = {
  [K in keyof Changeable]?: Changeable[K] | null;
};
