import { types } from 'node:util';

/** A function of others, with whatever it takes and returns. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** Anything that may have properties. */
export function isObject(value: unknown): value is object {
  return (
    (typeof value === 'object' && value !== null) || typeof value === 'function'
  );
}

/** A property of an object or of what it inherits from; no getter is called for it. */
export function propertyOf(
  object: object,
  name: PropertyKey,
): PropertyDescriptor | undefined {
  let holder: object | null = object;
  while (holder) {
    const property = Reflect.getOwnPropertyDescriptor(holder, name);
    if (property) {
      return property;
    }
    holder = Reflect.getPrototypeOf(holder);
  }
  return undefined;
}

/**
 * What stands in a property, for what is only observed: `undefined` where a getter would have to be
 * called, which may do more than to answer.
 */
export function dataOf(object: unknown, name: PropertyKey): unknown {
  try {
    return isObject(object) ? propertyOf(object, name)?.value : undefined;
  } catch {
    // A proxy that answers no such question; its users get its errors when they ask.
    return undefined;
  }
}

/**
 * A function around another one. A proxy and not a function of our own: name, length and whatever
 * else hangs on it, such as a mock's, remain, and it prints as the original does.
 */
export function wrapFunction(
  original: AnyFunction,
  apply: (self: unknown, args: unknown[]) => unknown,
): AnyFunction {
  return new Proxy(original, {
    apply: (_, self, args: unknown[]) => apply(self, args),
    get: (_, name) => {
      const value: unknown = Reflect.get(original, name, original);
      // `toString` refuses to print the source of a proxy.
      return value === Function.prototype.toString
        ? () => Function.prototype.toString.call(original)
        : value;
    },
  });
}

/** Another object's looks, with one method wrapped. */
export interface View<T extends object> {
  /** To pass in the object's place. */
  object: T;
  /** What its reader got for a property, or what stands there. No getter is called. */
  read(name: string): unknown;
}

/**
 * A view of an object in which `around` is put before one method. The object itself is not touched:
 * it may be frozen, and its owner may use it again. Accessors and methods run on the object, as
 * private fields want it, and as often as the view's reader asks.
 *
 * A method in `done` stays as it is, and what is wrapped comes into it: the views that share it wrap
 * a method once.
 *
 * What reads it by other means than its properties, `#field in view` or `structuredClone`, can tell
 * it from the object.
 */
export function viewOf<T extends object>(
  original: T,
  method: string,
  around: (call: (...args: unknown[]) => unknown, args: unknown[]) => unknown,
  done = new WeakSet<object>(),
): View<T> {
  const wrapped = new WeakMap<object, AnyFunction>();
  const seen = new Map<PropertyKey, unknown>();
  const onOriginal = (self: unknown) => (self === view ? original : self);
  const remember = (fn: AnyFunction, make: () => AnyFunction) => {
    const known = wrapped.get(fn) ?? make();
    wrapped.set(fn, known);
    return known;
  };
  const measured = (fn: AnyFunction) => {
    if (done.has(fn)) {
      return fn;
    }
    const known = remember(fn, () =>
      wrapFunction(fn, (self, args) =>
        around(
          (...passed) => Reflect.apply(fn, onOriginal(self), passed),
          args,
        ),
      ),
    );
    done.add(known);
    return known;
  };
  const inherited = (fn: AnyFunction) =>
    remember(fn, () =>
      wrapFunction(fn, (self, args) =>
        Reflect.apply(fn, onOriginal(self), args),
      ),
    );
  const handler: ProxyHandler<T> = {
    get: (_, name) => {
      const value: unknown = Reflect.get(original, name, original);
      seen.set(name, value);
      if (typeof value !== 'function') {
        return value;
      }
      if (name === method) {
        return measured(value as AnyFunction);
      }
      return name === 'constructor' ||
        types.isProxy(original) ||
        Object.hasOwn(original, name)
        ? value
        : inherited(value as AnyFunction);
    },
    set: (_, name, value) => Reflect.set(original, name, value, original),
  };
  const view = new Proxy(standIn(original, method, measured, handler), handler);
  return {
    object: view,
    read: name => (seen.has(name) ? seen.get(name) : dataOf(original, name)),
  };
}

/**
 * What the proxy is made over: the object itself, unless the language demands that a proxy over it
 * gives the very method that we wrap, or asks another proxy for every answer.
 */
function standIn<T extends object>(
  original: T,
  method: string,
  measured: (fn: AnyFunction) => AnyFunction,
  handler: ProxyHandler<T>,
): T {
  if (types.isProxy(original)) {
    handler.has = (_, name) => Reflect.has(original, name);
    handler.ownKeys = () => Reflect.ownKeys(original);
    handler.getPrototypeOf = () => Reflect.getPrototypeOf(original);
    handler.deleteProperty = (_, name) =>
      Reflect.deleteProperty(original, name);
    handler.defineProperty = (_, name, property) =>
      Reflect.defineProperty(original, name, property);
    handler.getOwnPropertyDescriptor = (_, name) => {
      const property = Reflect.getOwnPropertyDescriptor(original, name);
      return property && { ...property, configurable: true };
    };
    return (typeof original === 'function' ? () => {} : {}) as T;
  }
  const property = Object.getOwnPropertyDescriptor(original, method);
  if (
    typeof property?.value !== 'function' ||
    property.configurable ||
    property.writable
  ) {
    return original;
  }
  const copy = Object.create(Object.getPrototypeOf(original) as object, {
    ...Object.getOwnPropertyDescriptors(original),
    [method]: { ...property, value: measured(property.value as AnyFunction) },
  }) as T;
  return Object.isExtensible(original) ? copy : Object.preventExtensions(copy);
}
