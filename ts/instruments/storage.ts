/** Where the engine finds an instrument's values; the numbers are the binding's. */
export const Storage = { Sum: 0, Gauge: 1, Block: 2, None: 3 } as const;
export type Storage = (typeof Storage)[keyof typeof Storage];

/** The storages that have slots. */
export type CountedStorage = Exclude<Storage, typeof Storage.None>;

/** The cells of what has none. */
export const NO_CELLS = new Float64Array(0);

/** Cells at first. */
const FEWEST = 64;

/** The cells of one storage, by slot. */
export class Cells {
  /** Another array once they grow. */
  values = NO_CELLS;

  /** @param untouched -0 for sums, NaN for gauges: what a cell holds after a hand-over. */
  constructor(private readonly untouched: number) {}

  /** Makes sure that a slot has its cell. Returns whether the cells are others now. */
  reach(slot: number): boolean {
    const { values } = this;
    if (slot < values.length) {
      return false;
    }
    // A quarter more: every instrument learns the new cells, and what is not used is little.
    const length = Math.max(FEWEST, slot + 1, Math.ceil(values.length * 1.25));
    this.values = new Float64Array(length).fill(this.untouched, values.length);
    this.values.set(values);
    return true;
  }

  /** What a cell holds, which is untouched from then on. */
  take(slot: number): number {
    const value = this.values[slot];
    this.values[slot] = this.untouched;
    return value;
  }

  isTouched(slot: number): boolean {
    return !Object.is(this.values[slot], this.untouched);
  }

  get isAnyTouched(): boolean {
    return this.values.some(cell => !Object.is(cell, this.untouched));
  }
}
