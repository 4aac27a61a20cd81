import { types } from 'node:util';
import { log } from '../../common/log';
import { textOf } from '../../common/text';
import { type AnyFunction, propertyOf, wrapFunction } from './transparent';

const told = new Set<string>();

/** The functions that we put in place of others. */
const decorated = new WeakSet<object>();

/** The methods of an object that are decorated, whatever the app has put in their place since. */
const decoratedMethods = new WeakMap<object, Set<string>>();

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
    log('warn', `${what} is not measured: ${textOf(error)}`);
  }
}

/**
 * Puts `around` before a method of this one object, whatever class it has. `around` gets the call
 * to make, exactly once, and its arguments. What was decorated before stays as it is: a factory may
 * give several plugins one instance. An object that cannot be changed is left alone.
 *
 * The method stays what it was, a value or an accessor, and is never read here: a getter is for the
 * object's users to call.
 */
export function decorate<A extends unknown[], R>(
  what: string,
  target: object,
  method: string,
  around: (call: (...args: A) => R, args: A) => R,
): void {
  harmless(what, () => {
    const methods = decoratedMethods.get(target) ?? new Set();
    const property = propertyOf(target, method);
    if (methods.has(method) || decorated.has(property?.value as object)) {
      return;
    }
    if (!property) {
      if (types.isProxy(target)) {
        throw new Error(`a Proxy keeps "${method}" to itself`);
      }
      return;
    }
    const own = Object.hasOwn(target, method);
    const shape = own
      ? property
      : { ...property, enumerable: false, configurable: true };
    if (typeof property.value === 'function') {
      const value = wrap(
        property.value as AnyFunction,
        around,
        own ? undefined : () => inherited(target, method),
      );
      Object.defineProperty(target, method, { ...shape, value });
    } else if (property.get) {
      const get = reading(property, around);
      Object.defineProperty(target, method, { ...shape, get });
    } else {
      return;
    }
    decoratedMethods.set(target, methods.add(method));
  });
}

function wrap<A extends unknown[], R>(
  original: AnyFunction,
  around: (call: (...args: A) => R, args: A) => R,
  current: () => AnyFunction = () => original,
): AnyFunction {
  const wrapped = wrapFunction(original, (self, args) =>
    around(
      (...passed) => Reflect.apply(current(), self, passed) as R,
      args as A,
    ),
  );
  decorated.add(wrapped);
  return wrapped;
}

/** What the object would have without us: somebody may have changed the class meanwhile. */
function inherited(target: object, method: string): AnyFunction {
  const prototype = Reflect.getPrototypeOf(target);
  return Reflect.get(prototype ?? {}, method, target) as AnyFunction;
}

/** An accessor that gives the wrapped method: the same one for the same method. */
function reading<A extends unknown[], R>(
  property: PropertyDescriptor,
  around: (call: (...args: A) => R, args: A) => R,
): (this: unknown) => unknown {
  const known = new WeakMap<object, AnyFunction>();
  return function (this: unknown) {
    const value: unknown = property.get?.call(this);
    if (typeof value !== 'function' || decorated.has(value)) {
      return value;
    }
    const wrapped = known.get(value) ?? wrap(value as AnyFunction, around);
    known.set(value, wrapped);
    return wrapped;
  };
}
