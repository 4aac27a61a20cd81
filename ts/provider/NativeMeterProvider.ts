import {
  createNoopMeter,
  type Meter,
  type MeterProvider,
} from '@opentelemetry/api';
import type {
  NativeMetricsService,
  NativeProvider,
  NativeScope,
} from '../../binding';
import { atExit } from './atExit';
import { configFile } from '../declarative/configFile';
import { readConfigFile } from '../declarative/readConfigFile';
import { native, outcome } from '../common/errors';
import { OwnExporter } from '../export/OwnExporter';
import { OwnReader } from '../export/OwnReader';
import { ReaderSettings } from '../export/ReaderSettings';
import type {
  AddedExporter,
  MetricExporter,
  MetricExporterOptions,
  MetricReader,
  MetricReaderOptions,
  OtlpEncoding,
} from '../export/types';
import { InstrumentFactory } from '../instruments/InstrumentFactory';
import {
  LenientInstruments,
  MeterInstruments,
} from '../instruments/InstrumentSource';
import {
  readAttributes,
  textOfSet,
  wellFormed,
} from '../instruments/attributes';
import { Diagnostics } from '../instruments/Diagnostics';
import { Facade } from '../instruments/Facade';
import { type HistogramClass, histogramClass } from '../instruments/histogram';
import { ObservableCallbacks } from '../instruments/ObservableCallbacks';
import type { NativeCounter } from '../instruments/synchronous';
import { isExportersPort } from './isExportersPort';
import { isOn } from './isOn';
import { toJson } from '../common/json';
import {
  log,
  logLine,
  logLoudly,
  logsAtExit,
  setLogLevel,
} from '../common/log';
import type { MetricsOptions, MetricsUpdate } from '../options/options';
import {
  readOptions,
  resourceOf,
  type ReadOptions,
} from '../options/plainOptions';
import { PrometheusProducer } from './PrometheusProducer';
import { readTexts } from '../common/readTexts';
import { completeResource } from '../resource/completeResource';
import type { MeterScopeOptions } from '../instruments/types';
import { SourcedMeter } from '../instruments/SourcedMeter';
import { messageOf, shortened } from '../common/text';

/** An event loop that has nothing to do so soon after an export did nothing but export. */
const STILL_IDLE_MS = 500;

const OWN_SCOPE = '@nativestage/metrics';

/**
 * An OpenTelemetry `MeterProvider` over one native engine. Threads of a process share the global
 * one; each has its own object of this class.
 */
export class NativeMeterProvider implements MeterProvider {
  private readonly callbacks = new ObservableCallbacks();
  private readonly facade: Facade;
  private readonly Histogram: HistogramClass;
  private readonly diagnostics: Diagnostics;
  private readonly meters = new Map<string, Meter>();
  private dropped: NativeCounter | undefined;
  private failedReservoirs: NativeCounter | undefined;
  private readonly producer: PrometheusProducer;
  private forgetEnd: (() => void) | undefined;
  private isShutDown = false;
  /** The engine holds what runs them weakly. */
  private readonly exporters = new Set<OwnExporter<OtlpEncoding>>();
  /** What the facade knows the metric filters of configured exporters by. */
  private exporterFilters: number[] = [];
  /** When they had exported everything although the program goes on, by `performance.now()`. */
  private idleSince: number | undefined;

  /** @internal */
  readonly native: NativeProvider;

  /** @internal What `service.name` is where neither the options nor `OTEL_*` say it. */
  defaultServiceName: string | undefined;

  /**
   * @internal Make providers with `createMeterProvider`.
   *
   * @param bridges - Whether registries of Prometheus clients are read unless the options say
   * otherwise.
   */
  constructor(
    nativeProvider: NativeProvider,
    private readonly bridges = false,
  ) {
    this.native = nativeProvider;
    this.facade = new Facade(nativeProvider, this.callbacks);
    this.Histogram = histogramClass(this.facade.block);
    this.producer = new PrometheusProducer(nativeProvider, this.facade.id);
    this.diagnostics = new Diagnostics(
      (instrument, reason) => {
        this.dropped ??= this.factory({ name: OWN_SCOPE }).counter(
          'nativestage.metrics.measurements.dropped',
          {
            unit: '{measurement}',
            description:
              'Measurements and attributes that were not valid, and values that were cut',
          },
        );
        this.dropped.add(1, { instrument, reason });
      },
      instrument => {
        this.failedReservoirs ??= this.factory({ name: OWN_SCOPE }).counter(
          'nativestage.metrics.exemplar_reservoirs.failed',
          {
            unit: '{reservoir}',
            description:
              'Exemplar reservoirs of the program that threw or returned what is not allowed',
          },
        );
        this.failedReservoirs.add(1, { instrument });
      },
    );
  }

