import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import type { NativeExemplars } from '../../binding';
import type { Path } from './attributes';
import type { CountedStorage } from './storage';

/** Which values may become exemplars (Metrics SDK specification, "ExemplarFilter"). */
export type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

/** Of one record of so many it is looked whether there is a span. That costs more than the record. */
const EVERY = 64;

/**
 * Each time so many of these looks found something, there are half as many until the next collection:
 * what is captured costs several records on the engine's thread, and the values of one interval leave
 * few exemplars.
 */
const ENOUGH = 64;
const SELDOM = 4096;

/** Every so many of these, looks at a series that found no sampled span are forgotten. */
const REARM = 4;

/** Captured values that wait, at most: as many as a block has samples, so that theirs all fit. */
const MOST = 8192;

/** Where there is no span: as long as the ids of one. */
const NO_IDS = ' '.repeat(32 + 16);

/** What an exemplar's instrument does for it. */
export interface ExemplarOwner {
  /** How many of its slots were given back. */
  readonly removals: number;
  /** The attributes that no view keeps, in canonical order, as JSON. Reading them may run any code. */
  droppedAttributes(attributes: object | null | undefined): string | undefined;
  /** Whether it counts in whole numbers. */
  readonly int: boolean;
  /** All attributes, those too that no view keeps. Reading them may run any code. */
  complete(attributes: object | null | undefined): Path;
}

/** The program's own, to which every value of one instrument is offered. */
export interface Reservoirs {
  /** Whether the engine chooses exemplars for a stream of the instrument too. */
  readonly areBesideOthers: boolean;
  offer(
    value: number,
    owner: ExemplarOwner,
    attributes: object | null | undefined,
    given: Context | undefined,
  ): void;
}

/**
 * Values of one storage that were captured for exemplars since the last hand-over. Which of them stay
 * is decided in the engine.
 */
export class Exemplars {
  private left = EVERY;
  /** How many records apart looks are. */
  private distance = EVERY;
  private turns = 0;
  /** How many of these looks found something since the distance grew. */
  private found = 0;
  /** By slot, the largest value captured since the last collection. */
  private largest = new Float64Array(0);
  /** By slot, the value from which on it is worth a look: larger ones were in no sampled span. */
  private worth = new Float64Array(0);
  /** Slot, value and milliseconds since the epoch of what was captured, in turn. */
  private numbers = new Float64Array(3 * 64);
  private spans: (SpanContext | undefined)[] = [];
  /** By place, where there are any. */
  private dropped = new Map<number, string>();
  /** How many were captured, with those that are gone again. */
  private seen = 0;
  private always = false;

  /**
   * @param reservoirs - Of the instrument that this is for alone. It has the class of the others, and is
   * always due: another class would make every record of every instrument look which one it has.
   * @param others - Where its values are captured as those of others, if they are.
   */
  constructor(
    private readonly storage: CountedStorage,
    private readonly reservoirs?: Reservoirs,
    private readonly others?: Exemplars,
  ) {
    if (reservoirs) {
      this.left = 0;
    }
  }

  /** For an instrument with reservoirs of the program's. */
  beside(reservoirs: Reservoirs): Exemplars {
    const others = reservoirs.areBesideOthers ? this : undefined;
    return new Exemplars(this.storage, reservoirs, others);
  }

  /** Whether values are captured that are recorded outside of sampled spans too. */
  set filter(filter: ExemplarFilter) {
    this.always = filter === 'always_on';
  }

  /**
   * Whether a value is to be offered: what the hot path pays, two comparisons. A new slot may have no
   * place yet; what is undefined compares to nothing. A value that is found due is asked about again
   * after it was recorded, and so counts twice of {@link EVERY}.
   */
  isDue(slot: number, value: number): boolean {
    return --this.left <= 0 || !(value <= this.worth[slot]);
  }

  /** Makes a place for a slot. */
  reach(slot: number): void {
    if (this.reservoirs) {
      this.others?.reach(slot);
    } else if (slot >= this.worth.length) {
      this.grow(slot);
    }
  }

  /** A value that was recorded and is due, at a slot that has a place. */
  offer(
    slot: number,
    value: number,
    owner: ExemplarOwner,
    attributes: object | null | undefined,
    given: Context | undefined,
  ): void {
    const { reservoirs, others } = this;
    if (reservoirs) {
      this.left = 0;
      if (others?.isDue(slot, value)) {
        others.offer(slot, value, owner, attributes, given);
      }
      reservoirs.offer(value, owner, attributes, given);
      return;
    }
    const inTurn = this.left <= 0;
    if (inTurn) {
      this.left = this.distance;
      this.turns = (this.turns + 1) % REARM;
      if (this.turns === 0) {
        this.worth[slot] = this.largest[slot];
      }
    }
    const span = spanOf(given);
    const isSampled =
      span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
    this.worth[slot] = Math.max(this.worth[slot], value);
    if (!isSampled && !this.always) {
      return;
    }
    const { removals } = owner;
    const dropped = owner.droppedAttributes(attributes);
    if (owner.removals !== removals) {
      // Reading them ran code, and the slot may be another set's.
      return;
    }
    this.largest[slot] = Math.max(this.largest[slot], value);
    if (inTurn && ++this.found === ENOUGH) {
      this.found = 0;
      this.distance = Math.min(2 * this.distance, SELDOM);
    }
    this.seen++;
    let at = this.spans.length;
    if (at === MOST) {
      // Each of all of them is as likely to stay.
      at = Math.floor(Math.random() * this.seen);
    }
    if (at < MOST) {
      this.put(at, slot, value, Date.now(), span, dropped);
    }
  }

