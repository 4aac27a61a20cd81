import { type Path, textOfSet } from './attributes';
import { NOWHERE } from './trie';

/** Sets that have a slot and no place in their instrument's trie. */
export class SetsOutside {
  private readonly paths = new Map<number, Path>();
  private readonly slots = new Map<string, number>();

  add(path: Path, slot: number): void {
    this.paths.set(slot, path);
    this.slots.set(textOfSet(path), slot);
  }

  /** Whether it was there. */
  delete(slot: number): boolean {
    const path = this.paths.get(slot);
    if (!path) {
      return false;
    }
    this.paths.delete(slot);
    this.slots.delete(textOfSet(path));
    return true;
  }

  has(slot: number): boolean {
    return this.paths.has(slot);
  }

  /** The slot of a set, or {@link NOWHERE}. */
  find(path: Path): number {
    return this.slots.size === 0
      ? NOWHERE
      : (this.slots.get(textOfSet(path)) ?? NOWHERE);
  }

  /** Every slot and its set. */
  [Symbol.iterator](): Iterator<[slot: number, path: Path]> {
    return this.paths.entries();
  }
}
