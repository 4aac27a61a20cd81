import type { Attributes, Context, Histogram } from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import type { Diagnostics } from './Diagnostics';
import type { Facade } from './Facade';
import type { SampleBlock } from './SampleBlock';
import { Storage } from './storage';
import {
  type BoundRecorder,
  type SeriesControl,
  SynchronousInstrument,
} from './synchronous';
import { NOWHERE } from './trie';

/** A distribution. */
export interface NativeHistogram<T extends Attributes = Attributes>
  extends Histogram<T>, SeriesControl<T, BoundRecorder> {}

/** The histograms of one facade. */
export type HistogramClass = new <T extends Attributes>(
  facade: Facade,
  native: NativeInstrument,
  diagnostics: Diagnostics,
  int: boolean,
) => NativeHistogram<T>;

/**
 * Makes the class of the histograms that record into one block. The block is a constant of the
 * class, so that V8 writes the addresses of its arrays into the machine code instead of looking
 * them up: a third of a record without attributes.
 */
export function histogramClass(facadeBlock: SampleBlock): HistogramClass {
  // Not the parameter: only a constant is one in the machine code.
  const block = facadeBlock;
  return class NativeHistogram<TAttributes extends Attributes = Attributes>
    extends SynchronousInstrument
    implements Histogram<TAttributes>, SeriesControl<TAttributes, BoundRecorder>
  {
    /** Slots below this are in the block: all or none. Set before fields are initialized. */
    declare private reach: number;

    protected override get least() {
      return 0;
    }

    override findCells(): void {
      super.findCells();
      this.reach = this.storage === Storage.Block ? NOWHERE : 0;
    }

    record(value: number, attributes?: TAttributes, context?: Context): void {
      const slot =
        attributes === undefined ? this.plain : this.trie.find(attributes);
      if (
        slot < this.reach &&
        typeof value === 'number' &&
        value >= 0 &&
        value < Infinity &&
        !this.exemplars?.isDue(slot, value)
      ) {
        block.record(slot, value);
      } else {
        this.recordSlowly(value, attributes, slot, context);
      }
    }

    bind(attributes?: TAttributes): BoundRecorder {
      const place = this.bindSlot(attributes);
      return {
        record: value => {
          const { slot } = place;
          if (
            slot < this.reach &&
            typeof value === 'number' &&
            value >= 0 &&
            value < Infinity &&
            !this.exemplars?.isDue(slot, value)
          ) {
            block.record(slot, value);
          } else {
            this.recordSlowly(value, attributes, slot, undefined);
          }
        },
      };
    }
  };
}