  private put(
    at: number,
    slot: number,
    value: number,
    time: number,
    span: SpanContext | undefined,
    dropped: string | undefined,
  ): void {
    if (3 * at >= this.numbers.length) {
      const numbers = new Float64Array(2 * this.numbers.length);
      numbers.set(this.numbers);
      this.numbers = numbers;
    }
    const { numbers } = this;
    numbers[3 * at] = slot;
    numbers[3 * at + 1] = value;
    numbers[3 * at + 2] = time;
    this.spans[at] = span;
    if (dropped !== undefined) {
      this.dropped.set(at, dropped);
    } else if (this.dropped.size > 0) {
      this.dropped.delete(at);
    }
  }

  private grow(slot: number): void {
    const grown = (from: Float64Array) => {
      const to = new Float64Array(Math.max(64, 2 * slot)).fill(-Infinity);
      to.set(from);
      return to;
    };
    this.largest = grown(this.largest);
    this.worth = grown(this.worth);
  }

  /** A collection begins another interval, in which any value may be the largest. */
  beginInterval(): void {
    this.distance = EVERY;
    this.left = Math.min(this.left, EVERY);
    this.found = 0;
    this.largest.fill(-Infinity);
    this.worth.fill(-Infinity);
  }

  get isEmpty(): boolean {
    return this.spans.length === 0;
  }

  /** What was captured since the last hand-over; a native call copies it before there is more. */
  take(): NativeExemplars[] {
    const count = this.spans.length;
    if (count === 0) {
      return [];
    }
    // Joined, because the native call takes three times as long for a text that was added up.
    const ids: string[] = [];
    for (const span of this.spans) {
      if (span) {
        ids.push(span.traceId, span.spanId);
      } else {
        ids.push(NO_IDS);
      }
    }
    const dropped = [...this.dropped].sort(([a], [b]) => a - b);
    const attributes = dropped.map(([at, text]) => `[${at},${text}]`).join();
    this.empty();
    return [
      {
        storage: this.storage,
        numbers: this.numbers,
        count,
        ids: ids.join(''),
        attributes: attributes === '' ? undefined : `[${attributes}]`,
      },
    ];
  }

  private empty(): void {
    this.spans = [];
    this.dropped = new Map();
    this.seen = 0;
  }

  /** What was captured of one slot; that of others waits for its values. */
  takeOf(slot: number): NativeExemplars[] {
    const its = new Exemplars(this.storage);
    this.split(slot, its);
    return its.take();
  }

  /** Its slot will be another's. */
  forget(slot: number): void {
    if (slot < this.worth.length) {
      this.largest[slot] = -Infinity;
      this.worth[slot] = -Infinity;
    }
    if (!this.isEmpty) {
      this.split(slot, new Exemplars(this.storage));
    }
  }

  /** Moves what was captured of one slot over to `its`. */
  private split(slot: number, its: Exemplars): void {
    const { spans, dropped } = this;
    const numbers = this.numbers.slice();
    this.empty();
    spans.forEach((span, at) => {
      const [of, value, time] = numbers.subarray(3 * at, 3 * at + 3);
      const to = of === slot ? its : this;
      to.put(to.spans.length, of, value, time, span, dropped.get(at));
    });
    this.seen = this.spans.length;
  }
}

/** The span in which a value was recorded. What a program passes for a context may be anything. */
export function spanOf(given: Context | undefined): SpanContext | undefined {
  try {
    const span = trace.getSpanContext(given ?? context.active());
    // Whether they are digits the engine sees, which has the time for it.
    const isWhole = span?.traceId.length === 32 && span.spanId.length === 16;
    return isWhole ? span : undefined;
  } catch {
    return undefined;
  }
}

const PROBE = createContextKey('probe of @nativestage/metrics');

/** Whether contexts are kept track of, without which nothing is recorded within a span. */
export function hasContextManager(): boolean {
  try {
    const probe = ROOT_CONTEXT.setValue(PROBE, true);
    return (
      isApiInUse() &&
      context.with(probe, () => context.active().getValue(PROBE) !== undefined)
    );
  } catch {
    return false;
  }
}

/**
 * Whether something is registered with the API in this realm. Test runners take a realm down when its
 * file has ended: Jest puts accessors in place of the data, which warn of whoever still looks.
 */
function isApiInUse(): boolean {
  const api = (globalThis as Record<symbol, object | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ];
  const version = api && Object.getOwnPropertyDescriptor(api, 'version');
  return version !== undefined && 'value' in version;
}
