import type * as binding from '../binding';
import { MetricsError } from './errors';

export type Binding = typeof binding;

/** Two copies of this package on one thread use one addon: each would have an engine of its own. */
const KEY = Symbol.for('nativestage.metrics.binding');
const shared = globalThis as typeof globalThis & { [KEY]?: Binding };

let failure: MetricsError | undefined;

/**
 * The native addon, or `undefined` where it cannot be loaded; {@link loadFailure} then says why and
 * what to do. Loading is tried once.
 */
export function loadBinding(): Binding | undefined {
  if (!shared[KEY] && !failure) {
    try {
      // A literal require: bundlers leave `.node` files and their loaders alone.
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- the binding is CommonJS and may fail to load, which an import could not catch
      shared[KEY] = require('../binding.js') as Binding;
    } catch (error) {
      failure = new MetricsError(
        'ERR_METRICS_ADDON_MISSING',
        `the native addon of @nativestage/metrics cannot be loaded on ${process.platform}-${process.arch} with Node ${process.versions.node}; ` +
          'metrics fall back to whatever @opentelemetry/api provides. Install without --no-optional/--omit=optional, ' +
          `or build it from source with "npm run build" (needs Rust). Cause: ${rootCause(error)}`,
        { cause: error },
      );
    }
  }
  return shared[KEY];
}

/** Why the addon could not be loaded. */
export function loadFailure(): MetricsError | undefined {
  return failure;
}

function rootCause(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) {
    current = current.cause;
  }
  return current instanceof Error ? current.message : String(current);
}
