import { performance } from 'node:perf_hooks';
import type { KnexQuery } from './knex';

/** Streamed queries and those given up by `.timeout()` start, and nobody tells when they end. */
const MAX_PENDING = 10_000;

/** When the queries began that have not ended. */
export class QueryTimer {
  private readonly starts = new Map<string, number>();

  started(query: KnexQuery): void {
    if (this.starts.size >= MAX_PENDING) {
      const [oldest] = this.starts.keys();
      this.starts.delete(oldest);
    }
    this.starts.set(keyOf(query), performance.now());
  }

  /** Seconds since it began; `undefined` when that is not known. */
  ended(query: KnexQuery): number | undefined {
    const key = keyOf(query);
    const start = this.starts.get(key);
    this.starts.delete(key);
    return start === undefined ? undefined : (performance.now() - start) / 1000;
  }
}

/** Knex gives queries of its schema builder no id. */
function keyOf({ __knexQueryUid, __knexUid, sql }: KnexQuery): string {
  return __knexQueryUid ?? `${__knexUid} ${sql}`;
}
