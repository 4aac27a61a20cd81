import { InputError, ServiceUnavailableError } from '@backstage/errors';
import { AnswerError } from '@nativestage/backstage-plugin-prometheus-common';
import { ZodError } from 'zod';
import type { EndpointName } from './Endpoint';
import { UpstreamTimeoutError } from './errors';
import { toApiError } from './ServerTexts';

/**
 * An answer that says what went wrong.
 *
 * @param text - of the answer
 * @param shown - what of that is about the query, and may be shown
 */
export function fromAnswer(
  endpoint: EndpointName,
  status: number,
  text: string,
  shown?: string,
): Error {
  const answer = toApiError(text);
  if (answer?.errorType === 'timeout') {
    return new UpstreamTimeoutError(
      `The ${endpoint.title} gave up on the query; a shorter range or a simpler query may help`,
    );
  }
  if (!answer || (status !== 400 && status !== 422)) {
    return fromStatus(endpoint, status);
  }
  const what =
    answer.errorType === 'execution'
      ? 'Prometheus could not execute the query'
      : 'Prometheus refused the query';
  return new InputError(
    shown === undefined
      ? `${what} for a reason that is not in the query; the backend’s log says which`
      : `${what}: ${shown}`,
  );
}

/** An answer that is not of the server's API. */
export function fromStatus(
  { title, product }: EndpointName,
  status: number,
): Error {
  return new ServiceUnavailableError(`The ${title} ${reason(status, product)}`);
}

/** A request without an answer. The code says what happened, and not where. */
export function fromFailure({ title }: EndpointName, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  const detail = typeof code === 'string' ? ` (${code})` : '';
  return new ServiceUnavailableError(`The ${title} cannot be reached${detail}`);
}

/** An answer of another shape. */
export function notUnderstood({ title, product }: EndpointName): Error {
  return new ServiceUnavailableError(
    `The ${title} gave an answer that is not of the API of ${product}`,
  );
}

/**
 * Reads an answer.
 *
 * @throws ServiceUnavailableError where that is an {@link isShapeError}
 */
export function understand<T>(endpoint: EndpointName, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw isShapeError(error) ? notUnderstood(endpoint) : error;
  }
}

/** Whether an error says that an answer has another shape. */
export function isShapeError(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    error instanceof ZodError ||
    error instanceof AnswerError
  );
}

function reason(status: number, product: string): string {
  if (status >= 300 && status < 400) {
    return `answered with a redirect (HTTP ${status}), which is not followed; its url has to be the final one`;
  }
  switch (status) {
    case 401:
    case 403:
      return `refused the backend's credentials (HTTP ${status})`;
    // VictoriaMetrics and vmalert say 400 of a path that they do not have.
    case 400:
    case 404:
    case 405:
      return `has no ${product} API at its url (HTTP ${status})`;
    case 429:
      return 'is asked too much (HTTP 429)';
    default:
      return `answered with HTTP ${status}`;
  }
}
