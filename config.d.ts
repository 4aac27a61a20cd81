import type { HumanDuration } from '@backstage/types';

type InstrumentType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'observable_counter'
  | 'observable_gauge'
  | 'observable_up_down_counter'
  | 'up_down_counter';

interface Aggregation {
  default?: object | null;
  drop?: object | null;
  sum?: object | null;
  last_value?: object | null;
  explicit_bucket_histogram?: {
    boundaries?: number[];
    record_min_max?: boolean;
  } | null;
  base2_exponential_bucket_histogram?: {
    max_scale?: number;
    max_size?: number;
    record_min_max?: boolean;
  } | null;
}

type Temporality =
  | 'cumulative'
  | 'delta'
  | 'lowmemory'
  | ({ default?: 'cumulative' | 'delta' | 'lowmemory' } & {
      [Kind in InstrumentType]?: 'cumulative' | 'delta';
    });

/** By kind of instrument, as views write it. */
type DefaultAggregation = { [Kind in InstrumentType]?: Aggregation };

/** Series of one instrument by its kind, from 1 to 1 000 000; `default` for the other kinds. */
type CardinalityLimits = {
  [Kind in InstrumentType | 'default']?: number;
};

/**
 * Which metrics and series a reader gets, by patterns with `*` and `?`. In code it may be functions too.
 */
interface MetricFilter {
  /** Names of metrics; what matches none of them is left out. Defaults to all. */
  included?: string[];
  /** Names of metrics that are left out. */
  excluded?: string[];
  /** Each leaves series out by the value of an attribute. */
  attributes?: Array<{
    key: string;
    /** The names of the metrics that it is for. Defaults to all. */
    metrics?: string;
    /**
     * Values, of which an attribute that is not there has the empty one; what matches none of them is
     * left out.
     */
    included?: string[];
    /** Values that are left out. */
    excluded?: string[];
  }>;
}

/** One of the exporters of OTLP. */
interface OtlpExporter {
  /** The collector's base URL, for example `http://localhost:4318`. */
  endpoint?: string;
  /** Defaults to `http/protobuf`. */
  protocol?: 'grpc' | 'http/protobuf' | 'http/json';
  /**
   * Headers or gRPC metadata sent with every export.
   * @deepVisibility secret
   */
  headers?: { [name: string]: string };
  /** Time between two exports. Defaults to 60 seconds. */
  interval?: HumanDuration | number | string;
  /** How long one export may take. Defaults to 10 seconds. */
  timeout?: HumanDuration | number | string;
  /** Defaults to `none`. */
  compression?: 'none' | 'gzip';
  /** Data points of a request, from 1 to 1 000 000. Defaults to as many as its size allows. */
  maxExportBatchSize?: number;
  /** Requests that may be under way at once, from 1 to 64. Defaults to 1. */
  maxConcurrentExports?: number;
  /** Bytes of a request before compression, from 64 KiB to 64 MiB. Defaults to 3 MiB. */
  maxRequestSize?: number;
  /** Bytes that are read of an answer, from 64 KiB to 64 MiB. Defaults to 4 MiB. */
  maxResponseSize?: number;
  /** A word, or a map by kind of instrument. Defaults to `cumulative`. */
  temporality?: Temporality;
  /**
   * Overrides the `histogram` of the whole service for this exporter; a short form of
   * `defaultAggregation.histogram`.
   */
  histogram?: 'explicit' | 'exponential';
  /** How the exporter aggregates kinds of instruments that no view says otherwise of. */
  defaultAggregation?: DefaultAggregation;
  /** Goes before `cardinalityLimit`, and after a view's limit. */
  cardinalityLimits?: CardinalityLimits;
  /** Which metrics and series the exporter gets. Defaults to all. */
  metricFilter?: MetricFilter;
  /** Paths of PEM files. */
  tls?: {
    caFile?: string;
    certFile?: string;
    keyFile?: string;
  };
}

