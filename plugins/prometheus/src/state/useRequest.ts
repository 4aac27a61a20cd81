import { useEffect, useState } from 'react';

/** A request, as far as it is. */
export interface RequestState<T> {
  /** The last answer about the same subject; there while the next one is loading, and when it fails. */
  data?: T;
  /** Why the last request failed. */
  error?: Error;
  isLoading: boolean;
}

interface Answer<T> extends RequestState<T> {
  subject: string;
}

/**
 * Runs a request whenever it is another one, and ends the one before. Requests about the same
 * subject keep the picture of the last one until there is a newer.
 *
 * @param request from `useCallback`; `undefined` for none as yet
 */
export function useRequest<T>(
  subject: string,
  request: ((signal: AbortSignal) => Promise<T>) | undefined,
): RequestState<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ subject, isLoading: true });
  useEffect(() => {
    if (!request) {
      return undefined;
    }
    const abort = new AbortController();
    const { signal } = abort;
    const settle = (next: Omit<RequestState<T>, 'isLoading'>) =>
      signal.aborted ||
      setAnswer(last => ({
        data: last.subject === subject ? last.data : undefined,
        subject,
        isLoading: false,
        ...next,
      }));
    setAnswer(last => ({ ...last, isLoading: true }));
    request(signal).then(
      data => settle({ data, error: undefined }),
      (error: unknown) =>
        settle({
          error: error instanceof Error ? error : new Error(String(error)),
        }),
    );
    return () => abort.abort();
  }, [subject, request]);
  return answer.subject === subject ? answer : { isLoading: true };
}
