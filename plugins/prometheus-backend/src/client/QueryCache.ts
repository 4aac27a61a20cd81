import { BoundedMap, type Bounds } from './BoundedMap';
import { TooManyRequestsError } from './errors';

/** What a flight brings back. */
export interface Loaded<T> {
  value: T;
  /** About how much memory it takes. */
  bytes: number;
  /** Milliseconds since 1970; from then on it is asked for again. */
  expiresAt: number;
}

export interface CacheOptions extends Bounds {
  /** Milliseconds since it set out for which others join a flight. Defaults to as long as it takes. */
  maxJoin?: number;
  /** That are under way at once; more are refused. Defaults to any number. */
  maxFlights?: number;
}

interface Kept {
  value: unknown;
  /** Milliseconds since 1970, of the question. */
  askedAt: number;
  expiresAt: number;
}

interface Flight {
  result: Promise<Loaded<unknown>>;
  controller: AbortController;
  askedAt: number;
  /** Callers that still want the result. */
  interested: number;
}

/**
 * Lets callers who want the same share one request, and keeps its result for a while. A caller that
 * goes away ends the request only if nobody else waits for it. Failures are not kept.
 */
export class QueryCache {
  private readonly kept: BoundedMap<Kept>;
  /** The latest one of each key. */
  private readonly flights = new Map<string, Flight>();
  private underWay = 0;

  constructor(private readonly options: CacheOptions) {
    this.kept = new BoundedMap(options);
  }

  /**
   * @param key - says everything that the result depends on
   * @param load - is called if there is neither a result nor a request under way that may be joined;
   *   its signal aborts when the last caller is gone
   * @throws TooManyRequestsError when too many requests are under way already
   */
  async get<T>(
    key: string,
    load: (signal: AbortSignal) => Promise<Loaded<T>>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const kept = this.fresh(key);
    if (kept) {
      return kept.value as T;
    }
    const flight = this.joinable(key) ?? this.start(key, load);
    return (await this.join(key, flight, signal)).value as T;
  }

  /** Whether a result is kept. */
  has(key: string): boolean {
    return this.fresh(key) !== undefined;
  }

  /** About how much memory takes what is kept. */
  get bytes(): number {
    return this.kept.bytes;
  }

  private fresh(key: string): Kept | undefined {
    const kept = this.kept.get(key);
    const now = Date.now();
    // A clock that was set back makes nothing younger.
    if (kept && (kept.expiresAt <= now || now < kept.askedAt)) {
      this.kept.delete(key);
      return undefined;
    }
    return kept;
  }

  private joinable(key: string): Flight | undefined {
    const { maxJoin = Infinity } = this.options;
    const flight = this.flights.get(key);
    const age = flight && Date.now() - flight.askedAt;
    return age !== undefined && age >= 0 && age < maxJoin ? flight : undefined;
  }

  private start(
    key: string,
    load: (signal: AbortSignal) => Promise<Loaded<unknown>>,
  ): Flight {
    const { maxFlights = Infinity } = this.options;
    if (this.underWay >= maxFlights) {
      throw new TooManyRequestsError(
        `Too many questions at once: ${maxFlights} are under way; try again in a moment`,
      );
    }
    const controller = new AbortController();
    const askedAt = Date.now();
    const result = load(controller.signal);
    const flight = { result, controller, askedAt, interested: 0 };
    this.flights.set(key, flight);
    this.underWay++;
    result
      .then(
        loaded => this.keep(key, flight, loaded),
        // Whoever waits for it hears of it.
        () => {},
      )
      .finally(() => {
        this.underWay--;
        this.land(key, flight);
      });
    return flight;
  }

  private land(key: string, flight: Flight): void {
    if (this.flights.get(key) === flight) {
      this.flights.delete(key);
    }
  }

  private join(
    key: string,
    flight: Flight,
    signal?: AbortSignal,
  ): Promise<Loaded<unknown>> {
    flight.interested++;
    if (!signal) {
      return flight.result;
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        flight.interested--;
        if (flight.interested === 0) {
          // Whoever asks from now on starts anew.
          this.land(key, flight);
          flight.controller.abort(signal.reason);
        }
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      flight.result
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', leave));
    });
  }

  private keep(
    key: string,
    { askedAt }: Flight,
    { value, bytes, expiresAt }: Loaded<unknown>,
  ): void {
    const known = this.fresh(key);
    // A later question may have been answered first.
    if (expiresAt > Date.now() && !(known && known.askedAt > askedAt)) {
      this.kept.set(key, { value, askedAt, expiresAt }, bytes);
    }
  }
}
