import { types } from 'node:util';

/** The codes of every error this package throws or rejects with. */
export type MetricsErrorCode =
  /** A metric name breaks a naming rule. */
  | 'ERR_METRICS_INVALID_NAME'
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

const BRAND = Symbol.for('nativestage.metrics.error');

/** An error with a stable `code`. */
export class MetricsError extends Error {
  readonly code: MetricsErrorCode;

  constructor(code: MetricsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // Defined: where `Error.prototype` is frozen its `name` cannot be shadowed by an assignment.
    Object.defineProperties(this, {
      name: { value: 'MetricsError', writable: true, configurable: true },
      [BRAND]: { value: true },
    });
  }
}

/** Whether a value is a {@link MetricsError}, also one from another copy of this package. */
export function isMetricsError(value: unknown): value is MetricsError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Runs a native call; its coded errors become ours. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toMetricsError(error);
  }
}

/** Awaits a native promise, whose failure is data. */
export async function outcome(
  promise: Promise<{ code?: string; message?: string; value?: string }>,
): Promise<string> {
  const { code, message, value } = await promise;
  if (code !== undefined) {
    throw new MetricsError(code as MetricsErrorCode, message ?? code);
  }
  return value ?? '';
}

/**
 * The addon makes errors in the realm that loaded it first, which need not be this one: Jest and
 * `node:vm` give each file of a test its own `Error`.
 */
function toMetricsError(error: unknown): unknown {
  if (!types.isNativeError(error)) {
    return error;
  }
  const { code, message } = error as Error & { code?: unknown };
  if (typeof code === 'string' && code.startsWith('ERR_METRICS_')) {
    return new MetricsError(code as MetricsErrorCode, message);
  }
  return error instanceof Error
    ? error
    : new TypeError(message, { cause: error });
}
