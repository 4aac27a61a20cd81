/**
 * Native metrics for Backstage backends. The default export is a feature loader:
 * `backend.add(import('@nativestage/metrics'))`.
 *
 * @packageDocumentation
 */

import { Attributes } from '@opentelemetry/api';
import { AttributeValue } from '@opentelemetry/api';
import { BackendFeature } from '@backstage/backend-plugin-api';
import { BatchObservableCallback } from '@opentelemetry/api';
import { BatchObservableResult } from '@opentelemetry/api';
import type { Config } from '@backstage/config';
import type { Context } from '@opentelemetry/api';
import { Counter } from '@opentelemetry/api';
import { Gauge } from '@opentelemetry/api';
import { Histogram } from '@opentelemetry/api';
import type { HrTime } from '@opentelemetry/api';
import { Meter } from '@opentelemetry/api';
import type { MeterOptions } from '@opentelemetry/api';
import { MetricAdvice } from '@opentelemetry/api';
import { MetricOptions } from '@opentelemetry/api';
import type { MetricsService as MetricsService_2 } from '@backstage/backend-plugin-api/alpha';
import { Observable } from '@opentelemetry/api';
import { ObservableCallback } from '@opentelemetry/api';
import { ObservableCounter } from '@opentelemetry/api';
import { ObservableGauge } from '@opentelemetry/api';
import { ObservableResult } from '@opentelemetry/api';
import { ObservableUpDownCounter } from '@opentelemetry/api';
import { ServiceFactory } from '@backstage/backend-plugin-api';
import { ServiceRef } from '@backstage/backend-plugin-api';
import { UpDownCounter } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';

/** How values are aggregated; keys as in OpenTelemetry's declarative configuration. */
export declare type Aggregation = {
    default: object | null;
} | {
    drop: object | null;
} | {
    sum: object | null;
} | {
    last_value: object | null;
} | {
    explicit_bucket_histogram: {
        boundaries?: number[];
        record_min_max?: boolean;
    } | null;
} | {
    base2_exponential_bucket_histogram: {
        max_scale?: number;
        max_size?: number;
        record_min_max?: boolean;
    } | null;
};

export { Attributes }

export { AttributeValue }

export { BatchObservableCallback }

export { BatchObservableResult }

/** A counter or up-down counter bound to one attribute set: `add` is one cell write. */
export declare interface BoundCounter {
    add(value: number): void;
}

/** A histogram or gauge bound to one attribute set. */
export declare interface BoundRecorder {
    record(value: number): void;
}

/**
 * Attribute sets per stream, 1 to 1000000, by kind of instrument; `default` is for the kinds that are
 * not named. A view's limit goes before it, the limit of the whole service after it.
 */
export declare type CardinalityLimits = {
    [Kind in InstrumentType | 'default']?: number;
};

/** The options that can change while a provider is in use. */
declare type Changeable = Pick<MetricsOptions, 'views' | 'viewMatchingMode' | 'meterConfigurator' | 'cardinalityLimit' | 'plugin' | 'exporters'>;

