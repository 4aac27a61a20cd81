import { sizeOfString } from './sizeOf';

export interface Bounds {
  maxEntries: number;
  /** About how much memory keys and values may take. */
  maxBytes: number;
}

interface Entry<T> {
  value: T;
  bytes: number;
}

/** What the map itself takes for an entry. */
const ENTRY_BYTES = 200;

/** A map that drops what was not used for longest when there is no more room. */
export class BoundedMap<T> {
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry<T>>();
  private used = 0;

  constructor(private readonly bounds: Bounds) {}

  get bytes(): number {
    return this.used;
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry?.value;
  }

  /**
   * What is larger than all the room is not kept.
   *
   * @param size - of the value, in bytes
   */
  set(key: string, value: T, size: number): void {
    const { maxEntries, maxBytes } = this.bounds;
    this.delete(key);
    const bytes = size + sizeOfString(key) + ENTRY_BYTES;
    if (bytes > maxBytes) {
      return;
    }
    this.entries.set(key, { value, bytes });
    this.used += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= maxEntries && this.used <= maxBytes) {
        break;
      }
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.used -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }
}
