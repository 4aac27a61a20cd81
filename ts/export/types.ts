import type {
  CardinalityLimits,
  DefaultAggregation,
  Duration,
  MetricFilter,
  MetricFilterRules,
  Temporality,
} from '../options/options';

/** The encodings of OTLP. */
export type OtlpEncoding = 'json' | 'protobuf';

/**
 * One `ExportMetricsServiceRequest` of OTLP 1: the text of OTLP/JSON, or the bytes of binary protobuf.
 * `MetricsData` has the same fields.
 */
export type Otlp<E extends OtlpEncoding> = E extends 'protobuf'
  ? Uint8Array
  : string;

/** What a reader of one's own wants. */
export interface MetricReaderOptions<E extends OtlpEncoding = 'json'> {
  /** Default `json`. */
  encoding?: E;
  /** Default `cumulative`. */
  temporality?: Temporality;
  /** Default: the specification's for each kind, and the provider's `histogram`. */
  defaultAggregation?: DefaultAggregation;
  /** Default: the provider's `cardinalityLimit`. */
  cardinalityLimits?: CardinalityLimits;
  /** Which metrics and series it gets. Default all. */
  metricFilter?: MetricFilterRules | MetricFilter;
}

/** Changes of a reader. Keys that are not given stay as they are, and `null` stands for the default. */
export type MetricReaderUpdate = {
  [
    K in
      | 'temporality'
      | 'defaultAggregation'
      | 'cardinalityLimits'
      | 'metricFilter'
  ]?: MetricReaderOptions[K] | null;
};

/** What changes of an exporter, as of a reader. */
export interface MetricExporterUpdate extends MetricReaderUpdate {
  interval?: Duration | null;
}

/** A reader that collects when it is asked to (Metrics SDK specification, "MetricReader"). */
export interface MetricReader<E extends OtlpEncoding = 'json'> {
  /**
   * Runs the observable callbacks of all threads and reads what was recorded so far. Delta data is
   * read once.
   *
   * @param options - `timeout`: how long, in milliseconds, event loops have to answer; what is known
   * of one that does not is read. From 0 to 4294967295, default 30 000.
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` before the provider is configured,
   * `ERR_METRICS_SHUT_DOWN` after a shutdown
   */
  collect(options?: { timeout?: number }): Promise<Otlp<E>>;
  /**
   * Changes what it reads from now on; what becomes of values that were recorded before is as with `update`
   * of the provider.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the option, `ERR_METRICS_SHUT_DOWN`; nothing
   * has changed then
   */
  update(options: MetricReaderUpdate): void;
  /** Takes the reader back; {@link MetricReader.collect} fails from then on. */
  shutdown(): void;
}

/** How an exporter of one's own is run. */
export interface MetricExporterOptions<
  E extends OtlpEncoding = 'json',
> extends MetricReaderOptions<E> {
  /** What messages call it: "export to <name> failed". */
  name?: string;
  /** Time between two exports, from 1 ms to 24 days. Default 60 seconds. */
  interval?: Duration;
  /**
   * How long a collection may wait for event loops, and then how long an export may take, with the
   * tries that it is made of. Default 30 seconds.
   */
  timeout?: Duration;
  /** Data points of one call of `export`, from 1 to 1 000 000. Default: all of a collection. */
  maxExportBatchSize?: number;
}

/** What `export` gets beside the data. */
export interface ExportContext {
  /** Data points in it. */
  points: number;
  /** Aborted when the time-out is over: what comes later counts no more. */
  signal: AbortSignal;
}

/**
 * Takes metrics somewhere (Metrics SDK specification, "MetricExporter"). No function is called again
 * before what it returned has settled.
 */
export interface MetricExporter<E extends OtlpEncoding = 'json'> {
  /**
   * Exports a batch. Where it throws or rejects, the batch is lost, counted and reported: unless the
   * error has a property `retryable` that is `true`, and then it is tried again within the time-out,
   * and delta data waits for the next export.
   */
  export(otlp: Otlp<E>, context: ExportContext): void | PromiseLike<void>;
  /** Finishes what `export` left for later. */
  forceFlush?(): void | PromiseLike<void>;
  /** Lets go of everything. Called once, after the last export. */
  shutdown?(): void | PromiseLike<void>;
}

/** An exporter that was added. */
export interface AddedExporter {
  /**
   * Exports everything recorded so far, and has the exporter flush.
   *
   * @throws MetricsError `ERR_METRICS_EXPORT` saying why that failed
   */
  forceFlush(): Promise<void>;
  /**
   * Changes what it exports and when, as {@link MetricReader.update}. A changed interval begins now.
   *
   * @throws MetricsError as there
   */
  update(options: MetricExporterUpdate): void;
  /**
   * Exports for the last time, and shuts the exporter down.
   *
   * @throws MetricsError as {@link AddedExporter.forceFlush}
   */
  shutdown(): Promise<void>;
}
