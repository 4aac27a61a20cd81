// The bytes that matter in JSON.
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const ZERO = 0x30;
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

/** Whole numbers up to here are exact. */
const EXACT_DIGITS = 15;

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
  /** Reads over the value if it is a list or an object; `true` stands in its place. */
  skip?: boolean;
}

interface Frame {
  container: Record<string, unknown> | unknown[];
  isList: boolean;
  key: string;
  shape?: Shape;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads JSON as it arrives: a chunk at a time, and what is not wanted is never built. Where all is
 * wanted it takes three to five times as long as `JSON.parse`: see `benches/jsonReader.ts`.
 */
export class JsonReader {
  private readonly stack: Frame[] = [];
  private expected = Expected.Value;
  /** The part of a string or a number whose end is in the next chunk. */
  private parts: Buffer[] = [];
  private token: 'string' | 'scalar' | 'skipped' | undefined;
  private isEscaped = false;
  private hasEscapes = false;
  /** Brackets that are open in what is skipped, and whether that is in a string. */
  private skippedDepth = 0;
  private isSkippingString = false;
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
      switch (this.token) {
        case 'string':
          at = this.readString(chunk, at);
          break;
        case 'scalar':
          at = this.readScalar(chunk, at);
          break;
        case 'skipped':
          at = this.skip(chunk, at);
          break;
        default:
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
      this.finishScalar(this.take(NOTHING).toString());
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
    if (shape?.skip) {
      this.token = 'skipped';
      this.skippedDepth = 1;
      return;
    }
    const container = isList ? [] : {};
    const parent = this.parent;
    this.stack.push({ container, isList, key: '', shape });
    // At once: of what breaks off on purpose there is then what came before.
    if (!parent) {
      this.root = container;
    } else if (!parent.shape?.each) {
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
    const parent = this.parent;
    if (parent?.shape?.each) {
      this.add(parent, frame!.container);
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
        this.hasEscapes = false;
        this.token = undefined;
        this.finishString(this.textOf(chunk, from, at), hasEscapes);
        return at + 1;
      }
    }
    this.isEscaped = isEscaped;
    this.hasEscapes = hasEscapes;
    this.keep(chunk, from, at);
    return at;
  }

  private finishString(text: string, hasEscapes: boolean): void {
    const value = hasEscapes ? (JSON.parse(`"${text}"`) as string) : text;
    if (this.expected >= Expected.Key) {
      this.parent!.key = value;
      this.expected = Expected.Colon;
    } else {
      this.finishValue(value);
    }
  }

  private readScalar(chunk: Buffer, from: number): number {
    let at = from;
    // Timestamps and the like, without a string of each.
    let whole = 0;
    let isWhole = this.parts.length === 0 && chunk[from] !== ZERO;
    for (; at < chunk.length && !endsScalar(chunk[at]); at++) {
      const digit = chunk[at] - ZERO;
      isWhole &&= digit >= 0 && digit <= 9;
      whole = whole * 10 + digit;
    }
    this.require(at - from <= MAX_SCALAR && this.parts.length <= MAX_SCALAR);
    if (at === chunk.length) {
      this.keep(chunk, from, at);
    } else if (isWhole && at - from <= EXACT_DIGITS) {
      this.token = undefined;
      this.finishValue(whole);
    } else {
      this.finishScalar(this.textOf(chunk, from, at));
    }
    return at;
  }

  private finishScalar(text: string): void {
    this.token = undefined;
    this.require(text.length <= MAX_SCALAR);
    this.finishValue(JSON.parse(text));
  }

  /** Looks for the end of what is skipped, and at nothing else. */
  private skip(chunk: Buffer, from: number): number {
    let { skippedDepth: depth, isSkippingString: isString, isEscaped } = this;
    let at = from;
    while (at < chunk.length && depth > 0) {
      const byte = chunk[at++];
      if (isEscaped) {
        isEscaped = false;
      } else if (byte === QUOTE) {
        isString = !isString;
      } else if (isString) {
        isEscaped = byte === BACKSLASH;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        depth++;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        depth--;
      }
    }
    this.skippedDepth = depth;
    this.isSkippingString = isString;
    this.isEscaped = isEscaped;
    if (depth === 0) {
      this.token = undefined;
      this.finishValue(true);
    }
    return at;
  }

  private finishValue(value: unknown): void {
    const parent = this.parent;
    this.expected = parent ? Expected.CommaOrEnd : Expected.Nothing;
    if (!parent) {
      this.root = value;
    } else if (parent.shape?.each) {
      this.add(parent, value);
    } else {
      put(parent, value);
    }
  }

  /** To a list that handles its elements. */
  private add(parent: Frame, element: unknown): void {
    const value = parent.shape!.each!(element);
    if (value === ENOUGH) {
      this.hasEnough = true;
    } else {
      put(parent, value);
    }
  }

  private get parent(): Frame | undefined {
    return this.stack[this.stack.length - 1];
  }

  private shapeOfNext(): Shape | undefined {
    const parent = this.parent;
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

  /** Nearly every token ends in the chunk where it begins. */
  private textOf(chunk: Buffer, from: number, to: number): string {
    return this.parts.length === 0
      ? chunk.toString('utf8', from, to)
      : this.take(chunk.subarray(from, to)).toString();
  }

  /** A copy: of a chunk that is done with, nothing is held. */
  private keep(chunk: Buffer, from: number, to: number): void {
    this.parts.push(Buffer.from(chunk.subarray(from, to)));
  }

  private take(last: Buffer): Buffer {
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
  } else {
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
