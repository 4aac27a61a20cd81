import type {
  Attributes,
  Counter,
  Gauge,
  Histogram,
  UpDownCounter,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import type { Diagnostics } from './Diagnostics';
import type { Facade } from './Facade';
import { Instrument } from './Instrument';
import { type Series, Storage } from './storage';

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
}

// A constant of this file is a constant in the machine code: 0.7 ns against `Storage.Block`.
const IN_BLOCK = Storage.Block;

const NON_NEGATIVE = 'a finite number of at least 0';
const FINITE = 'a finite number';

abstract class SynchronousInstrument extends Instrument {
  protected readonly int: boolean;

  constructor(
    facade: Facade,
    native: NativeInstrument,
    diagnostics: Diagnostics,
    int: boolean,
  ) {
    super(facade, native, diagnostics);
    this.int = int;
  }

  protected pin(attributes: object | undefined): Series {
    const series = this.resolve(attributes);
    series.pinned = true;
    return series;
  }

  remove(attributes?: Attributes): void {
    const text = this.textOf(attributes ?? {});
    const series = this.trie.getSet(text);
    if (series) {
      this.facade.handOverSeries(series);
    }
    this.facade.native.remove(this.id, text);
    if (series && !series.pinned) {
      this.dropSeries(series);
    }
  }

  clear(): void {
    this.facade.handOver();
    this.facade.native.clear(this.id);
    this.forget();
  }
}

// The methods below are the hot path: no allocation, no native call, no call that V8 does not
// inline. `value + 0` turns -0 into 0, because -0 is what an untouched cell holds.

/** A monotonic counter. */
export class NativeCounter<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements Counter<TAttributes>, SeriesControl<TAttributes, BoundCounter>
{
  add(value: number, attributes?: TAttributes): void {
    if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
      this.diagnostics.invalidValue(this.name, value, NON_NEGATIVE);
      return;
    }
    const series =
      (attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes)) ?? this.resolve(attributes);
    const amount = this.int ? Math.trunc(value) : value;
    if (series.storage === IN_BLOCK) {
      this.facade.record(series.slot, amount);
    } else {
      series.cells[series.index] += amount + 0;
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const series = this.pin(attributes);
    return {
      add: value => {
        if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
          this.diagnostics.invalidValue(this.name, value, NON_NEGATIVE);
          return;
        }
        const amount = this.int ? Math.trunc(value) : value;
        if (series.storage === IN_BLOCK) {
          this.facade.record(series.slot, amount);
        } else {
          series.cells[series.index] += amount + 0;
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
  add(value: number, attributes?: TAttributes): void {
    if (typeof value !== 'number' || !(value > -Infinity && value < Infinity)) {
      this.diagnostics.invalidValue(this.name, value, FINITE);
      return;
    }
    const series =
      (attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes)) ?? this.resolve(attributes);
    const amount = this.int ? Math.trunc(value) : value;
    if (series.storage === IN_BLOCK) {
      this.facade.record(series.slot, amount);
    } else {
      series.cells[series.index] += amount + 0;
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const series = this.pin(attributes);
    return {
      add: value => {
        if (
          typeof value !== 'number' ||
          !(value > -Infinity && value < Infinity)
        ) {
          this.diagnostics.invalidValue(this.name, value, FINITE);
          return;
        }
        const amount = this.int ? Math.trunc(value) : value;
        if (series.storage === IN_BLOCK) {
          this.facade.record(series.slot, amount);
        } else {
          series.cells[series.index] += amount + 0;
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
  record(value: number, attributes?: TAttributes): void {
    if (typeof value !== 'number' || !(value > -Infinity && value < Infinity)) {
      this.diagnostics.invalidValue(this.name, value, FINITE);
      return;
    }
    const series =
      (attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes)) ?? this.resolve(attributes);
    const amount = this.int ? Math.trunc(value) : value;
    if (series.storage === IN_BLOCK) {
      this.facade.record(series.slot, amount);
    } else {
      series.cells[series.index] = amount;
    }
  }

  bind(attributes?: TAttributes): BoundRecorder {
    const series = this.pin(attributes);
    return {
      record: value => {
        if (
          typeof value !== 'number' ||
          !(value > -Infinity && value < Infinity)
        ) {
          this.diagnostics.invalidValue(this.name, value, FINITE);
          return;
        }
        const amount = this.int ? Math.trunc(value) : value;
        if (series.storage === IN_BLOCK) {
          this.facade.record(series.slot, amount);
        } else {
          series.cells[series.index] = amount;
        }
      },
    };
  }
}

/** A distribution. */
export class NativeHistogram<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements Histogram<TAttributes>, SeriesControl<TAttributes, BoundRecorder>
{
  record(value: number, attributes?: TAttributes): void {
    if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
      this.diagnostics.invalidValue(this.name, value, NON_NEGATIVE);
      return;
    }
    const series =
      (attributes === undefined || attributes === null
        ? this.plain
        : this.trie.find(attributes)) ?? this.resolve(attributes);
    if (series.storage === IN_BLOCK) {
      this.facade.record(series.slot, this.int ? Math.trunc(value) : value);
    }
  }

  bind(attributes?: TAttributes): BoundRecorder {
    const series = this.pin(attributes);
    return {
      record: value => {
        if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
          this.diagnostics.invalidValue(this.name, value, NON_NEGATIVE);
        } else if (series.storage === IN_BLOCK) {
          this.facade.record(series.slot, this.int ? Math.trunc(value) : value);
        }
      },
    };
  }
}
