import type { NativeBlock } from '../../binding';

/** (slot, value) pairs a block. */
const BLOCK = 8192;
const LAST = BLOCK - 1;

/** Samples on their way to the engine: they wait here until there are enough for a native call. */
export class SampleBlock {
  private readonly slots = new Uint32Array(BLOCK);
  private readonly values = new Float64Array(BLOCK);
  private length = 0;

  /** @param full - Takes the samples away. */
  constructor(private readonly full: () => void) {}

  get isEmpty(): boolean {
    return this.length === 0;
  }

  record(slot: number, value: number): void {
    const at = this.length;
    this.slots[at] = slot;
    this.values[at] = value;
    this.length = at + 1;
    if (at === LAST) {
      this.full();
    }
  }

  /** The samples as they are; a native call copies them before anything is recorded again. */
  take(): NativeBlock {
    const count = this.length;
    this.length = 0;
    return { slots: this.slots, values: this.values, count };
  }
}