/** What is printed to standard output, and when. */
export declare interface ConsoleExporterOptions {
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

export { Counter }

/** How a reader aggregates instruments that no view says otherwise of, by their kind. */
export declare type DefaultAggregation = {
    [Kind in InstrumentType]?: Aggregation;
};

/** The root metrics service over the process's provider. */
export declare class DefaultRootMetricsService extends ScopedMetricsService implements RootMetricsService {
    /**
     * Configures the process's provider from `backend.metrics` and makes the service.
     *
     * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the path in the config, what was
     * found and what is allowed
     */
    static fromConfig(config: Config): RootMetricsService;
    private readonly workshop;
    private constructor();
    forPlugin(pluginId: string): MetricsService;
    forService(name: string, scope: 'plugin' | 'core'): MetricsService;
}

/** A duration as Backstage writes it, or a number of milliseconds. From 1 ms to 24 days. */
export declare type Duration = number | {
    milliseconds?: number;
    seconds?: number;
    minutes?: number;
    hours?: number;
    days?: number;
    weeks?: number;
};

/** A value that stands for those of its series. */
export declare interface Exemplar {
    value: number;
    /** When it was recorded: seconds since the epoch, and nanoseconds. */
    timestamp: HrTime;
    /** Attributes it was recorded with. Those that its point has are left out. */
    filteredAttributes?: Attributes;
    /** 32 hexadecimal digits. What is no id counts as none. */
    traceId?: string;
    /** 16 hexadecimal digits. */
    spanId?: string;
}

/** Which values may become exemplars. */
export declare type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

/**
 * Chooses the exemplars of one series (Metrics SDK specification, "ExemplarReservoir"). Its functions run
 * on the event loop, the first within a record: what it throws or returns and may not is logged and
 * counted in `nativestage.metrics.exemplar_reservoirs.failed`, and its series has no exemplars from then on.
 */
export declare interface ExemplarReservoir {
    /**
     * Gets every value that the exemplar filter lets through.
     *
     * @param attributes - All that it was recorded with, those that the view drops too.
     * @param context - The one that was passed, or the active one.
     */
    offer(value: number, timestamp: HrTime, attributes: Attributes, context: Context): void;
    /**
     * Called for a collection when a value was offered since the last one: what it returns, 1 000 at most,
     * takes the place of what it returned then. Under delta temporality that is exported once.
     *
     * @param pointAttributes - Those of the series.
     */
    collect(pointAttributes: Attributes): Exemplar[];
}

/** Makes the reservoir of a series when its first value is offered. */
export declare type ExemplarReservoirFactory = (series: ReservedSeries) => ExemplarReservoir;

/** A metric as a filter knows it. */
export declare interface FilteredMetric {
    scope: MeterScope;
    name: string;
    kind: 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';
    unit: string;
}

export { Gauge }

export { Histogram }

export declare type HistogramAggregation = 'explicit' | 'exponential';

/** OpenTelemetry's options of an instrument, and what else it can be asked for with. */
export declare interface InstrumentOptions extends MetricOptions {
    advice?: MetricAdvice & {
        /**
         * The attribute keys that the metric has where no view's `attribute_keys` says otherwise; what is
         * recorded with others is added up (Metrics SDK specification, "Instrument advisory parameter:
         * `Attributes`", in development).
         */
        attributes?: string[];
    };
}

/** What meters and services take their instruments from. */
declare interface InstrumentSource {
    counter<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsCounter<T>;
    upDownCounter<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsUpDownCounter<T>;
    histogram<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsHistogram<T>;
    gauge<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsGauge<T>;
    observable<T extends Attributes>(kind: ObservableKind, name: string, options?: InstrumentOptions): Observable<T>;
    addBatch(callback: BatchObservableCallback, observables: Observable[]): void;
    removeBatch(callback: BatchObservableCallback, observables: Observable[]): void;
}

/** The kinds of instruments, as OpenTelemetry's declarative configuration names them. */
export declare type InstrumentType = 'counter' | 'gauge' | 'histogram' | 'observable_counter' | 'observable_gauge' | 'observable_up_down_counter' | 'up_down_counter';

/** Whether a value is a {@link MetricsError}, also one from another copy of this package. */
export declare function isMetricsError(value: unknown): value is MetricsError;

export { Meter }

/** Whether the instruments of a meter do anything. */
export declare interface MeterConfig {
    /** Default true. A meter that is disabled is one that does nothing. */
    enabled?: boolean;
}

/**
 * Says of a meter in code whether it does anything (the same section). It is asked once for each meter,
 * on the thread that configures with it: when that makes the meter, when it configures or updates, and
 * soon after another thread made one, which is enabled until then. Where it throws or returns something
 * else, there is an error in the log and the meter is enabled.
 */
export declare type MeterConfigurator = (scope: MeterScope) => MeterConfig | undefined | void;

/**
 * Which meters do anything (Metrics SDK specification, "MeterConfigurator", in development). Keys as in
 * OpenTelemetry's declarative configuration (`meter_configurator/development`).
 */
export declare interface MeterConfiguratorOptions {
    /** Of meters whose name none of `meters` matches. */
    default_config?: MeterConfig;
    /** By name, which may hold `*` and `?`; upper and lower case differ. The first that matches counts. */
    meters?: {
        name: string;
        config: MeterConfig;
    }[];
}

/** The instrumentation scope of a meter. */
export declare interface MeterScope {
    name: string;
    version?: string;
    schemaUrl?: string;
    attributes: Attributes;
}

/** OpenTelemetry's options of a meter, and what else one can be asked for with. */
export declare interface MeterScopeOptions extends MeterOptions {
    /**
     * Attributes of the instrumentation scope: with other ones it is another meter (Metrics API
     * specification, "Get a Meter"). They are the scope's in OTLP, and the labels `otel_scope_<key>` on
     * the Prometheus page.
     */
    attributes?: Attributes;
}

export { MetricAdvice }

/**
 * Says in code which metrics and series a reader gets (the same section): one of the functions at least.
 * They run on the thread that has the filter, between an observable callback and the export, and never
 * while something is recorded. Each is asked once about a metric or a series, whose answer holds as long
 * as there is one. What throws, or returns something else, leaves out what it was asked about, with an
 * error in the log; so does, for one collection, an event loop that does not answer in time, which
 * `nativestage.metrics.filters.undecided` counts.
 */
export declare interface MetricFilter {
    /**
     * Without it, every metric is accepted in part.
     *
     * @returns `accept_partial` to ask `testAttributes` about each series
     */
    testMetric?(metric: FilteredMetric): 'accept' | 'accept_partial' | 'drop';
    testAttributes?(metric: FilteredMetric, attributes: Attributes): 'accept' | 'drop';
}

/**
 * Which metrics and series a reader gets (Metrics SDK specification, "MetricFilter", in development), by
 * patterns with `*` and `?`. Names are those of OpenTelemetry, as views leave them, or those that a
 * Prometheus client has. Metrics that no reader gets are not kept.
 */
export declare interface MetricFilterRules {
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

/**
 * A metric's name as its author writes it: `{category}.{metric_name}`, such as `orders.placed`.
 * The service adds what comes before.
 */
export declare type MetricName = `${string}.${string}`;

export { MetricOptions }

export declare type MetricsCounter<T extends Attributes = Attributes> = Counter<T> & SeriesControl<T, BoundCounter>;

/** An error with a stable `code`. */
export declare class MetricsError extends Error {
    readonly code: MetricsErrorCode;
    constructor(code: MetricsErrorCode, message: string, options?: ErrorOptions);
}

/** The codes of every error this package throws or rejects with. */
export declare type MetricsErrorCode = 
/** A metric name breaks a naming rule. */
'ERR_METRICS_INVALID_NAME'
/** A configuration key or value is not allowed; the message names its path. */
| 'ERR_METRICS_INVALID_CONFIG'
/** `configure` was called twice. */
| 'ERR_METRICS_ALREADY_CONFIGURED'
/** An instrument was asked for with impossible options. */
| 'ERR_METRICS_INVALID_INSTRUMENT'
/** An exporter could not deliver; the message names it and says why. */
| 'ERR_METRICS_EXPORT'
/** The provider has been shut down. */
| 'ERR_METRICS_SHUT_DOWN'
/** The native addon could not be loaded. */
| 'ERR_METRICS_ADDON_MISSING';

/**
 * Everything an adopter needs: `backend.add(import('@nativestage/metrics'))`. Factories that the
 * app adds itself go before those of a loader.
 */
declare const metricsFeatureLoader: BackendFeature;
export default metricsFeatureLoader;

export declare type MetricsGauge<T extends Attributes = Attributes> = Gauge<T> & SeriesControl<T, BoundRecorder>;

export declare type MetricsHistogram<T extends Attributes = Attributes> = Histogram<T> & SeriesControl<T, BoundRecorder>;

/**
 * The options of a provider: `backend.metrics` in app-config. What is not set comes from `OTEL_*`,
 * then from the defaults.
 */
export declare interface MetricsOptions {
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
    views?: {
        selector: ViewSelector;
        stream?: ViewStream;
    }[];
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
        prometheus?: boolean | {
            included?: string[];
            excluded?: string[];
        };
    };
    /**
     * Metrics of Backstage's core services, `backstage.core.…`. Each on by default, but for `cache` with
     * a store that connects for every plugin (`valkey`, `infinispan`).
     */
    core?: Partial<Record<'http' | 'database' | 'cache' | 'scheduler' | 'events' | 'runtime', boolean>>;
}

/**
 * The metrics of one plugin or core service. Extends Backstage's own `MetricsService`: whatever is
 * written for that works with this.
 *
 * Every `create` method names the metric by the rules and throws a {@link MetricsError}
 * `ERR_METRICS_INVALID_NAME` that says what to pass instead, except where the service came through
 * `metricsServiceRef`: there a name is mended and reported once, and never stops a backend.
 */
export declare interface MetricsService extends MetricsService_2 {
    createCounter<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): MetricsCounter<T>;
    createUpDownCounter<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): MetricsUpDownCounter<T>;
    createHistogram<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): MetricsHistogram<T>;
    createGauge<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): MetricsGauge<T>;
    createObservableCounter<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): ObservableCounter<T>;
    createObservableUpDownCounter<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): ObservableUpDownCounter<T>;
    createObservableGauge<T extends Attributes = Attributes>(name: MetricName, options?: InstrumentOptions): ObservableGauge<T>;
    /** Calls back once a collection for several observables of this service. */
    addBatchObservableCallback<T extends Attributes = Attributes>(callback: BatchObservableCallback<T>, observables: Observable<T>[]): void;
    removeBatchObservableCallback<T extends Attributes = Attributes>(callback: BatchObservableCallback<T>, observables: Observable<T>[]): void;
    /**
     * The plain OpenTelemetry meter of this scope. Names made through it are exported as they are:
     * the author's own business.
     */
    getMeter(): Meter;
}

