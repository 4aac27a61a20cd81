import type { NativeInstrument } from '../../binding';
import {
  canonicalText,
  cut,
  keptPath,
  type Path,
  readAttributes,
  type Reading,
  readText,
  type SizeLimits,
  sizeLimits,
} from './attributes';
import type { Diagnostics } from './Diagnostics';
import type { ExemplarOwner, Exemplars } from './Exemplars';
import type { Facade, Reshapable, Shape } from './Facade';
import {
  type CountedStorage,
  Series,
  type SeriesOwner,
  Storage,
} from './storage';
import { AttributeTrie } from './trie';

const OVERFLOW = '["otel.metric.overflow",true]';

/** Answers kept per instrument on which keys matter: programs have few, an attacker's must not stay. */
const KEPT_KEYS = 4096;

/** Characters of the attributes that an exemplar has and its series does not. */
const LARGEST_DROPPED = 4096;

/** Where values go that no stream wants. Never read. */
const DISCARD = new Series(
  Storage.None,
  0,
  new Float64Array(1),
  0,
  undefined,
  '',
);

/** What all instruments share: attributes lead to series. */
export abstract class Instrument
  implements Reshapable, SeriesOwner, ExemplarOwner
{
  readonly name: string;
  readonly id: number;
  protected storage: Storage;
  protected trie: AttributeTrie<Series>;
  private limits: SizeLimits;
  /** The series without attributes, once it was used. */
  protected plain: Series | undefined = undefined;
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
    this.keptKeys = native.filtered ? new Map() : undefined;
    this.limits = sizeLimits(native.sets, native.valueLength);
    this.trie = this.makeTrie(native);
  }

  private makeTrie(shape: Shape) {
    return new AttributeTrie<Series>(
      shape.sets,
      shape.filtered,
      () => this.beyondLimit(),
      this.limits,
    );
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
    this.forget();
    const held = this.trie.series();
    this.storage = shape.storage as Storage;
    this.keptKeys = shape.filtered ? new Map() : undefined;
    this.limits = sizeLimits(shape.sets, shape.valueLength);
    this.trie = this.makeTrie(shape);
    this.plain = undefined;
    if (this.storage === Storage.None) {
      // Nobody reads what goes to the old places. Bound handles keep theirs.
      held
        .filter(series => !series.pinned)
        .forEach(series => this.facade.dropSeries(series));
      this.overflowSeries = undefined;
      return;
    }
    for (const series of held) {
      this.place(series, this.storage);
      this.keep(series);
    }
    if (this.overflowSeries) {
      this.place(this.overflowSeries, this.storage);
    }
  }

  /** Whether what is recorded may become an exemplar. */
  capture(_exemplars: readonly Exemplars[] | undefined): void {
    // What is observed is recorded by nobody's request.
  }

  private place(series: Series, storage: CountedStorage): void {
    if (storage !== series.storage) {
      this.facade.moveSeries(this, series, storage);
    }
  }

  /** Takes a series that is held over into a new trie, so that its attributes lead to it. */
  private keep(series: Series): void {
    const path = keptPath(series.path!, series.text);
    series.path = undefined;
    series.furtherPaths = undefined;
    const keeps = (part: Path[number], at: number) =>
      at % 2 === 1
        ? typeof part !== 'string' || cut(part, this.limits.value) === part
        : this.keeps(part as string);
    if (!this.trie.isFull && path.every(keeps)) {
      this.trie.add(path, series);
    }
  }

  /** The series of attributes that the trie does not know as they are. */
  protected resolve(attributes: object | null | undefined): Series {
    if (attributes === undefined || attributes === null) {
      const series = this.plain ?? this.resolvePath([]);
      // Room may be found for it later; until then it is not the overflow series' only name.
      this.plain = series === this.overflowSeries ? undefined : series;
      return series;
    }
    const { path, isTooLarge } = this.read(attributes);
    return isTooLarge ? this.shared() : this.resolvePath(path);
  }

  /**
   * The series where a value belongs whose attributes led to one. Reading them may run the program's
   * code, and that may have dropped what they led to: then the set begins anew.
   */
  protected current(
    found: Series | undefined,
    attributes: object | null | undefined,
  ): Series {
    if (found === undefined) {
      return this.resolve(attributes);
    }
    if (!found.isDropped) {
      return found;
    }
    // From its text, so that no getter runs a second time. The configuration may be another by now.
    const set = readText(found.text);
    const keeps = (at: number) => this.keeps(set[at - (at % 2)] as string);
    return this.resolvePath(set.filter((_, at) => keeps(at)));
  }

  /** Reads attributes, and reports what is left out. */
  private read(attributes: object): Reading {
    const reading = readAttributes(attributes, this.keeps, this.limits);
    if (reading.invalid) {
      this.diagnostics.invalidAttribute(this.name, reading.invalid);
    }
    if (reading.cut) {
      this.diagnostics.cutAttribute(this.name, reading.cut, this.limits.value);
    }
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
    return path.length === 0 ? undefined : canonicalText(path);
  }

  private resolvePath(path: Path): Series {
    if (this.storage === Storage.None) {
      return DISCARD;
    }
    const known = this.trie.get(path);
    if (known) {
      return known;
    }
    const text = canonicalText(path);
    const reordered = this.trie.getSet(text);
    if (reordered) {
      this.trie.lead(this.facade.texts.share(path), reordered);
      return reordered;
    }
    if (this.trie.isFull) {
      const overflow = this.beyondLimit();
      if (overflow) {
        return overflow;
      }
    }
    const series = this.facade.addSeries(this, this.storage, text);
    this.trie.add(this.facade.texts.share(path), series);
    return series;
  }

  /** Where a new set goes when the trie is full. */
  protected beyondLimit(): Series | undefined {
    return this.shared();
  }

  /** The overflow series. */
  private shared(): Series {
    if (this.storage === Storage.None) {
      return DISCARD;
    }
    this.overflowSeries ??= this.facade.addSeries(this, this.storage, OVERFLOW);
    return this.overflowSeries;
  }

  /**
   * What {@link readAttributes} made of attributes, as the engine and the trie know the set;
   * `undefined` where there is none.
   */
  protected textOf(attributes: object): string | undefined {
    const { path, isNoSet, isTooLarge } = this.read(attributes);
    return isNoSet || isTooLarge ? undefined : canonicalText(path);
  }

  private readonly keeps = (key: string): boolean => {
    if (!this.keptKeys) {
      return true;
    }
    let kept = this.keptKeys.get(key);
    if (kept === undefined) {
      kept = this.facade.native.keeps(this.id, key);
      if (this.keptKeys.size < KEPT_KEYS) {
        this.keptKeys.set(key, kept);
        if (!kept) {
          this.trie.ignore(key);
        }
      }
    }
    return kept;
  };

  holds(series: Series): boolean {
    return series.pinned;
  }

  dropSeries(series: Series): void {
    this.trie.delete(series);
    if (this.plain === series) {
      this.plain = undefined;
    }
    if (this.overflowSeries === series) {
      this.overflowSeries = undefined;
    }
    this.facade.dropSeries(series);
  }

  /** Gives back every slot that nobody holds. */
  protected forget(): void {
    for (const series of [...this.trie.series(), this.overflowSeries]) {
      if (series && !this.holds(series)) {
        this.dropSeries(series);
      }
    }
  }
}
