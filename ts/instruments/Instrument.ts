import type { NativeInstrument } from '../../binding';
import { type Pair, readAttributes } from './attributes';
import type { Diagnostics } from './Diagnostics';
import type { Facade, Reshapable } from './Facade';
import { Series, Storage } from './storage';
import { AttributeTrie } from './trie';

const OVERFLOW = ['otel.metric.overflow', true];

/** Where values go that no stream wants. Never read. */
const DISCARD = new Series(Storage.None, 0, new Float64Array(1), 0);

/** What all instruments share: attributes lead to series. */
export abstract class Instrument implements Reshapable {
  readonly name: string;
  protected readonly id: number;
  protected storage: Storage;
  protected trie: AttributeTrie<Series>;
  /** The series without attributes, once it was used. */
  protected plain: Series | undefined = undefined;
  private leaves: number;
  private overflowSeries: Series | undefined = undefined;
  /** Which keys some stream keeps; asked once a key, and only when some stream drops any. */
  private keptKeys: Map<string, boolean> | undefined;

  constructor(
    protected readonly facade: Facade,
    native: NativeInstrument,
    protected readonly diagnostics: Diagnostics,
  ) {
    this.id = native.id;
    this.name = native.name;
    this.storage = native.storage as Storage;
    this.leaves = native.leaves;
    this.keptKeys = native.filtered ? new Map() : undefined;
    this.trie = this.makeTrie(native.leaves);
  }

  private makeTrie(leaves: number): AttributeTrie<Series> {
    return new AttributeTrie<Series>(leaves, () => this.overflow());
  }

  /** The configuration is known now: values may belong elsewhere, attributes may not matter. */
  reshape(shape: { storage: number; leaves: number; filtered: boolean }): void {
    const same =
      shape.storage === this.storage &&
      shape.leaves === this.leaves &&
      !shape.filtered &&
      !this.keptKeys;
    if (same) {
      return;
    }
    this.forget();
    this.leaves = shape.leaves;
    this.storage = shape.storage as Storage;
    this.keptKeys = shape.filtered ? new Map() : undefined;
    this.trie = this.makeTrie(shape.leaves);
  }

  /** The series of attributes that the trie does not know as they are. */
  protected resolve(attributes: object | null | undefined): Series {
    if (attributes === undefined || attributes === null) {
      return (this.plain ??= this.resolvePairs([]));
    }
    const { pairs, invalid } = readAttributes(attributes, this.keeps);
    if (invalid) {
      this.diagnostics.invalidAttribute(this.name, invalid);
    }
    return this.resolvePairs(pairs);
  }

  private resolvePairs(pairs: Pair[]): Series {
    if (this.storage === Storage.None) {
      return DISCARD;
    }
    const known = this.trie.get(pairs)?.series;
    if (known) {
      return known;
    }
    if (this.trie.isFull) {
      return this.overflow();
    }
    const series = this.facade.addSeries(this.id, this.storage, pairs);
    series.enterTrie(this.trie, this.trie.insert(pairs));
    return series;
  }

  private overflow(): Series {
    if (this.storage === Storage.None) {
      return DISCARD;
    }
    this.overflowSeries ??= this.facade.addFlatSeries(
      this.id,
      this.storage,
      OVERFLOW,
    );
    return this.overflowSeries;
  }

  protected readonly keeps = (key: string): boolean => {
    if (!this.keptKeys) {
      return true;
    }
    let kept = this.keptKeys.get(key);
    if (kept === undefined) {
      kept = this.facade.native.keeps(this.id, key);
      this.keptKeys.set(key, kept);
      if (!kept) {
        this.trie.ignore(key);
      }
    }
    return kept;
  };

  /** Gives back every slot that nobody holds a bound handle of. */
  protected forget(): void {
    for (const series of this.trie.series()) {
      if (!series.pinned) {
        this.facade.dropSeries(series);
      }
    }
    if (this.overflowSeries && !this.overflowSeries.pinned) {
      this.facade.dropSeries(this.overflowSeries);
    }
    this.trie.reset();
    this.plain = undefined;
    this.overflowSeries = undefined;
  }
}
