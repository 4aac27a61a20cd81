import {
  createNoopMeter,
  type Meter,
  type MeterOptions,
  type MeterProvider,
} from '@opentelemetry/api';
import type { NativeMetricsService, NativeProvider } from '../binding';
import { atExit } from './atExit';
import { native, outcome } from './errors';
import { InstrumentFactory } from './InstrumentFactory';
import { LenientInstruments, MeterInstruments } from './InstrumentSource';
import { Diagnostics } from './instruments/Diagnostics';
import { Facade } from './instruments/Facade';
import { type HistogramClass, histogramClass } from './instruments/histogram';
import { ObservableCallbacks } from './instruments/ObservableCallbacks';
import type { NativeCounter } from './instruments/synchronous';
import { isOn } from './isOn';
import { toJson } from './json';
import { log, logLine, logLoudly, logsAtExit } from './log';
import type { MetricsOptions } from './options';
import { plainOptions } from './plainOptions';
import { PrometheusProducer } from './PrometheusProducer';
import { readTexts } from './readTexts';
import { SourcedMeter } from './SourcedMeter';
import { shortened } from './text';

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
  private readonly producer: PrometheusProducer;
  private forgetEnd: (() => void) | undefined;
  private isShutDown = false;

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
    this.diagnostics = new Diagnostics((instrument, reason) => {
      this.dropped ??= this.factory(OWN_SCOPE).counter(
        'nativestage.metrics.measurements.dropped',
        {
          unit: '{measurement}',
          description:
            'Measurements and attributes that were not valid, and values that were cut',
        },
      );
      this.dropped.add(1, { instrument, reason });
    });
  }

  /** A meter; one that does nothing after a shutdown (Metrics SDK specification, "Shutdown"). */
  getMeter(name: string, version?: string, options?: MeterOptions): Meter {
    if (this.isShutDown) {
      return new SourcedMeter(new MeterInstruments(createNoopMeter()));
    }
    const { texts, problems } = readTexts(() => ({
      name,
      version,
      schemaUrl: options?.schemaUrl,
    }));
    const scope = texts.name ?? '';
    const key = toJson([scope, texts.version, texts.schemaUrl]);
    let meter = this.meters.get(key);
    if (!meter) {
      if (scope === '') {
        log('warn', 'a meter was asked for without a name; its scope is empty');
      }
      for (const problem of problems) {
        log(
          'warn',
          `meter ${JSON.stringify(shortened(scope, 64))}: ${problem}`,
        );
      }
      const source = this.factory(scope, texts.version, texts.schemaUrl);
      meter = new SourcedMeter(new LenientInstruments(source));
      this.meters.set(key, meter);
    }
    return meter;
  }

  private factory(name: string, version?: string, schemaUrl?: string) {
    return new InstrumentFactory(this.context(), request =>
      this.native.register(name, version, schemaUrl, request),
    );
  }

  /** @internal Makes the instruments of a metrics service, named by its rules. */
  serviceFactory(
    service: NativeMetricsService,
    repair: boolean,
  ): InstrumentFactory {
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
    const plain = plainOptions(options, path);
    const ignored = native(() =>
      this.native.configure(
        toJson(plain),
        path,
        environment(),
        this.defaultServiceName,
      ),
    );
    ignored.forEach(warning => logLoudly('warn', warning));
    this.facade.reshape();
    const bridged = plain.producers?.prometheus ?? this.bridges;
    if (typeof bridged === 'object' || isOn(bridged)) {
      this.callbacks.addProducer(patience => this.producer.produce(patience));
    }
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

  /** @internal For tests: data is kept until {@link collect} reads it. */
  configureInMemory(options: MetricsOptions, temporality: string): void {
    native(() => this.native.configureInMemory(toJson(options), temporality));
    this.facade.reshape();
  }

  /** @internal For tests: one collection as OTLP/JSON. */
  async collect(timeout = 5000): Promise<string> {
    this.facade.handOver();
    return outcome(this.native.collect(timeout));
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
   * @internal Has everything delivered when the thread ends.
   *
   * @param isFinal - Whether the provider ends with the thread.
   * @param before - Called before the last hand-over.
   */
  endWithThread(isFinal: boolean, before?: () => void): void {
    this.forgetEnd = atExit({
      settle: () => this.facade.settle(),
      handOver: () => {
        logsAtExit();
        before?.();
        this.facade.handOverAtExit();
      },
      begin: () => this.native.beginExit(this.facade.id, isFinal),
      finish: () => this.native.finishExit().forEach(logLine),
    });
  }
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
