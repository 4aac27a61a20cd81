import { InputError, ServiceUnavailableError } from '@backstage/errors';
import { AnswerError } from '@nativestage/backstage-plugin-prometheus-common';
import { ZodError } from 'zod';
import type { CredentialError } from './auth/Authentication';
import type { EndpointName } from './Endpoint';
import { UpstreamRefusalError, UpstreamTimeoutError } from './errors';
import { toApiError } from './ServerTexts';

/**
 * An answer that says what went wrong.
 *
 * @param path - of the resource that was asked for
 * @param answer - its `shown` is what of its text is about the query, and may be shown
 */
export function fromAnswer(
  endpoint: EndpointName,
  path: string,
  { status, text, shown }: { status: number; text: string; shown?: string },
): Error {
  const answer = toApiError(text);
  if (answer?.errorType === 'timeout') {
    return new UpstreamTimeoutError(
      `The ${endpoint.title} gave up on the query; a shorter range or a simpler query may help`,
    );
  }
  if (!answer || (status !== 400 && status !== 422)) {
    return fromStatus(endpoint, status, path);
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
function fromStatus(
  { title }: EndpointName,
  status: number,
  path: string,
): Error {
  const lasting = lastingReason(status, path);
  return lasting === undefined
    ? new ServiceUnavailableError(`The ${title} ${passingReason(status)}`)
    : new UpstreamRefusalError(`The ${title} ${lasting}`);
}

/** Credentials that are not to be had. */
export function withoutCredentials(
  { title }: EndpointName,
  { message }: CredentialError,
): Error {
  return new UpstreamRefusalError(
    `The ${title} was not asked, for there are no credentials: ${message}`,
  );
}

/** A request without an answer. The code says what happened, and not where. */
export function fromFailure({ title }: EndpointName, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  const detail = typeof code === 'string' ? ` (${code})` : '';
  return new ServiceUnavailableError(`The ${title} cannot be reached${detail}`);
}

/** An answer of another shape. */
export function notUnderstood({ title, product }: EndpointName): Error {
  return new UpstreamRefusalError(
    `The ${title} gave an answer that is not of the API of ${product}`,
  );
}

/**
 * Reads an answer.
 *
 * @throws UpstreamRefusalError where that is an {@link isShapeError}
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

/** What stays as it is until somebody changes the configuration, or the server. */
function lastingReason(status: number, path: string): string | undefined {
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
      return `has no ${path} (HTTP ${status})${missingHelp(path)}`;
    case 405:
    case 501:
      return `does not allow the request's method at ${path} (HTTP ${status})${missingHelp(path)}`;
    case 414:
    case 431:
      return `takes no address that is as long as this query's (HTTP ${status}); it has to allow POST`;
    default:
      return undefined;
  }
}

/** Parts of the API may be elsewhere, or nowhere, while others are there. */
function missingHelp(path: string): string {
  switch (path) {
    case '/api/v1/rules':
      return '; where rules are elsewhere, rulesUrl says where';
    case '/api/v1/query':
    case '/api/v1/query_range':
      return '; its url has to be what stands before /api/v1';
    case '/api/v2/alerts':
      return '; its url has to be what stands before /api/v2';
    default:
      return '';
  }
}

function passingReason(status: number): string {
  return status === 429
    ? 'is asked too much (HTTP 429)'
    : `answered with HTTP ${status}`;
}
