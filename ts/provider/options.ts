import type { Attributes } from '@opentelemetry/api';
import type { Resource } from '../resource/Resource';
import type { ExemplarReservoirFactory } from './exemplarReservoir';

/** A duration as Backstage writes it, or a number of milliseconds. From 1 ms to 24 days. */
export type Duration =
  | number
  | {
      milliseconds?: number;
      seconds?: number;
      minutes?: number;
      hours?: number;
      days?: number;
      weeks?: number;
    };

/** A resource attribute. */
export type ResourceAttribute =
  string | number | boolean | string[] | number[] | boolean[];

/** A resource attribute with its type, as in OpenTelemetry's declarative configuration. */
export interface ResourceAttributeEntry {
  name: string;
  /** Of the type that is given. With `null` the attribute is left out. */
  value: ResourceAttribute | null;
  /** Default `string`. */
  type?:
    | 'string'
    | 'bool'
    | 'int'
    | 'double'
    | 'string_array'
    | 'bool_array'
    | 'int_array'
    | 'double_array';
}

/** The name of a detector, whose value is empty. */
export type ResourceDetectorEntry =
  | { container: object | null }
  | { host: object | null }
  | { k8s: object | null }
  | { os: object | null }
  | { process: object | null }
  | { service: object | null };

/** Which detectors run, and what of theirs is kept. */
export interface ResourceDetection {
  /** Keys with `*` and `?`. `process.command_args` has to be named as it is to be there. */
  attributes?: { included?: string[]; excluded?: string[] };
  /** `host` finds `os.*` too. */
  detectors?: ResourceDetectorEntry[];
}

/**
 * What the metrics are of. Four keys are those of OpenTelemetry's declarative configuration; any other
 * is an attribute.
 */
export interface ResourceSettings {
  /** Go before those by name, which go before `attributes_list`. */
  attributes?: ResourceAttributeEntry[];
  /** `key=value,…`, as in `OTEL_RESOURCE_ATTRIBUTES`. */
  attributes_list?: string;
  /** The schema that the attributes follow. */
  schema_url?: string;
  /** Default: what `OTEL_NODE_RESOURCE_DETECTORS` says, or no detectors. */
  'detection/development'?: ResourceDetection;
  [attribute: string]:
    | ResourceAttribute
    | ResourceAttributeEntry[]
    | ResourceDetection
    | undefined;
}

export type HistogramAggregation = 'explicit' | 'exponential';

/** Which values may become exemplars. */
export type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

export type TranslationStrategy =
  | 'UnderscoreEscapingWithSuffixes'
  | 'UnderscoreEscapingWithoutSuffixes'
  | 'NoUTF8EscapingWithSuffixes'
  | 'NoTranslation';

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

