import { useEffect, useState } from 'react';

/** A request, as far as it is. */
export interface RequestState<T> {
  /** The last answer about the same subject; there while the next one is loading, and when it fails. */
  data?: T;
  /** Why the last request failed. */
  error?: Error;
  isLoading: boolean;
}

/** What a request has to be given: a signal that ends it. */
export type Request<T> = (signal: AbortSignal) => Promise<T>;

interface Answer<T> {
  subject: string;
  /** What it is the answer to. */
  request?: Request<T>;
  now?: number;
  data?: T;
  error?: Error;
}

/**
 * Runs a request whenever it is another one, and ends the one before. Requests about the same
 * subject keep the picture of the last one until there is a newer.
 *
 * @param request from `useCallback`; `undefined` for none as yet
 * @param now for a request that does not say when it is asked: runs it again when it changes
 */
export function useRequest<T>(
  subject: string,
  request: Request<T> | undefined,
  now?: number,
): RequestState<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ subject });
  useEffect(() => {
    if (!request) {
      return undefined;
    }
    const abort = new AbortController();
    const settle = (found: Pick<Answer<T>, 'data' | 'error'>) => {
      if (!abort.signal.aborted) {
        setAnswer(last => ({
          subject,
          request,
          now,
          data: last.subject === subject ? last.data : undefined,
          ...found,
        }));
      }
    };
    request(abort.signal).then(
      data => settle({ data }),
      (error: unknown) =>
        settle({
          error: error instanceof Error ? error : new Error(String(error)),
        }),
    );
    return () => abort.abort();
  }, [subject, request, now]);
  const isLoading = answer.request !== request || answer.now !== now;
  if (answer.subject !== subject) {
    return { isLoading };
  }
  const { data, error } = answer;
  return { data, error, isLoading };
}
