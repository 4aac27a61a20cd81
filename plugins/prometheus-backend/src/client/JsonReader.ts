// The bytes that matter in JSON.
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Of what answers hold, and of what walks them afterwards. */
const MAX_DEPTH = 64;

/** Bytes of a number; Prometheus' take 25. */
const MAX_SCALAR = 64;

/** What may come next outside of strings and numbers. */
const enum Expected {
  Value,
  /** Behind `[`. */
  ValueOrEnd,
  Key,
  /** Behind `{`. */
  KeyOrEnd,
  Colon,
  CommaOrEnd,
  Nothing,
}

/** Says of an element that enough was read; it is left out, and all that follows. */
export const ENOUGH = Symbol('enough');

/** What is done with parts of an answer. What a shape does not name is read as it is. */
export interface Shape {
  /** Of an object. */
  keys?: Record<string, Shape>;
  /** Of a list: of its elements. */
  elements?: Shape;
  /** Of a list: takes each element when it is complete, and gives what stands in its place. */
  each?: (element: unknown) => unknown;
  /** Reads over the value; `true` stands in its place. */
  skip?: boolean;
}

interface Frame {
  /** `undefined` in what is skipped. */
  container: Record<string, unknown> | unknown[] | undefined;
  isList: boolean;
  key: string;
  shape?: Shape;
}

/**
 * Reads JSON as it arrives. It takes five times as long as `JSON.parse`, but a chunk at a time, and
 * what is not wanted is never built: see `benches/jsonReader.ts`.
 */
export class JsonReader {
  private readonly stack: Frame[] = [];
  private expected = Expected.Value;
  /** The part of a string or a number whose end is in the next chunk. */
  private parts: Buffer[] = [];
  private token: 'string' | 'scalar' | undefined;
  private isEscaped = false;
  private hasEscapes = false;
  private root: unknown;
  private hasEnough = false;

  constructor(private readonly shape?: Shape) {}

  /** Whether everything was read that is wanted. */
  get isDone(): boolean {
    return this.hasEnough;
  }