  /**
   * The meter of a scope: the same for the same name, version, schema URL and attributes, in whatever
   * order these are. One that does nothing after a shutdown (Metrics SDK specification, "Shutdown").
   */
  getMeter(name: string, version?: string, options?: MeterScopeOptions): Meter {
    if (this.isShutDown) {
      return new SourcedMeter(new MeterInstruments(createNoopMeter()));
    }
    const { texts, problems } = readTexts(() => ({
      name,
      version,
      schemaUrl: options?.schemaUrl,
    }));
    const attributes = readScopeAttributes(options, problems);
    return this.scopeMeter(
      { ...texts, name: texts.name ?? '', attributes },
      problems,
    );
  }

  /** @internal The meter of a scope, and what was wrong with it when it was asked for. */
  scopeMeter(scope: NativeScope, problems: string[] = []): Meter {
    const { name, version, schemaUrl, attributes } = scope;
    const key = toJson([name, version, schemaUrl, attributes]);
    let meter = this.meters.get(key);
    if (!meter) {
      if (name === '') {
        log('warn', 'a meter was asked for without a name; its scope is empty');
      }
      for (const problem of problems) {
        log('warn', `meter ${JSON.stringify(shortened(name, 64))}: ${problem}`);
      }
      this.facade.meters.add(scope);
      meter = new SourcedMeter(new LenientInstruments(this.factory(scope)));
      this.meters.set(key, meter);
    }
    return meter;
  }

  private factory(scope: NativeScope) {
    return new InstrumentFactory(this.context(), request =>
      this.native.register(scope, request),
    );
  }

  /** @internal Makes the instruments of a metrics service, named by its rules. */
  serviceFactory(
    service: NativeMetricsService,
    repair: boolean,
  ): InstrumentFactory {
    this.facade.meters.add(service.scope);
    return new InstrumentFactory(this.context(), request => {
      const { instrument, notice } = service.register(
        this.native,
        request,
        repair,
      );
      if (notice) {
        log('warn', notice);
      }
      return instrument;
    });
  }

  private context() {
    return {
      facade: this.facade,
      diagnostics: this.diagnostics,
      callbacks: this.callbacks,
      Histogram: this.Histogram,
    };
  }

  /**
   * Configures the provider, once: everything recorded before is delivered.
   *
   * @param path - Where the options stand, for error messages.
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`, `ERR_METRICS_ALREADY_CONFIGURED`
   */
  configure(options: MetricsOptions, path = 'options'): void {
    const read = readOptions(options, path);
    const { plain, configurator } = read;
    const functions = this.functions(read);
    const file = configFile();
    const { warnings, notes, detectors, logLevel } = native(() =>
      this.native.configure(
        functions,
        toJson(plain),
        path,
        {
          variables: environment(),
          file: file ? readConfigFile(file) : undefined,
          serviceName: this.defaultServiceName,
        },
        isExportersPort,
      ),
    );
    this.facade.meters.use(configurator);
    this.useFilters(functions.filters);
    this.useReservoirs(functions.reservoirs);
    if (logLevel !== undefined) {
      setLogLevel(logLevel);
    }
    if (file?.note !== undefined) {
      log('warn', file.note);
    }
    notes.forEach(note => log('info', note));
    warnings.forEach(warning => logLoudly('warn', warning));
    this.facade.reshape();
    completeResource(
      this.native,
      this.callbacks,
      detectors,
      resourceOf(options),
    );
    const bridged = plain.producers?.prometheus ?? this.bridges;
    if (typeof bridged === 'object' || isOn(bridged)) {
      this.callbacks.addProducer(patience => this.producer.produce(patience));
    }
  }