/** Serves Backstage's own `metricsServiceRef` with ours. */
export declare const metricsServiceFactory: ServiceFactory<MetricsService, "plugin", "singleton">;

/**
 * A plugin's metrics service. It is Backstage's own ref (`alpha.core.metrics`) under our type, so
 * plugins written for Backstage's get ours unchanged.
 */
export declare const metricsServiceRef: ServiceRef<MetricsService, "plugin", "singleton">;

/**
 * Changes of a provider's options. Keys that are not given stay as they are, and `null` stands for the default.
 * Of `plugin` it is `disabled`: what a plugin's meter is called is settled when the plugin
 * starts. `exporters` is the whole section; what it says of exporters may differ from what they run with
 * in `interval`, `temporality`, `histogram`, `defaultAggregation`, `cardinalityLimits` and `metricFilter`.
 */
export declare type MetricsUpdate = {
    [K in keyof Changeable]?: Changeable[K] | null;
};

export declare type MetricsUpDownCounter<T extends Attributes = Attributes> = UpDownCounter<T> & SeriesControl<T, BoundCounter>;

export { Observable }

export { ObservableCallback }

export { ObservableCounter }

export { ObservableGauge }

/** The observable kinds by the names that the binding knows. */
declare type ObservableKind = 'observableCounter' | 'observableUpDownCounter' | 'observableGauge';