  /** @throws SyntaxError for what is no JSON, and for what nests too deep */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.hasEnough) {
      if (this.token === 'string') {
        at = this.readString(chunk, at);
      } else if (this.token === 'scalar') {
        at = this.readScalar(chunk, at);
      } else {
        at = this.readStructure(chunk, at);
      }
    }
  }

  /**
   * What was read; after {@link ENOUGH} what there is of it.
   *
   * @throws SyntaxError for JSON without its end
   */
  end(): unknown {
    if (this.token === 'scalar' && this.stack.length === 0) {
      this.finishScalar();
    }
    if (this.expected !== Expected.Nothing && !this.hasEnough) {
      throw new SyntaxError('The answer ends too early');
    }
    return this.root;
  }

  /** Returns where it stopped. */
  private readStructure(chunk: Buffer, from: number): number {
    const byte = chunk[from];
    switch (byte) {
      case SPACE:
      case TAB:
      case LINE_FEED:
      case CARRIAGE_RETURN:
        break;
      case OPEN_OBJECT:
      case OPEN_LIST:
        this.open(byte === OPEN_LIST);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        this.close(byte === CLOSE_LIST);
        break;
      case COMMA:
        this.require(this.expected === Expected.CommaOrEnd);
        this.expected = this.stack[this.stack.length - 1].isList
          ? Expected.Value
          : Expected.Key;
        break;
      case COLON:
        this.require(this.expected === Expected.Colon);
        this.expected = Expected.Value;
        break;
      case QUOTE:
        this.require(this.expected <= Expected.KeyOrEnd);
        this.token = 'string';
        break;
      default:
        this.require(this.expected <= Expected.ValueOrEnd);
        this.token = 'scalar';
        return from;
    }
    return from + 1;
  }

  private open(isList: boolean): void {
    this.require(this.expected <= Expected.ValueOrEnd);
    this.require(this.stack.length < MAX_DEPTH);
    const shape = this.shapeOfNext();
    const isSkipped = this.isSkipping || shape?.skip;
    const container = isSkipped ? undefined : isList ? [] : {};
    const parent = this.stack[this.stack.length - 1] as Frame | undefined;
    this.stack.push({ container, isList, key: '', shape });
    // At once: of what breaks off on purpose there is then what came before.
    if (!parent) {
      this.root = container;
    } else if (!parent.shape?.each && !isSkipped) {
      put(parent, container);
    }
    this.expected = isList ? Expected.ValueOrEnd : Expected.KeyOrEnd;
  }

  private close(isList: boolean): void {
    const { expected } = this;
    const frame = this.stack.pop();
    this.require(
      frame?.isList === isList &&
        (expected === Expected.CommaOrEnd ||
          expected === (isList ? Expected.ValueOrEnd : Expected.KeyOrEnd)),
    );
    const { container, shape } = frame!;
    const parent = this.stack[this.stack.length - 1] as Frame | undefined;
    if (parent?.shape?.each) {
      this.add(parent, container);
    } else if (parent?.container && shape?.skip) {
      put(parent, true);
    }
    this.expected = parent ? Expected.CommaOrEnd : Expected.Nothing;
  }

  private readString(chunk: Buffer, from: number): number {
    let { isEscaped, hasEscapes } = this;
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte < SPACE) {
        throw new SyntaxError('A string has a control character');
      } else if (isEscaped) {
        isEscaped = false;
      } else if (byte === BACKSLASH) {
        isEscaped = true;
        hasEscapes = true;
      } else if (byte === QUOTE) {
        this.isEscaped = false;
        this.hasEscapes = hasEscapes;
        this.finishString(this.take(chunk.subarray(from, at)));
        return at + 1;
      }
    }
    this.isEscaped = isEscaped;
    this.hasEscapes = hasEscapes;
    this.keep(chunk.subarray(from));
    return at;
  }

  private finishString(bytes: Buffer): void {
    const { hasEscapes } = this;
    this.token = undefined;
    this.hasEscapes = false;
    const isKey = this.expected >= Expected.Key;
    if (this.isSkipping || (!isKey && this.shapeOfNext()?.skip)) {
      this.finishSkipped(isKey);
      return;
    }
    const text = bytes.toString();
    const value = hasEscapes ? (JSON.parse(`"${text}"`) as string) : text;
    if (isKey) {
      this.stack[this.stack.length - 1].key = value;
      this.expected = Expected.Colon;
    } else {
      this.finishValue(value);
    }
  }

  private finishSkipped(isKey: boolean): void {
    if (isKey) {
      this.expected = Expected.Colon;
    } else {
      this.finishValue(true);
    }
  }

  private readScalar(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && !endsScalar(chunk[at])) {
      at++;
    }
    this.keep(chunk.subarray(from, at));
    if (at < chunk.length) {
      this.finishScalar();
    }
    return at;
  }

  private finishScalar(): void {
    const text = this.take(Buffer.alloc(0)).toString();
    this.token = undefined;
    const value: unknown = JSON.parse(text);
    this.finishValue(this.shapeOfNext()?.skip ? true : value);
  }

  private finishValue(value: unknown): void {
    const parent = this.stack[this.stack.length - 1] as Frame | undefined;
    this.expected = parent ? Expected.CommaOrEnd : Expected.Nothing;
    if (!parent) {
      this.root = value;
    } else if (parent.shape?.each) {
      this.add(parent, value);
    } else if (parent.container) {
      put(parent, value);
    }
  }

  /** To a list that handles its elements. */
  private add(parent: Frame, element: unknown): void {
    if (!parent.container) {
      return;
    }
    const value = parent.shape!.each!(element);
    if (value === ENOUGH) {
      this.hasEnough = true;
    } else {
      put(parent, value);
    }
  }

  private get isSkipping(): boolean {
    const { length } = this.stack;
    return length > 0 && this.stack[length - 1].container === undefined;
  }

  private shapeOfNext(): Shape | undefined {
    const parent = this.stack[this.stack.length - 1] as Frame | undefined;
    if (!parent) {
      return this.shape;
    }
    const { isList, key, shape } = parent;
    return isList
      ? shape?.elements
      : shape?.keys && Object.hasOwn(shape.keys, key)
        ? shape.keys[key]
        : undefined;
  }

  /** A copy: of a chunk that is done with, nothing is held. */
  private keep(bytes: Buffer): void {
    this.parts.push(Buffer.from(bytes));
    const isTooLong = this.parts.length > 1 || bytes.length > MAX_SCALAR;
    if (this.token === 'scalar' && isTooLong) {
      const length = this.parts.reduce((sum, part) => sum + part.length, 0);
      this.require(length <= MAX_SCALAR);
    }
  }

  private take(last: Buffer): Buffer {
    if (this.parts.length === 0) {
      return last;
    }
    const whole = Buffer.concat([...this.parts, last]);
    this.parts = [];
    return whole;
  }

  private require(isRight: boolean): void {
    if (!isRight) {
      throw new SyntaxError('The answer is no JSON, or nests too deep');
    }
  }
}

function put({ container, key }: Frame, value: unknown): void {
  if (Array.isArray(container)) {
    container.push(value);
  } else if (key === '__proto__') {
    // An assignment would change what the object inherits.
    Object.defineProperty(container, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else if (container) {
    container[key] = value;
  }
}

function endsScalar(byte: number): boolean {
  return (
    byte <= SPACE ||
    byte === COMMA ||
    byte === CLOSE_LIST ||
    byte === CLOSE_OBJECT ||
    byte === COLON ||
    byte === QUOTE ||
    byte === OPEN_LIST ||
    byte === OPEN_OBJECT
  );
}
