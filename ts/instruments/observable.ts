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
  private readonly seen = new Set<Series>();
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
    for (const series of this.seen) {
      if (series.path === undefined) {
        // The trie of a new configuration had no place for it.
        this.facade.dropSeries(series);
      }
    }
    this.seen.clear();
  }

  /** What is observed keeps its slot until it is handed over; the overflow series has no path. */
  override holds(series: Series): boolean {
    return (
      super.holds(series) ||
      (this.round?.isOpen === true &&
        (series.path === undefined || this.seen.has(series)))
    );
  }

  /**
   * The limit holds for each round, and prefers what is observed first (Metrics SDK specification,
   * "Asynchronous instrument cardinality limits"): sets of earlier rounds make room.
   */
  protected override beyondLimit(): Series | undefined {
    if (this.seen.size >= this.trie.size) {
      return super.beyondLimit();
    }
    for (const series of this.trie.series()) {
      if (!this.seen.has(series)) {
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
    this.round = round;
    const found =
      attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes);
    const series = this.current(found, attributes);
    if (series.storage === Storage.Block) {
      if (series.path !== undefined) {
        this.seen.add(series);
      }
      round.add(series, this.int ? Math.trunc(value) : value);
    }
  }
}
