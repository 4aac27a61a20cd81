/** What is used of a Knex client. */
export interface KnexClient {
  pool?: object;
  on(event: string, listener: (...args: never[]) => void): void;
}

/** A query as the events of a client tell of it. */
export interface KnexQuery {
  __knexQueryUid?: string;
  /** The connection's. */
  __knexUid?: string;
  method?: string;
  sql?: string;
}

/** What is used of Knex's own kind of pool. */
export interface TarnPool {
  max: number;
  destroyed: boolean;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
  on(event: string, listener: (...args: never[]) => void): void;
}

/** The pool of a client, while it has one, and one that says how it is: a driver's own may not. */
export function poolOf({ pool }: KnexClient): TarnPool | undefined {
  const candidate = pool as Partial<TarnPool> | undefined;
  return typeof candidate?.on === 'function' &&
    typeof candidate.numUsed === 'function' &&
    !candidate.destroyed
    ? (candidate as TarnPool)
    : undefined;
}
