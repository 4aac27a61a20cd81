import type {
  Attributes,
  Context,
  Counter,
  Gauge,
  UpDownCounter,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import type { Diagnostics } from './Diagnostics';
import type { Exemplars, Reservoirs } from './Exemplars';
import type { Facade } from './Facade';
import { Instrument } from './Instrument';
import { Storage } from './storage';
import { NOWHERE } from './trie';

/** A counter or up-down counter bound to one attribute set: `add` is one cell write. */
export interface BoundCounter {
  add(value: number): void;
}

/** A histogram or gauge bound to one attribute set. */
export interface BoundRecorder {
  record(value: number): void;
}

/** What our synchronous instruments can do beyond OpenTelemetry's. */
export interface SeriesControl<TAttributes extends Attributes, TBound> {
  /**
   * A handle for one attribute set (Metrics API specification, "Bind", in development). It stays
   * valid for the life of the instrument and keeps its series' place in the cardinality limit.
   */
  bind(attributes?: TAttributes): TBound;
  /**
   * Removes one series: it is exported no more until the next value, which starts it anew. What
   * was recorded and not yet exported under delta temporality still is.
   */
  remove(attributes?: TAttributes): void;
  /** Removes every series. */
  clear(): void;
  /**
   * Whether what is recorded is exported (Metrics API specification, "Enabled"): not where the meter is
   * disabled, where views drop the instrument, or where nothing exports metrics at all. That can change
   * when the configuration does: ask each time before you do work only to record its result.
   */
  enabled(): boolean;
}

/** What the instruments that programs record with share. */
export abstract class SynchronousInstrument extends Instrument {
  /** Where values are captured for exemplars, while there is a reason to. */
  protected exemplars: Exemplars | undefined = undefined;

  constructor(
    facade: Facade,
    native: NativeInstrument,
    diagnostics: Diagnostics,
    readonly int: boolean,
  ) {
    super(facade, native, diagnostics);
  }

  /** The least that may be recorded. */
  protected abstract get least(): number;

  /**
   * A value that its method did not take in the short way: it is not valid, its slot was not found, its
   * series is not where this kind of instrument usually has them, or it may become an exemplar.
   */
  protected recordSlowly(
    value: number,
    attributes: object | null | undefined,
    found: number,
    context: Context | undefined,
  ): void {
    if (this.storage === Storage.None) {
      // As cheap as can be, with attributes too: nobody reads them.
      this.forgetLost();
      return;
    }
    const { least } = this;
    if (typeof value !== 'number' || !(value >= least && value < Infinity)) {
      this.forgetLost();
      const allowed =
        least === 0 ? 'a finite number of at least 0' : 'a finite number';
      this.diagnostics.invalidValue(this.name, value, allowed);
      return;
    }
    const slot = found === NOWHERE ? this.resolve(attributes) : found;
    switch (this.storage) {
      case Storage.Sum:
        this.cells[slot] += (this.int ? Math.trunc(value) : value) + 0;
        break;
      case Storage.Gauge:
        this.cells[slot] = this.int ? Math.trunc(value) : value;
        break;
      case Storage.Block:
        this.facade.block.record(slot, value);
        break;
      default:
        return;
    }
    const { exemplars } = this;
    if (exemplars !== undefined) {
      exemplars.reach(slot);
      if (exemplars.isDue(slot, value)) {
        exemplars.offer(slot, value, this, attributes, context);
      }
    }
  }

  enabled(): boolean {
    return this.storage !== Storage.None;
  }

  override capture(
    exemplars: readonly Exemplars[] | undefined,
    reservoirs: Reservoirs | undefined,
  ): void {
    const shared = exemplars?.[this.storage];
    this.exemplars = reservoirs ? shared?.beside(reservoirs) : shared;
  }

  remove(attributes?: Attributes): void {
    const { path, isNoSet, isTooLarge } = this.read(attributes ?? {});
    if (isNoSet || isTooLarge) {
      return;
    }
    const slot = this.findSlot(path);
    if (slot !== NOWHERE && this.storage !== Storage.None) {
      this.facade.handOverSlot(this.id, this.storage, slot);
    }
    this.facade.remove(this.id, path);
    if (slot !== NOWHERE && !this.holds(slot)) {
      this.drop(path, slot);
    }
  }

  clear(): void {
    this.facade.handOverOf(this.id);
    this.facade.clear(this.id);
    this.forget();
  }
}

// The methods below and the histogram's are the hot path: no allocation, no native call, no call that
// V8 does not inline. They are short because V8 inlines no more than 920 bytes of bytecode into one
// function, and counts those of a function that is compiled already, with what that inlined, 1.2 times:
// a record and what is inlined into it may have 766. With more, it is called and its value boxed (a
// histogram that captured exemplars in its own method had 798, and took 1.7 times as long). So the rare
// cases share one call, and a value that is due for an exemplar is one of them. That call's 338 bytes are
// too many to be inlined beside `find`: with 315, where many sets were new at first, they were, and then
// `add` was not. An instrument of another storage has no cells here. `value + 0` turns -0 into 0, because
// -0 is what an untouched cell holds; the engine truncates integers that come in blocks.

/** A monotonic counter. */
export class NativeCounter<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements Counter<TAttributes>, SeriesControl<TAttributes, BoundCounter>
{
  protected override get least() {
    return 0;
  }

  add(value: number, attributes?: TAttributes, context?: Context): void {
    const slot =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    const { cells } = this;
    if (
      slot < cells.length &&
      typeof value === 'number' &&
      value >= 0 &&
      value < Infinity &&
      !this.exemplars?.isDue(slot, value)
    ) {
      cells[slot] += (this.int ? Math.trunc(value) : value) + 0;
    } else {
      this.recordSlowly(value, attributes, slot, context);
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const place = this.bindSlot(attributes);
    return {
      add: value => {
        const { slot } = place;
        const { cells } = this;
        if (
          slot < cells.length &&
          typeof value === 'number' &&
          value >= 0 &&
          value < Infinity &&
          !this.exemplars?.isDue(slot, value)
        ) {
          cells[slot] += (this.int ? Math.trunc(value) : value) + 0;
        } else {
          this.recordSlowly(value, attributes, slot, undefined);
        }
      },
    };
  }
}

/** A sum that goes up and down. */
export class NativeUpDownCounter<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements
    UpDownCounter<TAttributes>,
    SeriesControl<TAttributes, BoundCounter>
{
  protected override get least() {
    return -Number.MAX_VALUE;
  }

  add(value: number, attributes?: TAttributes, context?: Context): void {
    const slot =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    const { cells } = this;
    if (
      slot < cells.length &&
      typeof value === 'number' &&
      value > -Infinity &&
      value < Infinity &&
      !this.exemplars?.isDue(slot, value)
    ) {
      cells[slot] += (this.int ? Math.trunc(value) : value) + 0;
    } else {
      this.recordSlowly(value, attributes, slot, context);
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const place = this.bindSlot(attributes);
    return {
      add: value => {
        const { slot } = place;
        const { cells } = this;
        if (
          slot < cells.length &&
          typeof value === 'number' &&
          value > -Infinity &&
          value < Infinity &&
          !this.exemplars?.isDue(slot, value)
        ) {
          cells[slot] += (this.int ? Math.trunc(value) : value) + 0;
        } else {
          this.recordSlowly(value, attributes, slot, undefined);
        }
      },
    };
  }
}

/** The last value. */
export class NativeGauge<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements Gauge<TAttributes>, SeriesControl<TAttributes, BoundRecorder>
{
  protected override get least() {
    return -Number.MAX_VALUE;
  }

  record(value: number, attributes?: TAttributes, context?: Context): void {
    const slot =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    const { cells } = this;
    if (
      slot < cells.length &&
      typeof value === 'number' &&
      value > -Infinity &&
      value < Infinity &&
      !this.exemplars?.isDue(slot, value)
    ) {
      cells[slot] = this.int ? Math.trunc(value) : value;
    } else {
      this.recordSlowly(value, attributes, slot, context);
    }
  }

  bind(attributes?: TAttributes): BoundRecorder {
    const place = this.bindSlot(attributes);
    return {
      record: value => {
        const { slot } = place;
        const { cells } = this;
        if (
          slot < cells.length &&
          typeof value === 'number' &&
          value > -Infinity &&
          value < Infinity &&
          !this.exemplars?.isDue(slot, value)
        ) {
          cells[slot] = this.int ? Math.trunc(value) : value;
        } else {
          this.recordSlowly(value, attributes, slot, undefined);
        }
      },
    };
  }
}
