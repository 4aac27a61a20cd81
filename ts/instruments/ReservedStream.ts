import type { Attributes, Context, HrTime } from '@opentelemetry/api';
import type { NativeReserved } from '../../binding';
import { textOf } from '../common/text';
import { isThenable, settled } from '../common/thenable';
import type {
  Exemplar,
  ExemplarReservoir,
  ExemplarReservoirFactory,
} from '../options/exemplarReservoir';
import type { Aggregation } from '../options/options';
import {
  attributesOf,
  type JsonSet,
  OVERFLOW,
  type Path,
  readAttributes,
  textOfSet,
  toJsonSet,
  UNLIMITED,
  wellFormed,
} from './attributes';

/** Exemplars of one series, at most: as many as the engine's own reservoirs may have. */
const MOST_EXEMPLARS = 1000;

/** Characters of the attributes of an exemplar that its series does not have. */
const LARGEST_FILTERED = 4096;

/** Keys of which is remembered whether the stream keeps them: an attacker's must not stay. */
const KEPT_KEYS = 4096;

/** A value as reservoirs get it, and what it was recorded with. */
export interface Measurement {
  value: number;
  time: HrTime;
  path: Path;
  context: Context;
}

/** Of one series, for the engine: value, seconds, nanoseconds, trace id, span id and attributes of each. */
export type GivenExemplar = [number, number, number, string, string, JsonSet];

interface Series {
  set: JsonSet;
  attributes: Attributes;
  /** None where it failed. */
  reservoir: ExemplarReservoir | undefined;
  /** Since it was last collected. */
  isOffered: boolean;
}

/** A stream whose reservoirs a function of the program's makes: one for each series. */
export class ReservedStream {
  private readonly series = new Map<string, Series>();
  private readonly keptKeys = new Map<string, boolean>();

  constructor(
    private plan: NativeReserved,
    private readonly make: ExemplarReservoirFactory,
    /** Asks the engine whether the stream keeps a key. */
    private readonly asks: (key: string) => boolean,
    private readonly failed: (problem: string) => void,
  ) {}

  get stream(): number {
    return this.plan.stream;
  }

  /** Whether it is the same under another configuration, which may have other readers and limits. */
  goesOn(plan: NativeReserved): boolean {
    const { stream, facade, number } = this.plan;
    const isSame =
      plan.stream === stream &&
      plan.facade === facade &&
      plan.number === number;
    if (isSame) {
      this.plan = plan;
    }
    return isSame;
  }

  isReadBy(reader: number): boolean {
    return ((this.plan.readers >>> reader) & 1) === 1;
  }

  offer({ value, time, path, context }: Measurement): void {
    const series = this.seriesOf(this.kept(path));
    series.isOffered = true;
    this.attempt(series, 'offer', reservoir => {
      // Copies: what one reservoir does with them is no other's.
      const attributes = attributesOf(toJsonSet(path));
      const [seconds, nanoseconds] = time;
      const returned: unknown = reservoir.offer(
        value,
        [seconds, nanoseconds],
        attributes,
        context,
      );
      refusePromise(returned);
    });
  }

  private seriesOf(path: Path): Series {
    const key = textOfSet(path);
    const known = this.series.get(key);
    if (known) {
      return known;
    }
    if (this.series.size >= this.plan.series && key !== OVERFLOW_KEY) {
      return this.seriesOf(OVERFLOW);
    }
    const set = toJsonSet(path);
    const series: Series = {
      set,
      attributes: attributesOf(set),
      reservoir: undefined,
      isOffered: false,
    };
    this.series.set(key, series);
    const { name, aggregation } = this.plan;
    try {
      const made: unknown = this.make({
        name,
        aggregation: JSON.parse(aggregation) as Aggregation,
        attributes: attributesOf(set),
      });
      if (!isReservoir(made)) {
        throw new TypeError(
          `it returned ${textOf(made)}, expected an object with the functions offer and collect`,
        );
      }
      series.reservoir = made;
    } catch (error) {
      this.failed(`the function that makes it failed: ${textOf(error)}`);
    }
    return series;
  }

  /** What the reservoirs chose since they were last collected. */
  collect(): [set: JsonSet, exemplars: GivenExemplar[]][] {
    const chosen: [JsonSet, GivenExemplar[]][] = [];
    for (const series of [...this.series.values()]) {
      if (!series.isOffered) {
        continue;
      }
      series.isOffered = false;
      let exemplars: GivenExemplar[] = [];
      this.attempt(series, 'collect', reservoir => {
        const returned: unknown = reservoir.collect(attributesOf(series.set));
        refusePromise(returned);
        exemplars = readExemplars(returned, series.attributes);
      });
      chosen.push([series.set, exemplars]);
    }
    return chosen;
  }

