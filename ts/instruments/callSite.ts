import path from 'node:path';

/** The folder of all rooms, with a separator at its end. */
const OWN_FILES = path.join(__dirname, '..', path.sep);

/** Our own frames between a program and here are ten already, as many as V8 takes by default. */
const DEPTH = 30;

/** The first stack frame outside this package and OpenTelemetry's API: where an instrument is made. */
export function callSite(): string {
  const foreign = stackFrames().find(
    frame =>
      !frame.includes(OWN_FILES) && !frame.includes('@opentelemetry/api'),
  );
  const place = foreign?.match(/\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/);
  return place?.[1] ?? 'an unknown place';
}

/**
 * The frames of the stack; none where the program does not let us have them. A program may have
 * frozen `Error`, or left an `Error.prepareStackTrace` that returns whatever it likes or throws:
 * where an instrument is made is only good to know.
 */
function stackFrames(): string[] {
  try {
    return withOwn('stackTraceLimit', DEPTH, () => {
      const frames = read();
      return frames.length > 0
        ? frames
        : withOwn('prepareStackTrace', undefined, read);
    });
  } catch {
    return [];
  }
}

/** What the program's hook makes of the stack, which knows source maps; it may keep the call sites. */
function read(): string[] {
  try {
    const stack: unknown = new Error().stack;
    if (Array.isArray(stack)) {
      return stack.map(String);
    }
    return typeof stack === 'string' ? stack.split('\n').slice(1) : [];
  } catch {
    // The hook threw; the caller reads again without it.
    return [];
  }
}

/** Runs `use` with another value of a static property of `Error`, if that can be written. */
function withOwn<T>(
  key: 'stackTraceLimit' | 'prepareStackTrace',
  value: unknown,
  use: () => T,
): T {
  const before = Object.getOwnPropertyDescriptor(Error, key);
  if (!before?.writable) {
    return use();
  }
  Reflect.set(Error, key, value);
  try {
    return use();
  } finally {
    Reflect.set(Error, key, before.value);
  }
}
