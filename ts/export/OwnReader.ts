import type { NativeOtlp, NativeReader } from '../../binding';
import { MetricsError, type MetricsErrorCode, native } from '../common/errors';
import { textOf } from '../common/text';
import { CHANGEABLE, type ReaderSettings } from './ReaderSettings';
import type {
  MetricReader,
  MetricReaderUpdate,
  Otlp,
  OtlpEncoding,
} from './types';

const DEFAULT_TIMEOUT_MS = 30_000;
const LONGEST_TIMEOUT_MS = 2 ** 32 - 1;

/** A reader over a pipeline of the engine. */
export class OwnReader<E extends OtlpEncoding> implements MetricReader<E> {
  private isShutDown = false;

  /**
   * @param change - Changes what reads; instruments learn of it.
   * @param handOver - Hands over what this thread recorded.
   * @param onShutdown - Called when the reader is gone.
   */
  constructor(
    private readonly native: NativeReader,
    private readonly settings: ReaderSettings,
    private readonly change: (change: () => void) => void,
    private readonly handOver: () => void,
    private readonly onShutdown: () => void,
  ) {}

  async collect(options?: { timeout?: number }): Promise<Otlp<E>> {
    const timeout = options?.timeout ?? DEFAULT_TIMEOUT_MS;
    if (!(timeout >= 0 && timeout <= LONGEST_TIMEOUT_MS)) {
      throw new MetricsError(
        'ERR_METRICS_INVALID_CONFIG',
        `timeout: found ${textOf(timeout)}, expected milliseconds from 0 to ${LONGEST_TIMEOUT_MS}`,
      );
    }
    this.assertOpen();
    this.handOver();
    return readOtlp<E>(await this.native.collect(Math.round(timeout)));
  }

  update(options: MetricReaderUpdate): void {
    this.assertOpen();
    this.change(() =>
      this.settings.update(options, CHANGEABLE, (json, filter) =>
        native(() => this.native.update(json, 'options', filter)),
      ),
    );
  }

  private assertOpen(): void {
    if (this.isShutDown) {
      throw new MetricsError(
        'ERR_METRICS_SHUT_DOWN',
        'the reader was shut down',
      );
    }
  }

  shutdown(): void {
    if (!this.isShutDown) {
      this.isShutDown = true;
      this.native.remove();
      this.settings.end();
      this.onShutdown();
    }
  }
}

/** @throws MetricsError where there is an error in place of data */
export function readOtlp<E extends OtlpEncoding>({
  code,
  message,
  text,
  bytes,
}: NativeOtlp): Otlp<E> {
  if (code !== undefined) {
    throw new MetricsError(code as MetricsErrorCode, message ?? code);
  }
  return (bytes ?? text) as Otlp<E>;
}
