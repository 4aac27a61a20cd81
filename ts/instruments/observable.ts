import type {
  Attributes,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import { log } from '../log';
import type { Diagnostics } from './Diagnostics';
import type { Facade } from './Facade';
import { Instrument } from './Instrument';
import type {
  ObservableCallbacks,
  ObservationRound,
} from './ObservableCallbacks';
import { type Series, Storage } from './storage';

/** An observable counter, up-down counter or gauge: callbacks report at every collection. */
export class NativeObservable<TAttributes extends Attributes = Attributes>
  extends Instrument
  implements Observable<TAttributes>
{
  /** The series that each round observed which somebody waits for, and the latest. */
  private readonly seen = new Map<ObservationRound, Set<Series>>();
  /** The round that observes now. */
  private round: ObservationRound | undefined = undefined;

  constructor(
    facade: Facade,
    native: NativeInstrument,
    diagnostics: Diagnostics,
    private readonly callbacks: ObservableCallbacks,
    private readonly int: boolean,
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
  belongsTo(callbacks: ObservableCallbacks): boolean {
    return this.callbacks === callbacks;
  }

  /** @internal A collection begins. */
  beginRound(): void {
    for (const [round, seen] of [...this.seen]) {
      if (round.isWaitedFor) {
        continue;
      }
      this.seen.delete(round);
      for (const series of seen) {
        // The trie had no place for it: a new configuration's, or that of a later round.
        if (series.path === undefined && !this.isSeen(series)) {
          this.facade.dropSeries(series);
        }
      }
    }
  }

  /** What is observed keeps its slot until it is handed over; the overflow series has no path. */
  override holds(series: Series): boolean {
    return super.holds(series) || this.isSeen(series, true);
  }

  /** Whether a round observed it whose values may still be handed over. */
  private isSeen(series: Series, pathless = false): boolean {
    for (const [round, seen] of this.seen) {
      const may = seen.has(series) || (pathless && series.path === undefined);
      if (round.isOpen && may) {
        return true;
      }
    }
    return false;
  }

  /**
   * The limit holds for each round, and prefers what is observed first (Metrics SDK specification,
   * "Asynchronous instrument cardinality limits"): sets of other rounds make room.
   */
  protected override beyondLimit(): Series | undefined {
    const seen = this.round && this.seen.get(this.round);
    if (seen && seen.size >= this.trie.size) {
      return super.beyondLimit();
    }
    for (const series of this.trie.series()) {
      if (seen?.has(series)) {
        continue;
      }
      if (this.isSeen(series)) {
        // Its slot is given back when that round is over.
        this.trie.delete(series);
        if (this.plain === series) {
          this.plain = undefined;
        }
      } else {
        this.dropSeries(series);
      }
    }
    return this.trie.isFull ? super.beyondLimit() : undefined;
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
    const series = this.seriesIn(round, attributes);
    if (series.storage === Storage.Block) {
      if (series.path !== undefined) {
        this.seenIn(round).add(series);
      }
      round.add(series, this.int ? Math.trunc(value) : value);
    }
  }

  private seriesIn(
    round: ObservationRound,
    attributes: TAttributes | undefined,
  ): Series {
    // A getter of the attributes may observe in another round.
    const outer = this.round;
    this.round = round;
    try {
      const found =
        attributes === undefined || attributes === null
          ? this.plain
          : this.trie.find(attributes);
      return this.current(found, attributes);
    } finally {
      this.round = outer;
    }
  }

  private seenIn(round: ObservationRound): Set<Series> {
    let seen = this.seen.get(round);
    if (!seen) {
      seen = new Set();
      this.seen.set(round, seen);
    }
    return seen;
  }
}
