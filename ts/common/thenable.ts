import { types } from 'node:util';

/** Whether `await` would wait for the value. Reading `then` may throw. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) ||
      typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * A promise of our own for one that a program made, which may have any `then`: one that throws, and
 * one that is asynchronous and rejects, which nobody else would handle.
 */
export function settled(thenable: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned: unknown = thenable.then(resolve, reject);
    if (types.isPromise(returned)) {
      void Promise.prototype.then.call(returned, undefined, reject);
    }
  });
}
