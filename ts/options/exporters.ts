import type { MetricFilter, MetricFilterRules } from './metricFilters';
import type {
  CardinalityLimits,
  DefaultAggregation,
  HistogramAggregation,
  Temporality,
} from './streams';

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

export type TranslationStrategy =
  | 'UnderscoreEscapingWithSuffixes'
  | 'UnderscoreEscapingWithoutSuffixes'
  | 'NoUTF8EscapingWithSuffixes'
  | 'NoTranslation';

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
