/**
 * The metrics SDK for any Node program, with or without Backstage.
 *
 * @packageDocumentation
 */
import { MetricsError } from './common/errors';
import type {
  AddedExporter,
  MetricExporter,
  MetricExporterOptions,
  MetricReader,
  MetricReaderOptions,
  OtlpEncoding,
} from './export/types';
import { globalProvider } from './provider/globalProvider';
import { loadBinding, loadFailure } from './addon/native';
import { NativeMeterProvider } from './provider/NativeMeterProvider';
import type { MetricsOptions, MetricsUpdate } from './options/options';
import './register';

export type * from './export/types';
export {
  isMetricsError,
  MetricsError,
  type MetricsErrorCode,
} from './common/errors';
export type {
  BoundCounter,
  BoundRecorder,
  SeriesControl,
} from './instruments/synchronous';
export { type Logger, setLogger } from './common/log';
export type { NativeMeterProvider } from './provider/NativeMeterProvider';
export type * from './options/exemplarReservoir';
export type * from './options/options';
export type { Resource } from './options/Resource';
export type { MeterScopeOptions } from './services/services';

/**
 * Configures the process's provider, once; everything recorded before is delivered. What the
 * options do not say comes from `OTEL_*`, then from the defaults: a Prometheus page on
 * 127.0.0.1:9464.
 *
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the path of the option,
 * `ERR_METRICS_ALREADY_CONFIGURED`, `ERR_METRICS_ADDON_MISSING`
 */
export function configure(options: MetricsOptions = {}): void {
  required().configure(options);
}

/**
 * Changes which streams the instruments of the process's provider have, those that exist included:
 * views, meters that are disabled, the cardinality limit, and what exporters read and when. See {@link NativeMeterProvider.update} for
 * what becomes of values that were recorded before.
 *
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the path of the option, also where nothing
 * is configured yet; `ERR_METRICS_ADDON_MISSING`
 */
export function update(options: MetricsUpdate): void {
  required().update(options);
}

/**
 * Makes a provider of its own, beside the process's: nothing is registered globally. What it holds
 * is delivered when its thread ends; `shutdown()` before that frees everything it takes up.
 *
 * @throws MetricsError as {@link configure}
 */
export function createMeterProvider(
  options: MetricsOptions = {},
): NativeMeterProvider {
  const binding = loadBinding();
  if (!binding) {
    throw loadFailure()!;
  }
  const provider = new NativeMeterProvider(binding.NativeProvider.isolated());
  try {
    provider.configure(options);
  } catch (error) {
    // Its thread would stay.
    void provider.shutdown();
    throw error;
  }
  provider.endWithThread(true);
  return provider;
}

/**
 * The process's provider: where its page is, whether an exporter has a problem.
 *
 * @throws MetricsError `ERR_METRICS_ADDON_MISSING`
 */
export function getMeterProvider(): NativeMeterProvider {
  return required();
}

/**
 * Adds an exporter to the process's provider; see {@link NativeMeterProvider.addExporter}.
 *
 * @throws MetricsError as there; `ERR_METRICS_ADDON_MISSING`
 */
export function addExporter<E extends OtlpEncoding = 'json'>(
  exporter: MetricExporter<E>,
  options?: MetricExporterOptions<E>,
): AddedExporter {
  return required().addExporter(exporter, options);
}

/**
 * Adds a reader to the process's provider; see {@link NativeMeterProvider.addReader}.
 *
 * @throws MetricsError as there; `ERR_METRICS_ADDON_MISSING`
 */
export function addReader<E extends OtlpEncoding = 'json'>(
  options?: MetricReaderOptions<E>,
): MetricReader<E> {
  return required().addReader(options);
}

/**
 * Exports everything recorded up to now through every exporter of the process's provider.
 *
 * @throws MetricsError `ERR_METRICS_EXPORT` naming every exporter that failed and why
 */
export async function forceFlush(): Promise<void> {
  await required().forceFlush();
}

/** Flushes, then stops exporting for good. */
export async function shutdown(): Promise<void> {
  await required().shutdown();
}

function required(): NativeMeterProvider {
  const provider = globalProvider();
  if (!provider) {
    throw (
      loadFailure() ??
      new MetricsError('ERR_METRICS_ADDON_MISSING', 'the addon is not loaded')
    );
  }
  return provider;
}
