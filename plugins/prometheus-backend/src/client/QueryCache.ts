/** What a flight brings back. */
export interface Loaded<T> {
  value: T;
  /** About how much memory it takes. */
  bytes: number;
  /** Milliseconds since 1970; from then on it is asked for again. */
  expiresAt: number;
}

export interface CacheOptions {
  maxEntries: number;
  maxBytes: number;
}

interface Flight {
  result: Promise<Loaded<unknown>>;
  controller: AbortController;
  /** Callers that still want the result. */
  interested: number;
}

/**
 * Lets callers who want the same share one request, and keeps its result for a while. A caller that
 * goes away ends the request only if nobody else waits for it. Failures are not kept.
 */
export class QueryCache {
  /** Least recently used first. */
  private readonly entries = new Map<string, Loaded<unknown>>();
  private readonly flights = new Map<string, Flight>();
  private bytes = 0;

  constructor(private readonly options: CacheOptions) {}

  /**
   * @param key - says everything that the result depends on
   * @param load - is called if there is neither a result nor a request under way; its signal aborts
   *   when the last caller is gone
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
    const flight = this.flights.get(key) ?? this.start(key, load);
    return (await this.join(key, flight, signal)).value as T;
  }

  private fresh(key: string): Loaded<unknown> | undefined {
    const entry = this.entries.get(key);
    if (!entry) {
      return undefined;
    }
    this.remove(key, entry);
    if (entry.expiresAt <= Date.now()) {
      return undefined;
    }
    this.entries.set(key, entry);
    this.bytes += entry.bytes;
    return entry;
  }

  private start(
    key: string,
    load: (signal: AbortSignal) => Promise<Loaded<unknown>>,
  ): Flight {
    const controller = new AbortController();
    const result = load(controller.signal);
    const flight = { result, controller, interested: 0 };
    this.flights.set(key, flight);
    result.then(
      loaded => {
        this.land(key, flight);
        this.keep(key, loaded);
      },
      () => this.land(key, flight),
    );
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

  private keep(key: string, loaded: Loaded<unknown>): void {
    const { maxEntries, maxBytes } = this.options;
    if (loaded.bytes > maxBytes || loaded.expiresAt <= Date.now()) {
      return;
    }
    const old = this.entries.get(key);
    if (old) {
      this.remove(key, old);
    }
    this.entries.set(key, loaded);
    this.bytes += loaded.bytes;
    for (const [oldest, entry] of this.entries) {
      if (this.entries.size <= maxEntries && this.bytes <= maxBytes) {
        break;
      }
      this.remove(oldest, entry);
    }
  }

  private remove(key: string, entry: Loaded<unknown>): void {
    this.entries.delete(key);
    this.bytes -= entry.bytes;
  }
}
