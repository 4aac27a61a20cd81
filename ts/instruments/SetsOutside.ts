import { type Path, textOfSet } from './attributes';
import { NOWHERE } from './trie';

/** Sets that have a slot and no place in their instrument's trie. */
export class SetsOutside {
  /** Made when there is one: few instruments ever have any. */
  private paths: Map<number, Path> | undefined = undefined;
  private slots: Map<string, number> | undefined = undefined;

  add(path: Path, slot: number): void {
    this.paths ??= new Map();
    this.slots ??= new Map();
    this.paths.set(slot, path);
    this.slots.set(textOfSet(path), slot);
  }

  /** Whether it was there. */
  delete(slot: number): boolean {
    const path = this.paths?.get(slot);
    if (!path) {
      return false;
    }
    this.paths?.delete(slot);
    this.slots?.delete(textOfSet(path));
    return true;
  }

  has(slot: number): boolean {
    return this.paths?.has(slot) ?? false;
  }

  /** The slot of a set, or {@link NOWHERE}. */
  find(path: Path): number {
    return this.slots?.size
      ? (this.slots.get(textOfSet(path)) ?? NOWHERE)
      : NOWHERE;
  }

  /** Every slot and its set. */
  [Symbol.iterator](): Iterator<[slot: number, path: Path]> {
    return (this.paths ?? new Map<number, Path>()).entries();
  }
}