  private attempt(
    series: Series,
    method: string,
    work: (reservoir: ExemplarReservoir) => void,
  ): void {
    if (!series.reservoir) {
      return;
    }
    try {
      work(series.reservoir);
    } catch (error) {
      series.reservoir = undefined;
      this.failed(`${method} failed: ${textOf(error)}`);
    }
  }

  /** Lets go of a series: one that was removed, or, of those without a value for long, `ifIdle`. */
  remove(path: Path, ifIdle: boolean): void {
    const key = textOfSet(this.kept(path));
    if (!ifIdle || this.series.get(key)?.isOffered === false) {
      this.series.delete(key);
    }
  }

  clear(): void {
    this.series.clear();
  }

  /** What the stream keeps of a set. */
  private kept(path: Path): Path {
    if (!this.plan.filtered) {
      return path;
    }
    return path.filter((_, at) => this.keeps(path[at - (at % 2)] as string));
  }

  private keeps(key: string): boolean {
    let kept = this.keptKeys.get(key);
    if (kept === undefined) {
      kept = this.asks(key);
      if (this.keptKeys.size < KEPT_KEYS) {
        this.keptKeys.set(key, kept);
      }
    }
    return kept;
  }
}

const OVERFLOW_KEY = textOfSet(OVERFLOW);

function isReservoir(value: unknown): value is ExemplarReservoir {
  const { offer, collect } = (value ?? {}) as Partial<ExemplarReservoir>;
  return typeof offer === 'function' && typeof collect === 'function';
}

/** @throws TypeError where a function is asynchronous, which nobody waits for */
function refusePromise(returned: unknown): void {
  if (isThenable(returned)) {
    settled(returned).catch(() => {
      // That it is a promise is what is reported.
    });
    throw new TypeError('it returned a promise, and nobody waits for it');
  }
}

/** @throws TypeError naming what is no exemplar */
function readExemplars(
  returned: unknown,
  pointAttributes: Attributes,
): GivenExemplar[] {
  if (!Array.isArray(returned)) {
    throw new TypeError(
      `it returned ${textOf(returned)}, expected a list of exemplars`,
    );
  }
  if (returned.length > MOST_EXEMPLARS) {
    throw new TypeError(
      `it returned ${returned.length} exemplars, expected ${MOST_EXEMPLARS} at most`,
    );
  }
  // Not by map(), which leaves holes.
  return Array.from(returned as unknown[], each =>
    readExemplar(each, pointAttributes),
  );
}

function readExemplar(
  each: unknown,
  pointAttributes: Attributes,
): GivenExemplar {
  const { value, timestamp, filteredAttributes, traceId, spanId } = (each ??
    {}) as Partial<Exemplar>;
  const expected = (what: string, found: unknown, allowed: string) =>
    new TypeError(
      `${what} of an exemplar is ${textOf(found)}, expected ${allowed}`,
    );
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw expected('the value', value, 'a finite number');
  }
  const [seconds, nanoseconds] = Array.isArray(timestamp)
    ? (timestamp as number[])
    : [];
  if (!isCount(seconds) || !isCount(nanoseconds)) {
    throw expected(
      'the timestamp',
      timestamp,
      '[seconds since the epoch, nanoseconds]',
    );
  }
  const id = (what: string, given: unknown): string => {
    if (given !== undefined && typeof given !== 'string') {
      throw expected(what, given, 'text in hexadecimal or undefined');
    }
    return given?.toWellFormed() ?? '';
  };
  return [
    value,
    Math.trunc(seconds),
    Math.trunc(nanoseconds),
    id('the traceId', traceId),
    id('the spanId', spanId),
    readFiltered(filteredAttributes, pointAttributes),
  ];
}

function readFiltered(given: unknown, pointAttributes: Attributes): JsonSet {
  if (given === undefined || given === null) {
    return [];
  }
  const { path, isNoSet } = readAttributes(
    given,
    key => !Object.hasOwn(pointAttributes, key),
    { ...UNLIMITED, set: LARGEST_FILTERED },
  );
  if (isNoSet) {
    throw new TypeError(
      `the filteredAttributes of an exemplar are ${textOf(given)}, expected attributes or undefined`,
    );
  }
  return toJsonSet(wellFormed(path));
}

/** Whether it counts seconds or nanoseconds. */
function isCount(value: unknown): value is number {
  return (
    typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
  );
}
