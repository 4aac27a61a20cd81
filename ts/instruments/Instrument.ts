import type { NativeInstrument } from '../../binding';
import {
  cut,
  OVERFLOW,
  type Path,
  readAttributes,
  type Reading,
  type SizeLimits,
  sizeLimits,
  textOfSet,
  UNLIMITED,
  wellFormed,
  writeSet,
} from './attributes';
import type { Diagnostics } from './Diagnostics';
import type { ExemplarOwner, Exemplars, Reservoirs } from './Exemplars';
import type { Facade, Reshapable, Shape } from './Facade';
import { SetsOutside } from './SetsOutside';
import { NO_CELLS, Storage } from './storage';
import { AttributeTrie, NOWHERE, type TrieOwner } from './trie';

/** Answers kept per instrument on which keys matter: programs have few, an attacker's must not stay. */
const KEPT_KEYS = 4096;

/** Characters of the attributes that an exemplar has and its series does not. */
const LARGEST_DROPPED = 4096;

/**
 * Bound handles of a disabled instrument that are remembered for the time when it is enabled. Others
 * look their slot up then, at each value.
 */
const MOST_UNPLACED = 4096;

/** Where a bound handle records. */
export interface Place {
  /** Another one when the configuration moves its values. */
  slot: number;
}

/** That of an instrument which nobody reads: no attribute is looked at, which took half of its record. */
class NoTrie extends AttributeTrie {
  override find(): number {
    return NOWHERE;
  }
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
  /** Sets whose slots are in use and that have no place in the trie. */
  protected readonly outside = new SetsOutside();
  /** By slot, the places of bound handles: their slots must stay. */
  private readonly bound = new Map<number, Place[]>();
  /** Places of bound handles that have no slot while nothing wants what is recorded. */
  private readonly unplaced = new Map<
    string,
    { path: Path; places: Place[] }
  >();
  /** Which keys some stream keeps; asked once a key, and only when some stream drops any. */
  private keptKeys: Map<string, boolean> | undefined;
  /** The set that attributes led to while their reading removed it. */
  private lostPath: Path | undefined = undefined;
  removals = 0;
  /** Whether it counts in whole numbers. */
  abstract readonly int: boolean;

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
    const Trie = this.storage === Storage.None ? NoTrie : AttributeTrie;
    return new Trie(shape.sets, shape.filtered, this, this.limits);
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
    this.storage = shape.storage as Storage;
    this.keptKeys = shape.filtered ? new Map() : undefined;
    this.limits = sizeLimits(shape.sets, shape.valueLength);
    this.trie = this.makeTrie(shape);
    this.findCells();
    for (const [slot, path] of held) {
      if (this.storage === from) {
        this.keep(path, slot);
        continue;
      }
      this.facade.releaseSlot(from, slot);
      this.outside.delete(slot);
      const moved = this.takeSlot(path);
      const places = this.bound.get(slot) ?? [];
      this.bound.delete(slot);
      for (const place of places) {
        place.slot = moved;
      }
      if (this.overflow === slot) {
        this.overflow = moved;
      }
      if (moved !== NOWHERE) {
        if (places.length > 0) {
          this.bound.set(moved, places);
        }
        this.keep(path, moved);
      } else {
        this.setAside(path, places);
      }
    }
    this.placeAll();
  }

  private setAside(path: Path, places: Place[]): void {
    if (places.length > 0 && this.unplaced.size < MOST_UNPLACED) {
      this.unplaced.set(textOfSet(path), { path, places });
    }
  }

  /** Gives slots to the bound handles that have none. */
  private placeAll(): void {
    if (this.storage === Storage.None) {
      return;
    }
    for (const { path, places } of this.unplaced.values()) {
      const slot = this.slotOf(path.filter(this.isKept(path)));
      for (const place of places) {
        place.slot = slot;
      }
      // Those of other sets, where no stream keeps what tells them apart.
      const others = this.bound.get(slot) ?? [];
      this.bound.set(slot, [...others, ...places]);
    }
    this.unplaced.clear();
  }

  /** Gives back every slot that nobody holds, and abandons the trie. Returns the others. */
  private releaseUnheld(): [slot: number, path: Path][] {
    const held = new Map(this.outside);
    const slots = this.trie.slots();
    const inTrie = new Set([...slots].filter(slot => this.holds(slot)));
    if (inTrie.size > 0) {
      this.trie.paths(inTrie).forEach((path, slot) => held.set(slot, path));
    }
    this.trie.abandon();
    this.plain = NOWHERE;
    held.forEach((_, slot) => slots.add(slot));
    for (const slot of slots) {
      if (!this.holds(slot)) {
        held.delete(slot);
        this.release(slot);
      }
    }
    // Those that came first have the first places in a smaller trie.
    return [...held].sort(([a], [b]) => a - b);
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
      this.outside.add(path, slot);
    }
  }

  /** Looks where the cells of its storage are. */
  findCells(): void {
    this.cells = this.facade.cellsOf(this.storage)?.values ?? NO_CELLS;
  }

  /** Whether what is recorded may become an exemplar. */
  capture(
    _exemplars: readonly Exemplars[] | undefined,
    _reservoirs: Reservoirs | undefined,
  ): void {
    // What is observed is recorded by nobody's request.
  }

  /** As {@link Reshapable} has it. */
  readonly failedReservoir = (problem: string): void => {
    this.diagnostics.failedReservoir(this.name, problem);
  };

  /** As {@link ExemplarOwner} has it. */
  complete(attributes: object | null | undefined): Path {
    const limits = { ...UNLIMITED, value: this.limits.value };
    const { path } = readAttributes(attributes ?? {}, () => true, limits);
    return wellFormed(path);
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
      return this.slotOf(lost.filter(this.isKept(lost)));
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
    const reordered = this.trie.getReordered(path);
    if (reordered !== NOWHERE) {
      this.trie.lead(this.facade.texts.share(path), reordered);
      return reordered;
    }
    if (this.trie.isFull) {
      const overflow = this.beyondLimit();
      if (overflow !== NOWHERE) {
        return overflow;
      }
    }
    const outside = this.outside.find(path);
    this.outside.delete(outside);
    const shared = this.facade.texts.share(path);
    const slot = outside === NOWHERE ? this.takeSlot(shared) : outside;
    this.trie.add(shared, slot);
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
      this.overflow = this.findSlot(OVERFLOW);
      if (this.overflow === NOWHERE) {
        this.overflow = this.takeSlot(OVERFLOW);
        this.outside.add(OVERFLOW, this.overflow);
      }
    }
    return this.overflow;
  }

  private takeSlot(path: Path): number {
    const { storage } = this;
    return storage === Storage.None
      ? NOWHERE
      : this.facade.takeSlot(this.id, storage, path);
  }

  /** The slot of a set, or {@link NOWHERE}. */
  protected findSlot(path: Path): number {
    for (const slot of [this.trie.get(path), this.trie.getReordered(path)]) {
      if (slot !== NOWHERE) {
        return slot;
      }
    }
    return this.outside.find(path);
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

  /** Which parts of a path are of keys that some stream keeps. */
  private isKept(path: Path): (part: Path[number], at: number) => boolean {
    return (_, at) => this.keeps(path[at - (at % 2)] as string);
  }

  /** Has the slot of a set stay, for a bound handle. */
  protected bindSlot(attributes: object | undefined): Place {
    if (this.storage === Storage.None) {
      return this.bindLater(attributes);
    }
    const slot = this.resolve(attributes);
    let places = this.bound.get(slot);
    if (!places) {
      places = [{ slot }];
      if (slot !== NOWHERE) {
        this.bound.set(slot, places);
      }
    }
    return places[0];
  }

  /** A place that gets its slot once something wants what is recorded. */
  private bindLater(attributes: object | undefined): Place {
    const { path } = this.read(attributes ?? {});
    const known = this.unplaced.get(textOfSet(path));
    const places = known?.places ?? [{ slot: NOWHERE }];
    this.setAside(path, places);
    return places[0];
  }

  /** Whether a slot must stay. */
  protected holds(slot: number): boolean {
    return this.bound.has(slot);
  }

  /** Gives the slot back of a series that the engine let go of, unless it is in use or another's by now. */
  releaseIdle(storage: Storage, slot: number, path: Path): void {
    const isIdle =
      storage === this.storage &&
      this.findSlot(path) === slot &&
      !this.facade.cellsOf(storage)?.isTouched(slot) &&
      !this.holds(slot);
    if (isIdle) {
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
    held.forEach(([slot, path]) => this.keep(path, slot));
  }
}