  /**
   * Changes which streams instruments have, those that exist included, and what exporters read and when
   * (Metrics SDK specification, "Configuration"). Keys that are not given stay as they are, and `null`
   * stands for the default.
   *
   * Streams that the change does not concern go on, as do those of which only the description or the
   * cardinality limit changes. The others begin anew, with a new start time and without values: what
   * they counted so far and have not exported is in the next export, and is gone from the Prometheus
   * page. So do those of an exporter that wants another temporality; what others read goes on. An
   * interval that changes begins anew as well. Observable instruments report their totals as before. Other threads go over to the new
   * streams as soon as their event loop turns; what they have not handed over by then counts there.
   *
   * @param path - Where the options stand, for error messages.
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`, also where nothing is configured yet; nothing
   * has changed then
   */
  update(options: MetricsUpdate, path = 'options'): void {
    const read = readOptions(options as MetricsOptions, path);
    const { plain, configurator } = read;
    // It belongs to the streams of before.
    this.facade.handOverAll();
    const functions = this.functions(read);
    native(() => this.native.update(functions, toJson(plain), path));
    if (configurator || 'meterConfigurator' in plain) {
      this.facade.meters.use(configurator);
    }
    if ('exporters' in plain) {
      this.useFilters(functions.filters);
    }
    if ('views' in plain) {
      this.useReservoirs(functions.reservoirs);
    }
    this.facade.reshape();
  }

  /** The functions of options, as the native side knows them. */
  private functions({ filters, reservoirs, configurator }: ReadOptions) {
    return {
      facade: this.facade.id,
      filters: filters.map(({ exporter, index, filter }) => ({
        exporter,
        index,
        number: this.facade.filters.add(filter),
      })),
      reservoirs: reservoirs.map(({ view, make }) => ({
        view,
        number: this.facade.reservoirs.add(make),
      })),
      meters: configurator && this.facade.meters.decideAll(configurator),
    };
  }

  /** Exporters have these filters from now on. */
  private useFilters(filters: { number: number }[]): void {
    const numbers = filters.map(({ number }) => number);
    this.exporterFilters.forEach(number => this.facade.filters.remove(number));
    this.exporterFilters = numbers;
  }

  /** Views have these reservoirs from now on. */
  private useReservoirs(reservoirs: { number: number }[]): void {
    this.facade.reservoirs.keep(reservoirs.map(({ number }) => number));
  }

  /** @internal Whether the program made an instrument, on this thread or another. */
  get hasInstruments(): boolean {
    return this.native.isUsed();
  }

  /** @internal Whether there is anything to export, of Prometheus clients too where they are read. */
  get hasMetrics(): boolean {
    return this.hasInstruments || (this.bridges && this.producer.hasMetrics);
  }

  /** Whether a configuration was applied, on this thread or another. */
  get isConfigured(): boolean {
    return this.native.isConfigured();
  }

  /**
   * Where the Prometheus page is served, such as `127.0.0.1:9464`: with port 0 configured, the port
   * that was chosen. `undefined` when no port is open.
   */
  get prometheusAddress(): string | undefined {
    return this.native.address() ?? undefined;
  }

  /**
   * What keeps an exporter from working at all, such as a port in use, which is tried again until it
   * is free: for a health check. `undefined` when all is well.
   */
  get problem(): string | undefined {
    return this.native.problem() ?? undefined;
  }

  /** @internal For tests: neither exporters nor the environment. */
  configureWithoutExporters(options: MetricsOptions): void {
    native(() => this.native.configureWithoutExporters(toJson(options)));
    this.facade.reshape();
  }

  /**
   * Adds a reader that collects when it is asked to (Metrics SDK specification, "MetricReader"): before
   * the configuration or after it. A later one has cumulative data from the start where
   * another reader wants the same, and other data from now on. There are 8 readers and exporters of a
   * program's own at most.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the option, or when there are too many;
   * `ERR_METRICS_SHUT_DOWN`
   */
  addReader<E extends OtlpEncoding = 'json'>(
    options: MetricReaderOptions<E> = {},
  ): MetricReader<E> {
    return this.read(
      options,
      settings =>
        new OwnReader(
          native(() =>
            this.native.addReader(
              this.facade.id,
              settings.json,
              'options',
              settings.filter,
            ),
          ),
          settings,
          change => this.reshaped(change),
          () => this.facade.handOver(),
          () => this.facade.reshape(),
        ),
    );
  }

