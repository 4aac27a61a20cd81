import type {
  Attributes,
  Context,
  Counter,
  Gauge,
  UpDownCounter,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import type { Diagnostics } from './Diagnostics';
import type { Exemplars } from './Exemplars';
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

// Constants of this file are constants in the machine code: 0.7 ns against `Storage.Block`.
const IN_SUM = Storage.Sum;
const IN_GAUGE = Storage.Gauge;

/** What the instruments that programs record with share. */
export abstract class SynchronousInstrument extends Instrument {
  /** Where values are captured for exemplars, while there is a reason to. */
  protected exemplars: Exemplars | undefined = undefined;

  constructor(
    facade: Facade,
    native: NativeInstrument,
    diagnostics: Diagnostics,
    protected readonly int: boolean,
  ) {
    super(facade, native, diagnostics);
  }

  /** The least that may be recorded. */
  protected abstract get least(): number;

  /**
   * A value that its method did not take in the short way: it is not valid, its series was not
   * found, or its series is not where this kind of instrument usually has them.
   */
  protected recordSlowly(
    value: number,
    attributes: object | null | undefined,
    found: Series | undefined,
    context: Context | undefined,
  ): void {
    const { least } = this;
    if (typeof value !== 'number' || !(value >= least && value < Infinity)) {
      const allowed =
        least === 0 ? 'a finite number of at least 0' : 'a finite number';
      this.diagnostics.invalidValue(this.name, value, allowed);
      return;
    }
    const series = this.current(found, attributes);
    switch (series.storage) {
      case Storage.Sum:
        series.cells[series.index] +=
          (this.int ? Math.trunc(value) : value) + 0;
        break;
      case Storage.Gauge:
        series.cells[series.index] = this.int ? Math.trunc(value) : value;
        break;
      case Storage.Block:
        this.facade.block.record(series.slot, value);
        break;
      default:
        return;
    }
    this.exemplars?.offer(series, value, this, attributes, context);
  }

  override capture(exemplars: readonly Exemplars[] | undefined): void {
    this.exemplars = exemplars?.[this.storage];
  }

  protected pin(attributes: object | undefined): Series {
    const series = this.resolve(attributes);
    series.pinned = true;
    return series;
  }

  remove(attributes?: Attributes): void {
    const text = this.textOf(attributes ?? {});
    if (text === undefined) {
      return;
    }
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

// The methods below and the histogram's are the hot path: no allocation, no native call, no call that
// V8 does not inline. They are short because V8 inlines no more than 920 bytes of bytecode into one
// function: with the rare cases written out, the fourth histogram in a function was called instead,
// with its value boxed. `value + 0` turns -0 into 0, because -0 is what an untouched cell holds; the
// engine truncates integers that come in blocks.

/** A monotonic counter. */
export class NativeCounter<TAttributes extends Attributes = Attributes>
  extends SynchronousInstrument
  implements Counter<TAttributes>, SeriesControl<TAttributes, BoundCounter>
{
  protected override get least() {
    return 0;
  }

  add(value: number, attributes?: TAttributes, context?: Context): void {
    const series =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    if (
      series !== undefined &&
      series.storage === IN_SUM &&
      typeof value === 'number' &&
      value >= 0 &&
      value < Infinity
    ) {
      series.cells[series.index] += (this.int ? Math.trunc(value) : value) + 0;
      this.exemplars?.offer(series, value, this, attributes, context);
    } else {
      this.recordSlowly(value, attributes, series, context);
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const series = this.pin(attributes);
    return {
      add: value => {
        if (
          series.storage === IN_SUM &&
          typeof value === 'number' &&
          value >= 0 &&
          value < Infinity
        ) {
          series.cells[series.index] +=
            (this.int ? Math.trunc(value) : value) + 0;
          this.exemplars?.offer(series, value, this, attributes, undefined);
        } else {
          this.recordSlowly(value, attributes, series, undefined);
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
    const series =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    if (
      series !== undefined &&
      series.storage === IN_SUM &&
      typeof value === 'number' &&
      value > -Infinity &&
      value < Infinity
    ) {
      series.cells[series.index] += (this.int ? Math.trunc(value) : value) + 0;
      this.exemplars?.offer(series, value, this, attributes, context);
    } else {
      this.recordSlowly(value, attributes, series, context);
    }
  }

  bind(attributes?: TAttributes): BoundCounter {
    const series = this.pin(attributes);
    return {
      add: value => {
        if (
          series.storage === IN_SUM &&
          typeof value === 'number' &&
          value > -Infinity &&
          value < Infinity
        ) {
          series.cells[series.index] +=
            (this.int ? Math.trunc(value) : value) + 0;
          this.exemplars?.offer(series, value, this, attributes, undefined);
        } else {
          this.recordSlowly(value, attributes, series, undefined);
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
    const series =
      attributes === undefined ? this.plain : this.trie.find(attributes);
    if (
      series !== undefined &&
      series.storage === IN_GAUGE &&
      typeof value === 'number' &&
      value > -Infinity &&
      value < Infinity
    ) {
      series.cells[series.index] = this.int ? Math.trunc(value) : value;
      this.exemplars?.offer(series, value, this, attributes, context);
    } else {
      this.recordSlowly(value, attributes, series, context);
    }
  }

  bind(attributes?: TAttributes): BoundRecorder {
    const series = this.pin(attributes);
    return {
      record: value => {
        if (
          series.storage === IN_GAUGE &&
          typeof value === 'number' &&
          value > -Infinity &&
          value < Infinity
        ) {
          series.cells[series.index] = this.int ? Math.trunc(value) : value;
          this.exemplars?.offer(series, value, this, attributes, undefined);
        } else {
          this.recordSlowly(value, attributes, series, undefined);
        }
      },
    };
  }
}
