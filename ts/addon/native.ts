import path from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type * as binding from '../../binding';
import { addonMissing } from './addonMissing';
import type { MetricsError } from '../common/errors';
import { logLoudly } from '../common/log';

export type Binding = typeof binding;

/** Two copies of this package on one thread use one addon: each would have an engine of its own. */
const KEY = Symbol.for('nativestage.metrics.binding');
const shared = globalThis as typeof globalThis & { [KEY]?: Binding };

/** The addon that a thread loaded, as the workers it starts find it. */
interface LoadedAddon {
  file: string;
  version: string;
}

const OWN: LoadedAddon = {
  file: path.join(__dirname, '../../binding.js'),
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- outside of what tsc compiles
  version: (require('../../package.json') as { version: string }).version,
};

let failure: MetricsError | undefined;

/**
 * The native addon, or `undefined` where it cannot be loaded; {@link loadFailure} then says why and
 * what to do. Loading is tried once.
 */
export function loadBinding(): Binding | undefined {
  if (!shared[KEY] && !failure) {
    try {
      const addon = addonOfParent() ?? OWN;
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- the binding is CommonJS and may fail to load, which an import could not catch
      shared[KEY] = require(addon.file) as Binding;
      setEnvironmentData(KEY.description!, addon);
    } catch (error) {
      failure = addonMissing(error);
    }
  }
  return shared[KEY];
}

/**
 * Another copy's addon, where this is a worker and the thread that started it loaded that: the own
 * one would be a second engine, which nobody configures.
 */
function addonOfParent(): LoadedAddon | undefined {
  const first = getEnvironmentData(KEY.description!) as LoadedAddon | undefined;
  if (first && first.version !== OWN.version) {
    logLoudly(
      'warn',
      `two versions of @nativestage/metrics are in this process, ${first.version} (${first.file}) and ${OWN.version} (${OWN.file}): ` +
        'this worker exports nothing with the rest of the process; deduplicate them (npm ls @nativestage/metrics).',
    );
    return undefined;
  }
  return first;
}

/** Why the addon could not be loaded. */
export function loadFailure(): MetricsError | undefined {
  return failure;
}