  /**
   * Adds an exporter that takes the metrics of the whole process somewhere, every `interval` and when
   * the provider flushes or shuts down. It runs on the thread that adds it. Where that ends by itself,
   * it exports before; `process.exit()` does not wait for it, so call `shutdown()` before that.
   *
   * @throws MetricsError as {@link addReader}
   */
  addExporter<E extends OtlpEncoding = 'json'>(
    exporter: MetricExporter<E>,
    options: MetricExporterOptions<E> = {},
  ): AddedExporter {
    return this.read(options, settings => {
      const added = new OwnExporter<E>(
        this.native,
        this.facade.id,
        exporter,
        settings,
        change => this.reshaped(change),
        () => this.facade.handOver(),
        gone => {
          this.exporters.delete(gone);
          this.facade.reshape();
        },
      );
      this.exporters.add(added);
      return added;
    });
  }

  /** Adds what reads by these options. */
  private read<T>(options: unknown, add: (settings: ReaderSettings) => T): T {
    const settings = new ReaderSettings(options, this.facade.filters);
    try {
      return this.reshaped(() => add(settings));
    } catch (error) {
      settings.end();
      throw error;
    }
  }

  /** Changes what reads; instruments learn whether somebody does. */
  private reshaped<T>(change: () => T): T {
    // It belongs to the readers of before.
    this.facade.handOverAll();
    const changed = change();
    this.facade.reshape();
    return changed;
  }

  /**
   * Exports everything recorded up to now through every exporter.
   *
   * @throws MetricsError `ERR_METRICS_EXPORT` naming every exporter that failed and why
   */
  async forceFlush(): Promise<void> {
    this.facade.handOver();
    await outcome(this.native.flush());
  }

  /**
   * Flushes, then stops exporting for good. Recording afterwards does nothing harmful, and
   * {@link getMeter} has nothing but meters that do nothing.
   */
  async shutdown(): Promise<void> {
    this.isShutDown = true;
    this.facade.handOver();
    try {
      await outcome(this.native.shutdown());
    } finally {
      this.facade.takeLog();
      // Until then an exit waits for the shutdown.
      this.forgetEnd?.();
    }
  }

  /**
   * The event loop has nothing left to do. An export gives it something, so that this comes again: what
   * the export itself records is no reason for another.
   */
  private exportBeforeExit(): void {
    const wasIdle =
      this.idleSince !== undefined &&
      performance.now() - this.idleSince < STILL_IDLE_MS;
    if (this.exporters.size === 0 || wasIdle) {
      return;
    }
    const exporting = [...this.exporters].map(one => one.forceFlush());
    void Promise.allSettled(exporting).then(() => {
      // Failures are in the log.
      this.idleSince = performance.now();
    });
  }

  /**
   * @internal Has everything delivered when the thread ends.
   *
   * @param isFinal - Whether the provider ends with the thread.
   * @param before - Called before the last hand-over.
   */
  endWithThread(isFinal: boolean, before?: () => void): void {
    this.forgetEnd = atExit({
      settle: () => this.facade.settle(),
      beforeExit: () => this.exportBeforeExit(),
      handOver: () => {
        logsAtExit();
        before?.();
        if (this.idleSince !== undefined && !this.facade.settle()) {
          // There is nothing that they have not exported.
          this.exporters.forEach(exporter => exporter.remove());
        }
        this.facade.handOverAtExit();
      },
      begin: () => this.native.beginExit(this.facade.id, isFinal),
      finish: () => this.native.finishExit().forEach(logLine),
    });
  }
}

/** The attributes of a scope as the native side reads them, and what is wrong with them. */
function readScopeAttributes(
  options: MeterScopeOptions | undefined,
  problems: string[],
): string | undefined {
  let given: unknown;
  try {
    given = options?.attributes;
  } catch (error) {
    problems.push(`the attributes cannot be read: ${messageOf(error)}`);
  }
  if (given === undefined || given === null) {
    return undefined;
  }
  const { path, invalid } = readAttributes(given, () => true);
  if (invalid) {
    problems.push(`${invalid} is left out`);
  }
  return path.length === 0 ? undefined : textOfSet(wellFormed(path));
}

/** The variables that configuration may read. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        (entry[0].startsWith('OTEL_') || entry[0] === 'NODE_EXTRA_CA_CERTS') &&
        entry[1] !== undefined,
    ),
  );
}
