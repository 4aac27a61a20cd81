import { performance } from 'node:perf_hooks';
import { types } from 'node:util';
import { harmless } from './decorate';
import {
  type AnyFunction,
  dataOf,
  isObject,
  propertyOf,
  viewOf,
  wrapFunction,
} from './transparent';

/** How a call ended. */
export interface Outcome {
  failed: boolean;
  /** What it returned or resolved to. */
  value?: unknown;
  seconds: number;
}

/** Of this realm; it listens to the promises of any. */
const THEN = dataOf(Promise.prototype, 'then') as AnyFunction;

type Tell = (failed: boolean, value?: unknown) => void;

/** Makes a call and tells how it ended, when it has: a promise is waited for. */
export function timed<R>(
  what: string,
  call: () => R,
  ended: (outcome: Outcome) => void,
): R {
  const start = performance.now();
  let told = false;
  const tell: Tell = (failed, value) => {
    if (!told) {
      told = true;
      const seconds = (performance.now() - start) / 1000;
      harmless(what, () => ended({ failed, value, seconds }));
    }
  };
  let result: R;
  try {
    result = call();
  } catch (error) {
    tell(true);
    throw error;
  }
  if (types.isPromise(result)) {
    return observed(result, tell) as R;
  }
  if (isThenable(result)) {
    return followed(result, tell);
  }
  tell(false, result);
  return result;
}

/**
 * What comes back is a promise of the same value or error, not the same promise: one that we had
 * listened to would count as handled, and the caller's forgotten rejection would go unseen. A
 * promise that has more to it than a value stays itself.
 */
function observed(promise: Promise<unknown>, tell: Tell): Promise<unknown> {
  const plain =
    Reflect.getPrototypeOf(promise) === Promise.prototype &&
    Reflect.ownKeys(promise).every(key => typeof key === 'symbol');
  if (plain) {
    return promise.then(
      value => {
        tell(false, value);
        return value;
      },
      (error: unknown) => {
        tell(true);
        throw error;
      },
    );
  }
  if (promise instanceof Promise && dataOf(promise, 'then') !== THEN) {
    // It may begin its work when it is waited for.
    return followed(promise, tell);
  }
  void Reflect.apply(THEN, promise, [
    (value: unknown) => tell(false, value),
    () => tell(true),
  ]);
  return promise;
}

/** Waiting for a thenable may be what starts its work, as with Knex's queries: its caller does. */
function followed<T extends object>(thenable: T, tell: Tell): T {
  const before = (settle: unknown, failed: boolean): unknown =>
    typeof settle === 'function'
      ? wrapFunction(settle as AnyFunction, (self, args) => {
          tell(failed, failed ? undefined : args[0]);
          return Reflect.apply(settle as AnyFunction, self, args);
        })
      : settle;
  return viewOf(thenable, 'then', (call, args) => {
    const settles = args.map((arg, i) => (i < 2 ? before(arg, i === 1) : arg));
    try {
      return call(...settles);
    } catch (error) {
      tell(true);
      throw error;
    }
  }).object;
}

function isThenable(value: unknown): value is object {
  if (!isObject(value)) {
    return false;
  }
  try {
    const then = propertyOf(value, 'then');
    return typeof then?.value === 'function' || then?.get !== undefined;
  } catch {
    // A proxy that does not answer gives its error to whoever waits for it.
    return false;
  }
}
