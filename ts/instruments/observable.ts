import type {
  Attributes,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import { log } from '../common/log';
import type { Diagnostics } from './Diagnostics';
import type { Facade } from './Facade';
import { Instrument } from './Instrument';
import { Storage } from './storage';
import { NOWHERE } from './trie';

/** What the callbacks of one collection observed. */
export interface ObservationRound {
  /** What is observed later belongs to no collection. */
  readonly isOpen: boolean;
  /** A collection waits for it. */
  readonly isWaitedFor: boolean;
  /** Until the round is closed, the slot is the same set's. */
  add(observable: NativeObservable, slot: number, value: number): void;
}

/** Registers the callbacks of a thread's instruments. */
export interface CallbackRegistry {
  add(observable: NativeObservable, callback: ObservableCallback): void;
  remove(observable: NativeObservable, callback: ObservableCallback): void;
}

/** An observable counter, up-down counter or gauge: callbacks report at every collection. */
export class NativeObservable<TAttributes extends Attributes = Attributes>
  extends Instrument
  implements Observable<TAttributes>
{
  /** The slots that each round observed which somebody waits for, and the latest. */
  private readonly seen = new Map<ObservationRound, Set<number>>();
  /** The round that observes now. */
  private round: ObservationRound | undefined = undefined;

  constructor(
    facade: Facade,
    native: NativeInstrument,
    diagnostics: Diagnostics,
    private readonly callbacks: CallbackRegistry,
    readonly int: boolean,
    private readonly monotonic: boolean,
  ) {
    super(facade, native, diagnostics);
  }

  addCallback(callback: ObservableCallback<TAttributes>): void {
    if (typeof callback !== 'function') {
      log(
        'warn',
        `metric "${this.name}": a callback of type ${typeof callback} is not registered, expected a function`,
      );
      return;
    }
    this.callbacks.add(this, callback);
  }

  removeCallback(callback: ObservableCallback<TAttributes>): void {
    this.callbacks.remove(this, callback);
  }

  /** @internal Whether this instrument runs its callbacks with others of this provider. */
  belongsTo(callbacks: CallbackRegistry): boolean {
    return this.callbacks === callbacks;
  }

  /** @internal A collection begins. */
  beginRound(): void {
    for (const [round, seen] of [...this.seen]) {
      if (round.isWaitedFor) {
        continue;
      }
      this.seen.delete(round);
      for (const slot of seen) {
        // The trie had no place for it: a new configuration's, or that of a later round.
        if (this.outside.has(slot) && !this.holds(slot)) {
          this.drop([], slot);
        }
      }
    }
  }

  /** @internal Whether observations mean anything. */
  get isWanted(): boolean {
    return this.storage === Storage.Block;
  }

  /** What is observed keeps its slot until it is handed over. */
  protected override holds(slot: number): boolean {
    return super.holds(slot) || this.isSeen(slot);
  }

  /** Whether a round observed it whose values may still be handed over. */
  private isSeen(slot: number): boolean {
    for (const [round, seen] of this.seen) {
      if (round.isOpen && seen.has(slot)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The limit holds for each round, and prefers what is observed first (Metrics SDK specification,
   * "Asynchronous instrument cardinality limits"): sets of other rounds make room.
   */
  override beyondLimit(): number {
    const seen = this.round && this.seen.get(this.round);
    if (seen && this.countSets(seen) >= this.trie.size) {
      return super.beyondLimit();
    }
    const others = [...this.trie.slots()].filter(slot => !seen?.has(slot));
    for (const [slot, path] of this.trie.paths(new Set(others))) {
      this.leave(path, slot);
      if (this.holds(slot)) {
        // It is given back when that round is over.
        this.outside.add(path, slot);
      } else {
        this.release(slot);
      }
    }
    return this.trie.isFull ? super.beyondLimit() : NOWHERE;
  }

  /** Without the overflow series. */
  private countSets(seen: Set<number>): number {
    return seen.size - (seen.has(this.overflow) ? 1 : 0);
  }

  /** @internal A callback observed a value. */
  observe(
    round: ObservationRound,
    value: number,
    attributes: TAttributes | undefined,
  ): void {
    if (!round.isOpen) {
      return;
    }
    const least = this.monotonic ? 0 : -Number.MAX_VALUE;
    if (typeof value !== 'number' || !(value >= least && value < Infinity)) {
      this.diagnostics.invalidValue(
        this.name,
        value,
        this.monotonic ? 'a finite number of at least 0' : 'a finite number',
      );
      return;
    }
    const slot = this.slotIn(round, attributes);
    if (this.isWanted && slot !== NOWHERE) {
      this.seenIn(round).add(slot);
      round.add(this, slot, this.int ? Math.trunc(value) : value);
    }
  }

  private slotIn(
    round: ObservationRound,
    attributes: TAttributes | undefined,
  ): number {
    // A getter of the attributes may observe in another round.
    const outer = this.round;
    this.round = round;
    try {
      const found =
        attributes === undefined || attributes === null
          ? this.plain
          : this.trie.find(attributes);
      return found === NOWHERE ? this.resolve(attributes) : found;
    } finally {
      this.round = outer;
    }
  }

  private seenIn(round: ObservationRound): Set<number> {
    let seen = this.seen.get(round);
    if (!seen) {
      seen = new Set();
      this.seen.set(round, seen);
    }
    return seen;
  }
}
