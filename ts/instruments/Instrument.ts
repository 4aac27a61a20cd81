import type { NativeInstrument } from '../../binding';
import {
  cut,
  type Path,
  readAttributes,
  type Reading,
  type SizeLimits,
  sizeLimits,
  wellFormed,
  writeSet,
} from './attributes';
import type { Diagnostics } from './Diagnostics';
import type { ExemplarOwner, Exemplars } from './Exemplars';
import type { Facade, Reshapable, Shape } from './Facade';
import { NO_CELLS, Storage } from './storage';
import { AttributeTrie, NOWHERE, type TrieOwner } from './trie';

const OVERFLOW: Path = ['otel.metric.overflow', true];

/** Answers kept per instrument on which keys matter: programs have few, an attacker's must not stay. */
const KEPT_KEYS = 4096;

/** Characters of the attributes that an exemplar has and its series does not. */
const LARGEST_DROPPED = 4096;

/** Where a bound handle records. */
export interface Place {
  /** Another one when the configuration moves its values. */
  slot: number;
}

/** What all instruments share: attributes lead to slots. */
export abstract class Instrument
  implements Reshapable, ExemplarOwner, TrieOwner
{
  readonly name: string;
  readonly id: number;
  protected storage: Storage;
  /** The cells of its storage, where that has any. */
  protected cells = NO_CELLS;
  protected trie: AttributeTrie;
  private limits: SizeLimits;
  /** The slot of the set without attributes, once it was used. */
  protected plain = NOWHERE;
  /** The slot of what exceeds the limit, once there was such. */
  protected overflow = NOWHERE;
  /** Slots that are in use and have no place in the trie. */
  protected readonly outside = new Set<number>();
  /** By slot, the places of bound handles: their slots must stay. */
  private readonly bound = new Map<number, Place>();
  /** Which keys some stream keeps; asked once a key, and only when some stream drops any. */
  private keptKeys: Map<string, boolean> | undefined;
  /** The set that attributes led to while their reading removed it. */
  private lostPath: Path | undefined = undefined;
  removals = 0;

  constructor(
    protected readonly facade: Facade,
    native: NativeInstrument,
    protected readonly diagnostics: Diagnostics,
  ) {
    this.id = native.id;
    this.name = native.name;
    this.storage = native.storage as Storage;
    this.keptKeys = native.filtered ? new Map() : undefined;
    this.limits = sizeLimits(native.sets, native.valueLength);
    this.trie = this.makeTrie(native);
    this.findCells();
  }

  private makeTrie(shape: Shape) {
    return new AttributeTrie(shape.sets, shape.filtered, this, this.limits);
  }

  /** The configuration is known now: values may belong elsewhere, attributes may not matter. */
  reshape(shape: Shape): void {
    const same =
      shape.storage === this.storage &&
      shape.sets === this.trie.limit &&
      shape.valueLength === this.limits.value &&
      !shape.filtered &&
      !this.keptKeys;
    if (same) {
      return;
    }
    const held = this.releaseUnheld();
    const from = this.storage;
    const paths = held.map(slot => this.pathOf(slot));
    this.storage = shape.storage as Storage;
    this.keptKeys = shape.filtered ? new Map() : undefined;
    this.limits = sizeLimits(shape.sets, shape.valueLength);
    this.trie = this.makeTrie(shape);
    this.findCells();
    held.forEach((slot, at) => {
      const path = paths[at];
      if (this.storage === from) {
        this.keep(path, slot);
        return;
      }
      this.facade.releaseSlot(from, slot);
      this.outside.delete(slot);
      const moved =
        this.storage === Storage.None ? NOWHERE : this.takeSlot(path).slot;
      const place = this.bound.get(slot);
      this.bound.delete(slot);
      if (place) {
        place.slot = moved;
      }
      if (this.overflow === slot) {
        this.overflow = moved;
      }
      if (moved !== NOWHERE) {
        if (place) {
          this.bound.set(moved, place);
        }
        this.keep(path, moved);
      }
    });
  }

  /** Gives back every slot that nobody holds, and empties the trie. Returns the others. */
  private releaseUnheld(): number[] {
    const slots = this.trie.slots();
    this.outside.forEach(slot => slots.add(slot));
    this.trie.abandon();
    this.plain = NOWHERE;
    const held: number[] = [];
    // Those that came first have the first places in a smaller trie.
    for (const slot of [...slots].sort((a, b) => a - b)) {
      if (this.holds(slot)) {
        held.push(slot);
      } else {
        this.release(slot);
      }
    }
    return held;
  }

  /** Takes a slot that is held over into a new trie, so that its attributes lead to it. */
  private keep(path: Path, slot: number): void {
    const keeps = (part: Path[number], at: number) =>
      at % 2 === 1
        ? typeof part !== 'string' || cut(part, this.limits.value) === part
        : this.keeps(part as string);
    const fits = slot !== this.overflow && path.every(keeps);
    if (fits && !this.trie.isFull) {
      this.outside.delete(slot);
      this.trie.add(path, slot);
    } else {
      this.outside.add(slot);
    }
  }

  /** Looks where the cells of its storage are. */
  findCells(): void {
    this.cells = this.facade.cellsOf(this.storage)?.values ?? NO_CELLS;
  }

  /** Whether what is recorded may become an exemplar. */
  capture(_exemplars: readonly Exemplars[] | undefined): void {
    // What is observed is recorded by nobody's request.
  }

  /** As {@link TrieOwner} has it. */
  lost(path: Path): void {
    this.lostPath = path;
  }

  /** The slot of attributes that the trie does not know as they are. */
  protected resolve(attributes: object | null | undefined): number {
    const lost = this.lostPath;
    if (lost) {
      this.forgetLost();
      // The configuration may be another by now.
      const keeps = (at: number) => this.keeps(lost[at - (at % 2)] as string);
      return this.slotOf(lost.filter((_, at) => keeps(at)));
    }
    if (attributes === undefined || attributes === null) {
      const slot = this.plain === NOWHERE ? this.slotOf([]) : this.plain;
      // Room may be found for it later; until then it is not the overflow series' only name.
      this.plain = slot === this.overflow ? NOWHERE : slot;
      return slot;
    }
    const { path, isTooLarge } = this.read(attributes);
    return isTooLarge ? this.overflowSlot() : this.slotOf(path);
  }

  /** A value is not recorded whose attributes may have led to a set that is gone. */
  protected forgetLost(): void {
    this.lostPath = undefined;
  }

  /** Reads attributes, and reports what is left out. */
  protected read(attributes: object): Reading {
    const reading = readAttributes(attributes, this.keeps, this.limits);
    if (reading.invalid) {
      this.diagnostics.invalidAttribute(this.name, reading.invalid);
    }
    if (reading.cut) {
      this.diagnostics.cutAttribute(this.name, reading.cut, this.limits.value);
    }
    reading.path = wellFormed(reading.path);
    return reading;
  }

  /** As {@link ExemplarOwner} has it. */
  droppedAttributes(attributes: object | null | undefined): string | undefined {
    if (!this.keptKeys || attributes === undefined || attributes === null) {
      return undefined;
    }
    const isDropped = (key: string) => !this.keeps(key);
    const limits = { ...this.limits, set: LARGEST_DROPPED };
    const { path } = readAttributes(attributes, isDropped, limits);
    return path.length === 0 ? undefined : writeSet(wellFormed(path));
  }

  private slotOf(path: Path): number {
    if (this.storage === Storage.None) {
      return NOWHERE;
    }
    const known = this.trie.get(path);
    if (known !== NOWHERE) {
      return known;
    }
    if (this.trie.isFull) {
      const reordered = this.findSlot(path);
      if (reordered !== NOWHERE && !this.outside.has(reordered)) {
        this.trie.lead(this.facade.texts.share(path), reordered);
        return reordered;
      }
      const overflow = this.beyondLimit();
      if (overflow !== NOWHERE) {
        return overflow;
      }
    }
    const { slot, isNew } = this.takeSlot(path);
    const shared = this.facade.texts.share(path);
    if (isNew || this.outside.delete(slot)) {
      this.trie.add(shared, slot);
    } else {
      this.trie.lead(shared, slot);
    }
    return slot;
  }

  /** Where a new set goes when the trie is full. */
  beyondLimit(): number {
    return this.overflowSlot();
  }

  private overflowSlot(): number {
    if (this.storage === Storage.None) {
      return NOWHERE;
    }
    if (this.overflow === NOWHERE) {
      const { slot, isNew } = this.takeSlot(OVERFLOW);
      this.overflow = slot;
      if (isNew) {
        this.outside.add(slot);
      }
    }
    return this.overflow;
  }

  private takeSlot(path: Path): { slot: number; isNew: boolean } {
    const { storage } = this;
    if (storage === Storage.None) {
      return { slot: NOWHERE, isNew: false };
    }
    return this.facade.takeSlot(this.id, storage, writeSet(path));
  }

  /** The slot of a set, if it has one. */
  protected findSlot(path: Path): number {
    return this.facade.findSlot(this.id, this.storage, writeSet(path));
  }

  private pathOf(slot: number): Path {
    return this.facade.pathOf(this.id, this.storage, slot) ?? [];
  }

  protected readonly keeps = (key: string): boolean => {
    if (!this.keptKeys) {
      return true;
    }
    let kept = this.keptKeys.get(key);
    if (kept === undefined) {
      kept = this.facade.provider.keeps(this.id, key);
      if (this.keptKeys.size < KEPT_KEYS) {
        this.keptKeys.set(key, kept);
        if (!kept) {
          this.trie.ignore(key);
        }
      }
    }
    return kept;
  };

  /** Has the slot of a set stay, for a bound handle. */
  protected bindSlot(attributes: object | undefined): Place {
    const slot = this.resolve(attributes);
    let place = this.bound.get(slot);
    if (!place) {
      place = { slot };
      if (slot !== NOWHERE) {
        this.bound.set(slot, place);
      }
    }
    return place;
  }

  /** Whether a slot must stay. */
  protected holds(slot: number): boolean {
    return this.bound.has(slot);
  }

  /** Gives a slot back whose series the engine let go of, unless it is in use. */
  releaseIdle(storage: Storage, slot: number): void {
    const isIdle =
      storage === this.storage &&
      !this.facade.cellsOf(storage)?.isTouched(slot) &&
      !this.holds(slot);
    const path = isIdle
      ? this.facade.pathOf(this.id, storage, slot)
      : undefined;
    if (path) {
      this.drop(path, slot);
    }
  }

  /** Lets go of a set and of its slot, whose values have been handed over. */
  protected drop(path: Path, slot: number): void {
    this.leave(path, slot);
    this.release(slot);
  }

  /** Takes a set out of the trie. */
  protected leave(path: Path, slot: number): void {
    if (!this.outside.delete(slot)) {
      this.trie.delete(path, slot);
    }
    if (this.plain === slot) {
      this.plain = NOWHERE;
    }
  }

  protected release(slot: number): void {
    this.removals++;
    this.outside.delete(slot);
    if (this.overflow === slot) {
      this.overflow = NOWHERE;
    }
    this.facade.releaseSlot(this.storage, slot);
  }

  /** Gives back every slot that nobody holds. */
  protected forget(): void {
    const held = this.releaseUnheld();
    this.trie = this.trie.emptied();
    held.forEach(slot => this.keep(this.pathOf(slot), slot));
  }
}