/** The instrumentation scope of a meter. */
export interface MeterScope {
  name: string;
  version?: string;
  schemaUrl?: string;
  attributes: Attributes;
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

/** The scrape endpoint. */
export interface PrometheusExporterOptions {
  /** An IP address or `localhost`. Default `127.0.0.1`, or `OTEL_EXPORTER_PROMETHEUS_HOST`. */
  host?: string;
  /** 0 to 65535. Default 9464, or `OTEL_EXPORTER_PROMETHEUS_PORT`. */
  port?: number;
  /** Starts with `/`; without query, `//` and dot segments. Default `/metrics`. */
  path?: string;
  /** Whether to open a port. Default true; with false only `onBackend` serves the page. */
  server?: boolean;
  /** Also serve the page on the backend's own port. Default false. */
  onBackend?: boolean;
  /** A bearer token that scrapers must send: visible ASCII; white space around it is taken off. */
  token?: string;
  /**
   * Lets everyone who reaches the page read it. Without a token, and without this, a `host` that is not
   * loopback and `onBackend` are errors. Default false.
   */
  unauthenticated?: boolean;
  /** How names are translated. Default `UnderscoreEscapingWithSuffixes`. */
  translationStrategy?: TranslationStrategy;
  /**
   * Whether series have the labels of their meter's scope, `otel_scope_…`. Default true. Without them
   * series of several scopes that have the same labels are one: counters and histograms add up, and of
   * gauges the first is shown, with a warning.
   */
  scopeInfoEnabled?: boolean;
  /** Whether the page has `target_info`, whose labels are the resource. Default true. */
  targetInfoEnabled?: boolean;
  /**
   * Attributes of the resource that are labels of every series too, by keys with `*` and `?`: all, with
   * `{}`. Default none.
   */
  resourceConstantLabels?: { included?: string[]; excluded?: string[] };
  /** How long a scrape waits for observable callbacks. Default 2 seconds. */
  collectTimeout?: Duration;
  /** Default: the specification's for each kind, and the provider's `histogram`. */
  defaultAggregation?: DefaultAggregation;
  /** Default: the provider's `cardinalityLimit`. */
  cardinalityLimits?: CardinalityLimits;
  /** Which metrics and series it gets. Default all. */
  metricFilter?: MetricFilterRules | MetricFilter;
}

/** OTLP push. */
export interface OtlpExporterOptions {
  /** A base URL; for HTTP `/v1/metrics` is added unless it is there. */
  endpoint?: string;
  /** Default `http/protobuf`. */
  protocol?: 'grpc' | 'http/protobuf' | 'http/json';
  headers?: Record<string, string>;
  /** Default 60 seconds. */
  interval?: Duration;
  /** Bounds one export with all its attempts. Default 10 seconds. */
  timeout?: Duration;
  /** Default `none`. */
  compression?: 'gzip' | 'none';
  /** Data points of a request, 1 to 1000000. Default: as many as fit into `maxRequestSize`. */
  maxExportBatchSize?: number;
  /** Requests that may be under way at once, 1 to 64. Default 1, which keeps them in order. */
  maxConcurrentExports?: number;
  /**
   * Bytes of a request, before compression, above which a collection goes in several: 65536 to
   * 67108864. Default 3145728 (3 MiB).
   */
  maxRequestSize?: number;
  /** Bytes that are read of an answer, 65536 to 67108864. Default 4194304 (4 MiB). */
  maxResponseSize?: number;
  /** Default `cumulative`, or `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. */
  temporality?: Temporality;
  /** A short form of `defaultAggregation.histogram`, and not to be given beside it. */
  histogram?: HistogramAggregation;
  /** Default: the specification's for each kind, and the provider's `histogram`. */
  defaultAggregation?: DefaultAggregation;
  /** Default: the provider's `cardinalityLimit`. */
  cardinalityLimits?: CardinalityLimits;
  /** Which metrics and series it gets. Default all. */
  metricFilter?: MetricFilterRules | MetricFilter;
  /** PEM files. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
}

/** What is printed to standard output, and when. */
export interface ConsoleExporterOptions {
  /** Default 10 seconds. */
  interval?: Duration;
  /** Default `cumulative`. */
  temporality?: Temporality;
  /** Default: the specification's for each kind, and the provider's `histogram`. */
  defaultAggregation?: DefaultAggregation;
  /** Default: the provider's `cardinalityLimit`. */
  cardinalityLimits?: CardinalityLimits;
  /** Which metrics and series it gets. Default all. */
  metricFilter?: MetricFilterRules | MetricFilter;
}

/** Which instruments a view is for; every criterion that is set must match. */
export interface ViewSelector {
  /** May hold `*` and `?`. */
  instrument_name?: string;
  instrument_type?: InstrumentType;
  unit?: string;
  meter_name?: string;
  meter_version?: string;
  meter_schema_url?: string;
}

/** What a view makes of them. */
export interface ViewStream {
  name?: string;
  description?: string;
  aggregation?: Aggregation;
  /** 1 to 1000000. */
  aggregation_cardinality_limit?: number;
  /**
   * How the exemplars of a series are chosen: the last of each explicit bucket, or some of all its
   * values, 1 to 1000. Or, in code, a function that makes a reservoir of your own for each series; it runs
   * on the thread that has it, and is offered what that records. Not in the declarative configuration.
   */
  exemplar_reservoir?:
    | { aligned_histogram_bucket: object | null }
    | { simple_fixed_size: { size?: number } | null }
    | ExemplarReservoirFactory;
  /** Keys with `*` and `?`. */
  attribute_keys?: { included?: string[]; excluded?: string[] };
}

/** Whether the instruments of a meter do anything. */
export interface MeterConfig {
  /** Default true. A meter that is disabled is one that does nothing. */
  enabled?: boolean;
}

/**
 * Which meters do anything (Metrics SDK specification, "MeterConfigurator", in development). Keys as in
 * OpenTelemetry's declarative configuration (`meter_configurator/development`).
 */
export interface MeterConfiguratorOptions {
  /** Of meters whose name none of `meters` matches. */
  default_config?: MeterConfig;
  /** By name, which may hold `*` and `?`; upper and lower case differ. The first that matches counts. */
  meters?: { name: string; config: MeterConfig }[];
}

/**
 * Says of a meter in code whether it does anything (the same section). It is asked once for each meter,
 * on the thread that configures with it: when that makes the meter, when it configures or updates, and
 * soon after another thread made one, which is enabled until then. Where it throws or returns something
 * else, there is an error in the log and the meter is enabled.
 */
export type MeterConfigurator = (
  scope: MeterScope,
) => MeterConfig | undefined | void;

/** One plugin's meter, or nothing at all. */
export interface PluginMetricsOptions {
  /** What its instrumentation scope is; without a name it is called `backstage-plugin-<id>`. */
  meter?: {
    name?: string;
    version?: string;
    schemaUrl?: string;
    /** Attributes of the scope, with which it is exported. */
    attributes?: Record<string, ResourceAttribute>;
  };
  /** Disables every meter of that name. Default false. */
  disabled?: boolean;
}

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
 * What changes of a provider's options. What is not given stays as it is, and `null` stands for the
 * default. Of `plugin` it is `disabled`: what a plugin's meter is called is settled when the plugin
 * starts. `exporters` is the whole section; what it says of exporters may differ from what they run with
 * in `interval`, `temporality`, `histogram`, `defaultAggregation`, `cardinalityLimits` and `metricFilter`.
 */
export type MetricsUpdate = {
  [K in keyof Changeable]?: Changeable[K] | null;
};
