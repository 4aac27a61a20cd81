import type { KeptPath } from './attributes';
import { Member } from './trie';

/** Where the engine finds a series' values; the numbers are the binding's. */
export const Storage = { Sum: 0, Gauge: 1, Block: 2, None: 3 } as const;
export type Storage = (typeof Storage)[keyof typeof Storage];

/** The storages that have slots. */
export type CountedStorage = Exclude<Storage, typeof Storage.None>;

/** Cells a chunk; the binding counts on it. */
const CHUNK = 4096;

/** An instrument, as its series know it. */
export interface SeriesOwner {
  readonly id: number;
  /** Whether a series must keep its slot. */
  holds(series: Series): boolean;
  /** Lets go of a series and of its slot. */
  dropSeries(series: Series): void;
}

/** A series of one instrument on this thread. */
export class Series extends Member {
  /** Somebody holds a bound handle: the slot must stay. */
  pinned = false;
  path: KeptPath | undefined = undefined;
  furtherPaths: KeptPath[] | undefined = undefined;

  // What a hit reads comes first.
  constructor(
    public storage: Storage,
    /** The number that the engine knows the series by, within its storage. */
    public slot: number,
    /** The chunk with the cell, and its place there. Series without a cell have an empty one. */
    public cells: Float64Array,
    public index: number,
    readonly owner: SeriesOwner | undefined,
    /** Its attributes in canonical order, as JSON. */
    readonly text: string,
  ) {
    super();
  }

  /** Its slot may be another's by now. */
  get isDropped(): boolean {
    return this.storage === Storage.None && this.owner !== undefined;
  }
}

/** Cells in chunks that never move, so that a series can hold on to its own. */
export class CellChunks {
  readonly chunks: Float64Array[] = [];

  /** @param untouched -0 for sums, NaN for gauges: what a cell holds after a hand-over. */
  constructor(private readonly untouched: number) {}

  cells(slot: number): Float64Array {
    const number = Math.floor(slot / CHUNK);
    while (this.chunks.length <= number) {
      this.chunks.push(new Float64Array(CHUNK).fill(this.untouched));
    }
    return this.chunks[number];
  }

  index(slot: number): number {
    return slot % CHUNK;
  }

  isTouched(series: Series): boolean {
    return !Object.is(series.cells[series.index], this.untouched);
  }

  get isAnyTouched(): boolean {
    return this.chunks.some(chunk =>
      chunk.some(cell => !Object.is(cell, this.untouched)),
    );
  }

  /** The chunk of one series at its place, nothing at the others'. */
  only(series: Series): Float64Array[] {
    const number = Math.floor(series.slot / CHUNK);
    return [...Array.from({ length: number }, () => EMPTY), series.cells];
  }
}

export const EMPTY = new Float64Array(0);

/** The series of one storage by slot; slots given back are used again. */
export class SlotTable {
  private readonly series: (Series | undefined)[] = [];
  private readonly free: number[] = [];

  take(): number {
    return this.free.pop() ?? this.series.push(undefined) - 1;
  }

  set(series: Series): void {
    this.series[series.slot] = series;
  }

  get(slot: number): Series | undefined {
    return this.series[slot];
  }

  release(slot: number): void {
    this.series[slot] = undefined;
    this.free.push(slot);
  }
}