export { ObservableResult }

export { ObservableUpDownCounter }

/** OTLP push. */
export declare interface OtlpExporterOptions {
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
    tls?: {
        caFile?: string;
        certFile?: string;
        keyFile?: string;
    };
}

/** One plugin's meter, or nothing at all. */
export declare interface PluginMetricsOptions {
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

/** The scrape endpoint. */
export declare interface PrometheusExporterOptions {
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
    resourceConstantLabels?: {
        included?: string[];
        excluded?: string[];
    };
    /** How long a scrape waits for observable callbacks. Default 2 seconds. */
    collectTimeout?: Duration;
    /** Default: the specification's for each kind, and the provider's `histogram`. */
    defaultAggregation?: DefaultAggregation;
    /** Default: the provider's `cardinalityLimit`. */
    cardinalityLimits?: CardinalityLimits;
    /** Which metrics and series it gets. Default all. */
    metricFilter?: MetricFilterRules | MetricFilter;
}

declare type RawAttribute = [
name: string,
value: AttributeValue | undefined | PromiseLike<AttributeValue | undefined>
];

/** What a reservoir is for. */
export declare interface ReservedSeries {
    /** The name of the metric. */
    name: string;
    aggregation: Aggregation;
    /** Those of the series. */
    attributes: Attributes;
}

/**
 * A resource as `resourceFromAttributes` and `detectResources` of `@opentelemetry/resources` make it,
 * in any of its versions: it merges with others, and may have attributes that are not known yet.
 */
declare interface Resource {
    readonly attributes: Attributes;
    /** The schema that the attributes follow. */
    readonly schemaUrl?: string;
    /** Whether {@link waitForAsyncAttributes} has something to wait for. */
    readonly asyncAttributesPending?: boolean;
    waitForAsyncAttributes?(): Promise<void>;
    /** All attributes, of one name the first; values may be promises. */
    getRawAttributes?(): RawAttribute[];
    /** Resource SDK specification, "Merge": the other's attributes win. */
    merge(other: any): Resource;
}

/** A resource attribute. */
export declare type ResourceAttribute = string | number | boolean | string[] | number[] | boolean[];

/** A resource attribute with its type, as in OpenTelemetry's declarative configuration. */
export declare interface ResourceAttributeEntry {
    name: string;
    /** Of the type that is given. With `null` the attribute is left out. */
    value: ResourceAttribute | null;
    /** Default `string`. */
    type?: 'string' | 'bool' | 'int' | 'double' | 'string_array' | 'bool_array' | 'int_array' | 'double_array';
}

/** Which detectors run, and what of theirs is kept. */
export declare interface ResourceDetection {
    /** Keys with `*` and `?`. `process.command_args` has to be named as it is to be there. */
    attributes?: {
        included?: string[];
        excluded?: string[];
    };
    /** `host` finds `os.*` too. */
    detectors?: ResourceDetectorEntry[];
}

/** The name of a detector, whose value is empty. */
export declare type ResourceDetectorEntry = {
    container: object | null;
} | {
    host: object | null;
} | {
    k8s: object | null;
} | {
    os: object | null;
} | {
    process: object | null;
} | {
    service: object | null;
};

/**
 * The thing that the metrics describe. Four keys are those of OpenTelemetry's declarative configuration;
 * any other is an attribute.
 */
export declare interface ResourceSettings {
    /** Go before those by name, which go before `attributes_list`. */
    attributes?: ResourceAttributeEntry[];
    /** `key=value,…`, as in `OTEL_RESOURCE_ATTRIBUTES`. */
    attributes_list?: string;
    /** The schema that the attributes follow. */
    schema_url?: string;
    /** Default: what `OTEL_NODE_RESOURCE_DETECTORS` says, or no detectors. */
    'detection/development'?: ResourceDetection;
    [attribute: string]: ResourceAttribute | ResourceAttributeEntry[] | ResourceDetection | undefined;
}

/** The metrics of the app, and the maker of scoped services. */
export declare interface RootMetricsService extends MetricsService {
    /**
     * The service of a plugin.
     *
     * @throws MetricsError `ERR_METRICS_INVALID_NAME` when the id cannot be a segment of a name
     */
    forPlugin(pluginId: string): MetricsService;
    /**
     * The service of a core service, such as `forService('database', 'core')`.
     *
     * @throws MetricsError `ERR_METRICS_INVALID_NAME`
     */
    forService(name: string, scope: 'plugin' | 'core'): MetricsService;
}

/**
 * The app's metrics service: configures the process's provider from `backend.metrics` and flushes
 * it when the backend shuts down. Starts with the backend, asked for or not. Later changes of views,
 * disabled meters and limits are applied as they come.
 */
export declare const rootMetricsServiceFactory: ServiceFactory<RootMetricsService, "root", "singleton">;

/** The app's metrics service. Root-scoped. */
export declare const rootMetricsServiceRef: ServiceRef<RootMetricsService, "root", "singleton">;

/** The metrics service of one scope. */
declare class ScopedMetricsService extends SourcedMeter implements MetricsService {
    private readonly meter;
    constructor({ source, meter }: ServiceParts);
    getMeter(): Meter;
}

/** What our synchronous instruments can do beyond OpenTelemetry's. */
export declare interface SeriesControl<TAttributes extends Attributes, TBound> {
    /**
     * A handle for one attribute set (Metrics API specification, "Bind", in development). It stays
     * valid for the life of the instrument and keeps its series' place in the cardinality limit.
     */
    bind(attributes?: TAttributes): TBound;
    /**
     * Removes one series: it is exported no more until the next value, which starts it anew. What
     * was recorded and not yet exported under delta temporality still is.
     */
    remove(attributes?: TAttributes): void;
    /** Removes every series. */
    clear(): void;
    /**
     * Whether what is recorded is exported (Metrics API specification, "Enabled"): not where the meter is
     * disabled, where views drop the instrument, or where nothing exports metrics at all. That can change
     * when the configuration does: ask each time before you do work only to record its result.
     */
    enabled(): boolean;
}

/** What a service is made of: named instruments, and the plain meter of its scope. */
declare interface ServiceParts {
    source: InstrumentSource;
    meter: Meter;
}

/** An OpenTelemetry `Meter` over a source of instruments; ours also bind, remove and clear. */
declare class SourcedMeter implements Meter {
    private readonly source;
    constructor(source: InstrumentSource);
    createCounter<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsCounter<T>;
    createUpDownCounter<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsUpDownCounter<T>;
    createHistogram<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsHistogram<T>;
    createGauge<T extends Attributes>(name: string, options?: InstrumentOptions): MetricsGauge<T>;
    createObservableCounter<T extends Attributes>(name: string, options?: InstrumentOptions): Observable<T>;
    createObservableUpDownCounter<T extends Attributes>(name: string, options?: InstrumentOptions): Observable<T>;
    createObservableGauge<T extends Attributes>(name: string, options?: InstrumentOptions): Observable<T>;
    addBatchObservableCallback<T extends Attributes = Attributes>(callback: BatchObservableCallback<T>, observables: Observable<T>[]): void;
    removeBatchObservableCallback<T extends Attributes = Attributes>(callback: BatchObservableCallback<T>, observables: Observable<T>[]): void;
}

/**
 * Whether points count since the start (`cumulative`) or since the last collection (`delta`): one word
 * for all kinds, or a word by kind of instrument. Under a preference up-down counters are always
 * cumulative. Of a gauge, `delta` means that a value is shown once; a sum of gauges is cumulative.
 */
export declare type Temporality = TemporalityPreference | ({
    default?: TemporalityPreference;
} & {
    [Kind in InstrumentType]?: 'cumulative' | 'delta';
});

/** What `lowmemory` means: delta for counters and histograms, cumulative for the others. */
export declare type TemporalityPreference = 'cumulative' | 'delta' | 'lowmemory';

export declare type TranslationStrategy = 'UnderscoreEscapingWithSuffixes' | 'UnderscoreEscapingWithoutSuffixes' | 'NoUTF8EscapingWithSuffixes' | 'NoTranslation';

export { UpDownCounter }

export { ValueType }

/** Which instruments a view is for; every criterion that is set must match. */
export declare interface ViewSelector {
    /** May hold `*` and `?`. */
    instrument_name?: string;
    instrument_type?: InstrumentType;
    unit?: string;
    meter_name?: string;
    meter_version?: string;
    meter_schema_url?: string;
}

/** What a view makes of them. */
export declare interface ViewStream {
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
    exemplar_reservoir?: {
        aligned_histogram_bucket: object | null;
    } | {
        simple_fixed_size: {
            size?: number;
        } | null;
    } | ExemplarReservoirFactory;
    /** Keys with `*` and `?`. */
    attribute_keys?: {
        included?: string[];
        excluded?: string[];
    };
}

export { }
