import { toJson } from '../common/json';
import { type JsonSet, type Path, toJsonSet } from './attributes';
import type { CountedStorage } from './storage';

/** Changes, and the characters of their sets, that wait for a hand-over before they go on their own. */
const MOST = 256;
const LARGEST = 64 * 1024;

/** What became of a slot: whose it is now, or that it was given back. */
type Change =
  | [storage: number, slot: number, instrument: number, set: JsonSet]
  | [storage: number, slot: number];

/**
 * The numbers under which one environment hands values over: each stands for one set of attributes of
 * one instrument. The engine learns with the next hand-over whose they are.
 */
export class Slots {
  private readonly next = [0, 0, 0];
  private readonly free: number[][] = [[], [], []];
  private changes: Change[] = [];
  /** Of the sets that wait. */
  private characters = 0;

  /** A slot for a set that has none, with so many characters. */
  take(
    storage: CountedStorage,
    instrument: number,
    path: Path,
    characters: number,
  ): number {
    const slot = this.free[storage].pop() ?? this.next[storage]++;
    this.changes.push([storage, slot, instrument, toJsonSet(path)]);
    this.characters += characters;
    return slot;
  }

  /** Takes a slot back: another set may get it. */
  release(storage: CountedStorage, slot: number): void {
    this.free[storage].push(slot);
    this.changes.push([storage, slot]);
  }

  /** Whether so much waits that it should not wait for the next hand-over. */
  get areManyWaiting(): boolean {
    return this.changes.length >= MOST || this.characters >= LARGEST;
  }

  /** What the engine does not know yet, as JSON. */
  takeChanges(): string | undefined {
    if (this.changes.length === 0) {
      return undefined;
    }
    const changes = toJson(this.changes);
    this.changes = [];
    this.characters = 0;
    return changes;
  }
}
