import type { NativeExporter, NativeProvider } from '../../binding';
import { MetricsError, native, outcome } from '../common/errors';
import { log } from '../common/log';
import { messageOf, textOf } from '../common/text';
import { readOtlp } from './OwnReader';
import { CHANGEABLE, type ReaderSettings } from './ReaderSettings';
import type {
  AddedExporter,
  MetricExporter,
  MetricExporterUpdate,
  OtlpEncoding,
} from './types';

interface Call {
  type: 'export' | 'forceFlush' | 'shutdown' | 'abort';
  call: number;
  points: number;
}

/** Runs an exporter of the program's for the engine, which says when. */
export class OwnExporter<E extends OtlpEncoding> implements AddedExporter {
  private readonly native: NativeExporter;
  private readonly underWay = new Map<number, AbortController>();
  /** The engine holds it weakly. */
  private readonly onMessage = (json: string) => this.receive(json);

  /**
   * @param change - Changes what reads; instruments learn of it.
   * @param handOver - Hands over what this thread recorded.
   * @param onShutdown - Called when the exporter is gone.
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`, `ERR_METRICS_SHUT_DOWN`
   */
  constructor(
    provider: NativeProvider,
    facade: number,
    private readonly exporter: MetricExporter<E>,
    private readonly settings: ReaderSettings,
    private readonly change: (change: () => void) => void,
    private readonly handOver: () => void,
    private readonly onShutdown: (exporter: OwnExporter<E>) => void,
  ) {
    if (!canExport(exporter)) {
      throw new MetricsError(
        'ERR_METRICS_INVALID_CONFIG',
        `exporter: found ${textOf(exporter)}, expected an object with a function export(otlp, context)`,
      );
    }
    this.native = native(() =>
      provider.addExporter(
        facade,
        settings.json,
        'options',
        settings.filter,
        this.onMessage,
      ),
    );
  }

  async forceFlush(): Promise<void> {
    this.handOver();
    await outcome(this.native.flush());
  }

  update(options: MetricExporterUpdate): void {
    this.change(() =>
      this.settings.update(
        options,
        ['interval', ...CHANGEABLE],
        (json, filter) =>
          native(() => this.native.update(json, 'options', filter)),
      ),
    );
  }

  async shutdown(): Promise<void> {
    this.handOver();
    try {
      await outcome(this.native.shutdown());
    } finally {
      this.settings.end();
      this.onShutdown(this);
    }
  }

  /** Takes the exporter back without a last export. */
  remove(): void {
    this.native.remove();
  }

  /** Nothing may throw from here: it would be an uncaught exception of the program. */
  private receive(json: string): void {
    const message = JSON.parse(json) as Call;
    if (message.type === 'abort') {
      this.underWay.get(message.call)?.abort();
      return;
    }
    this.run(message).catch((error: unknown) =>
      log('error', `internal error: ${json} was not done: ${textOf(error)}`),
    );
  }

  private async run({ type, call, points }: Call): Promise<void> {
    const aborting = new AbortController();
    this.underWay.set(call, aborting);
    let reason: string | undefined;
    let retryable = false;
    try {
      if (type !== 'export') {
        await this.exporter[type as 'forceFlush' | 'shutdown']?.();
      } else {
        const body = this.native.body(call);
        if (body) {
          const { signal } = aborting;
          await this.exporter.export(readOtlp<E>(body), { points, signal });
        }
      }
    } catch (error) {
      reason = messageOf(error);
      retryable = isRetryable(error);
    } finally {
      this.underWay.delete(call);
    }
    this.native.answer(call, reason, retryable);
  }
}

function canExport(exporter: unknown): boolean {
  try {
    return typeof (exporter as MetricExporter).export === 'function';
  } catch {
    // Such as of `undefined`, or of a proxy that throws.
    return false;
  }
}

function isRetryable(error: unknown): boolean {
  try {
    return (error as { retryable?: unknown }).retryable === true;
  } catch {
    // Such as of `undefined`, or of a proxy that throws: then it says nothing about it.
    return false;
  }
}
