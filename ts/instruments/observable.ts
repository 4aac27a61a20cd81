import type {
  Attributes,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
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
  private seen = new Set<Series>();

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
    this.callbacks.add(this, callback);
  }

  removeCallback(callback: ObservableCallback<TAttributes>): void {
    this.callbacks.remove(this, callback);
  }

  /**
   * @internal A collection begins. Sets that are observed no more must not fill the trie: when it
   * is full, those that the last collection did not see make room.
   */
  beginRound(): void {
    if (this.trie.isFull) {
      for (const series of [...this.trie.series()]) {
        if (!this.seen.has(series)) {
          series.leaveTrie();
          this.facade.dropSeries(series);
        }
      }
      this.plain = undefined;
    }
    this.seen = new Set();
  }

  /** @internal A callback observed a value. */
  observe(
    round: ObservationRound,
    value: number,
    attributes: TAttributes | undefined,
  ): void {
    const least = this.monotonic ? 0 : -Number.MAX_VALUE;
    if (typeof value !== 'number' || !(value >= least && value < Infinity)) {
      this.diagnostics.invalidValue(
        this.name,
        value,
        this.monotonic ? 'a finite number of at least 0' : 'a finite number',
      );
      return;
    }
    const series =
      (attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes)) ?? this.resolve(attributes);
    if (series.storage === Storage.Block) {
      this.seen.add(series);
      round.add(series.slot, this.int ? Math.trunc(value) : value);
    }
  }
}