export interface Config {
  backend?: {
    /**
     * The metrics service. Every key is optional; an unknown key or a value of the wrong kind
     * is an error at start that names its path.
     */
    metrics?: {
      /**
       * The first segment of every metric's name, and the resource attribute `service.name`.
       * Defaults to `backstage`.
       */
      serviceName?: string;

      /**
       * The resource attribute `service.version`. Defaults to the version in the app's
       * `backstage.json`.
       */
      serviceVersion?: string;

      /**
       * Further resource attributes, such as `deployment.environment.name`. Four keys are those of
       * OpenTelemetry's declarative configuration; any other is an attribute.
       */
      resource?: {
        /** Attributes with their types; they go before those by name. */
        attributes?: Array<{
          name: string;
          value:
            string | number | boolean | string[] | number[] | boolean[] | null;
          /** Defaults to `string`. */
          type?:
            | 'string'
            | 'bool'
            | 'int'
            | 'double'
            | 'string_array'
            | 'bool_array'
            | 'int_array'
            | 'double_array';
        }>;
        /** `key=value,…`, as in `OTEL_RESOURCE_ATTRIBUTES`; attributes by name go before it. */
        attributes_list?: string;
        /** The schema that the attributes follow. */
        schema_url?: string;
        /** Attributes that detectors find. Off unless `OTEL_NODE_RESOURCE_DETECTORS` is set. */
        'detection/development'?: {
          /**
           * Keys to keep, with `*` and `?`. `process.command_args` has to be named as it is to be there.
           */
          attributes?: {
            included?: string[];
            excluded?: string[];
          };
          /** One key each; `host` finds `os.*` too. */
          detectors?: Array<{
            container?: object | null;
            host?: object | null;
            k8s?: object | null;
            os?: object | null;
            process?: object | null;
            service?: object | null;
          }>;
        };
        [attribute: string]:
          | string
          | number
          | boolean
          | string[]
          | number[]
          | boolean[]
          | object
          | undefined;
      };

      naming?: {
        /**
         * `enforce` (the default) prefixes and checks names; `passthrough` exports them as
         * their authors wrote them.
         */
        mode?: 'enforce' | 'passthrough';

        /**
         * Metrics of Backstage's own plugins also under the names they had before, so that dashboards
         * go on working. On by default; `false` ends it.
         */
        legacyNames?: boolean;
      };

      exporters?: {
        /** A page for Prometheus to scrape. On by default; `false` switches it off. */
        prometheus?:
          | boolean
          | {
              /** An IP address or `localhost`. Defaults to 127.0.0.1. */
              host?: string;
              /** Defaults to 9464; 0 lets the operating system choose. */
              port?: number;
              /**
               * Defaults to `/metrics`. You or the client may percent-encode characters that are not
               * ASCII. With `onBackend`, letters, digits and `- . _ ~` after the `/`.
               */
              path?: string;
              /** Whether the page has a server of its own. Defaults to true. */
              server?: boolean;
              /** Whether the page is also served on the backend's port. Defaults to false. */
              onBackend?: boolean;
              /**
               * The bearer token that a scrape must carry: visible ASCII characters. White space around
               * it is taken off.
               * @visibility secret
               */
              token?: string;
              /**
               * Lets everyone who reaches the page read it. Without a token, and without this, a `host`
               * that is not loopback and `onBackend` are errors. Defaults to false.
               */
              unauthenticated?: boolean;
              /**
               * How OpenTelemetry names become Prometheus names. Defaults to
               * `UnderscoreEscapingWithSuffixes`.
               */
              translationStrategy?:
                | 'UnderscoreEscapingWithSuffixes'
                | 'UnderscoreEscapingWithoutSuffixes'
                | 'NoUTF8EscapingWithSuffixes'
                | 'NoTranslation';
              /** Whether series have the labels of their scope, `otel_scope_…`. Defaults to true. */
              scopeInfoEnabled?: boolean;
              /** Whether the page has `target_info`. Defaults to true. */
              targetInfoEnabled?: boolean;
              /**
               * Attributes of the resource that are labels of every series too; `*` and `?` are
               * wildcards. Defaults to none.
               */
              resourceConstantLabels?: {
                included?: string[];
                excluded?: string[];
              };
              /**
               * How long a scrape waits for the event loop before it answers with what it
               * has. Defaults to 2 seconds.
               */
              collectTimeout?: HumanDuration | number | string;
              /** How the exporter aggregates kinds of instruments that no view says otherwise of. */
              defaultAggregation?: DefaultAggregation;
              /** Goes before `cardinalityLimit`, and after a view's limit. */
              cardinalityLimits?: CardinalityLimits;
              /** Which metrics and series the exporter gets. Defaults to all. */
              metricFilter?: MetricFilter;
            };

        /**
         * Pushes to an OpenTelemetry collector. On when this section or the `OTEL_*`
         * environment gives an endpoint; `false` switches it off. A list has up to 16 exporters.
         */
        otlp?: boolean | OtlpExporter | OtlpExporter[];

        /** Prints every collection to standard output, in a format that may change. Off by default. */
        console?:
          | boolean
          | {
              /** Time between two prints. Defaults to 10 seconds. */
              interval?: HumanDuration | number | string;
              /** A word, or a map by kind of instrument. Defaults to `cumulative`. */
              temporality?: Temporality;
              /** How the exporter aggregates kinds of instruments that no view says otherwise of. */
              defaultAggregation?: DefaultAggregation;
              /** Goes before `cardinalityLimit`, and after a view's limit. */
              cardinalityLimits?: CardinalityLimits;
              /** Which metrics and series the exporter gets. Defaults to all. */
              metricFilter?: MetricFilter;
            };
      };

      /** OpenTelemetry views; keys as in OpenTelemetry's declarative configuration. */
      views?: Array<{
        selector?: {
          /** `*` and `?` are wildcards. */
          instrument_name?: string;
          instrument_type?: InstrumentType;
          unit?: string;
          meter_name?: string;
          meter_version?: string;
          meter_schema_url?: string;
        };
        stream?: {
          name?: string;
          description?: string;
          aggregation?: Aggregation;
          aggregation_cardinality_limit?: number;
          /**
           * How the exemplars of a series are chosen: the last of each explicit bucket, or some of
           * all its values, 1 to 1000. Not in the declarative configuration.
           */
          exemplar_reservoir?: {
            aligned_histogram_bucket?: object | null;
            simple_fixed_size?: {
              size?: number;
            } | null;
          };
          attribute_keys?: {
            included?: string[];
            excluded?: string[];
          };
        };
      }>;

      /**
       * Says how several views that match one instrument combine: each makes a stream (`independent`,
       * the default), or each `stream.name` makes one, and views without a name add to it
       * (`composable`).
       */
      viewMatchingMode?: 'independent' | 'composable';

      /**
       * Meters that do nothing; keys as in OpenTelemetry's declarative configuration
       * (`meter_configurator/development`).
       */
      meterConfigurator?: {
        /** Of meters that none of `meters` matches. */
        default_config?: {
          /** Defaults to true. */
          enabled?: boolean;
        };
        /** The first that matches counts. */
        meters?: Array<{
          /** `*` and `?` are wildcards. */
          name: string;
          config: {
            /** Defaults to true. */
            enabled?: boolean;
          };
        }>;
      };

      /**
       * How many series one instrument may have before further ones share an overflow series,
       * from 1 to 1 000 000. Defaults to 2000.
       */
      cardinalityLimit?: number;

      /**
       * How many characters an attribute's value may have before its end is cut off, from 1 to
       * 1 000 000. Defaults to 2048.
       */
      attributeValueLengthLimit?: number;

      /** How histograms aggregate unless a view says otherwise. Defaults to `explicit`. */
      histogram?: 'explicit' | 'exponential';

      /**
       * Which values may become exemplars, which lead from a metric to the trace in which a value was
       * recorded: those within a sampled span, all or none. Defaults to `trace_based`.
       */
      exemplars?: 'trace_based' | 'always_on' | 'always_off';

      /** How long the last export may hold up the end of the process. Defaults to 5 seconds. */
      exitTimeout?: HumanDuration | number | string;

      /** Settings of single plugins, by plugin id. */
      plugin?: {
        [pluginId: string]: {
          /** What the plugin's meter, the instrumentation scope, is called. */
          meter?: {
            /** Defaults to `backstage-plugin-<pluginId>`. */
            name?: string;
            version?: string;
            schemaUrl?: string;
            /** Attributes of the scope, which are exported with it. */
            attributes?: {
              [attribute: string]:
                string | number | boolean | string[] | number[] | boolean[];
            };
          };
          /**
           * Whether the plugin's metrics are dropped: those of every meter with the name of its meter.
           * Defaults to false.
           */
          disabled?: boolean;
        };
      };

      /** Metrics that something else aggregates, and that are exported with ours. */
      producers?: {
        /**
         * The default registries of `prom-client` and `@prometheus-io/client`, where they are
         * loaded. Defaults to true. A map has patterns with `*` and `?` for the names of those that are
         * exported.
         */
        prometheus?: boolean | { included?: string[]; excluded?: string[] };
      };

      /** Metrics of Backstage's core services, `backstage.core.…`. Each on by default. */
      core?: {
        /** Requests to the HTTP servers of the process, by route. */
        http?: boolean;
        /** Connection pools and queries. */
        database?: boolean;
        /**
         * Operations on the cache. Off by default with the stores `valkey` and `infinispan`, which
         * would connect for every plugin, whether it uses its cache or not.
         */
        cache?: boolean;
        /** Scheduled tasks. */
        scheduler?: boolean;
        /** Events that were published and processed. */
        events?: boolean;
        /** The event loop, the garbage collector, the heap and the process. */
        runtime?: boolean;
      };
    };
  };
}
