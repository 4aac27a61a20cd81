import { performance } from 'node:perf_hooks';
import { log } from '../../log';

const decorated = new WeakSet<object>();
const told = new Set<string>();

/**
 * Runs what only observes. A failure of ours is never its caller's: it is told, once for each
 * `what`, and that is all.
 */
export function harmless(what: string, observe: () => void): void {
  try {
    observe();
  } catch (error) {
    notMeasured(what, error);
  }
}

/** Says once that something is left out. */
export function notMeasured(what: string, error: unknown): void {
  if (!told.has(what)) {
    told.add(what);
    log('warn', `${what} is not measured: ${String(error)}`);
  }
}

/**
 * Puts `around` before a method of this one object, whatever class it has. `around` gets the call
 * to make, exactly once, and its arguments. What was decorated before stays as it is: a factory may
 * give several plugins one instance. An object that cannot be changed is left alone.
 *
 * A proxy and not a function of our own: name, length and whatever else hangs on the method, such
 * as a mock's, remain.
 */
export function decorate<A extends unknown[], R>(
  what: string,
  target: object,
  method: string,
  around: (call: (...args: A) => R, ...args: A) => R,
): void {
  harmless(what, () => {
    const original: unknown = Reflect.get(target, method);
    if (typeof original !== 'function' || decorated.has(original)) {
      return;
    }
    const value = new Proxy(original as (...args: A) => R, {
      apply: (call, self, args) =>
        around(
          (...passed) => Reflect.apply(call, self, passed),
          ...(args as A),
        ),
    });
    const own = Object.getOwnPropertyDescriptor(target, method);
    Object.defineProperty(target, method, {
      value,
      configurable: true,
      writable: true,
      enumerable: own?.enumerable ?? false,
    });
    decorated.add(value);
  });
}

/** How a call ended. */
export interface Outcome {
  failed: boolean;
  /** What it returned or resolved to. */
  value?: unknown;
  seconds: number;
}

/**
 * Makes a call and tells how it ended. What comes back is a promise of the same value or error, not
 * the same promise: one that we had listened to would count as handled, and the caller's forgotten
 * rejection would go unseen.
 */
export function timed<R>(
  what: string,
  call: () => R,
  ended: (outcome: Outcome) => void,
): R {
  const start = performance.now();
  const tell = (failed: boolean, value?: unknown) =>
    harmless(what, () =>
      ended({ failed, value, seconds: (performance.now() - start) / 1000 }),
    );
  let result: R;
  try {
    result = call();
  } catch (error) {
    tell(true);
    throw error;
  }
  if (!isThenable(result)) {
    tell(false, result);
    return result;
  }
  return result.then(
    value => {
      tell(false, value);
      return value;
    },
    (error: unknown) => {
      tell(true);
      throw error;
    },
  ) as R;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
