import { InputError, ServiceUnavailableError } from '@backstage/errors';
import { AnswerError } from '@nativestage/backstage-plugin-prometheus-common';
import { ZodError } from 'zod';
import type { EndpointName } from './Endpoint';
import { UpstreamTimeoutError } from './errors';

/** UTF-16 code units of a server's text that are passed on. */
const MAX_TEXT = 1000;

/** What of a server's text could tell where it is, or with what it was asked. */
const TRANSPORT = [
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi,
  /(?<=\blookup )\S+/g,
  /\[[0-9a-f:.%]*:[0-9a-f:.%]*\](?::\d+)?/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g,
  /\b(?=[\w.-]*[a-z])[\w-]+(?:\.[\w-]+)*:\d{2,5}\b/gi,
];

/** The error of an answer, as Prometheus' API has it. */
export interface ApiError {
  errorType?: unknown;
  error?: unknown;
}

/**
 * A server's own words, without addresses and credentials.
 *
 * @param hosts - names that are left out too where they are whole words
 */
export function publicText(text: string, hosts: string[] = []): string {
  let clean = clip(text);
  for (const pattern of [...TRANSPORT, ...hosts.map(toPattern)]) {
    clean = clean.replace(pattern, '[…]');
  }
  return clean;
}

/**
 * Before the patterns, whose time grows with the square of the length; no word is cut in two. What is
 * wrong may be at either end: VictoriaMetrics repeats the query first.
 */
function clip(text: string): string {
  const half = MAX_TEXT / 2;
  return text.length > MAX_TEXT
    ? `${text.slice(0, half).replace(/\S*$/, '')}…${text.slice(-half).replace(/^\S*/, '')}`
    : text;
}

function toPattern(host: string): RegExp {
  const escaped = host.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.-])${escaped}(?![\\w-])`, 'gi');
}

/** An answer that says what went wrong: with the server's text. */
export function fromAnswer(
  endpoint: EndpointName,
  status: number,
  { errorType, error }: ApiError,
  hosts: string[],
): Error {
  const text = publicText(typeof error === 'string' ? error : '', hosts);
  const kind = typeof errorType === 'string' ? errorType : '';
  if (kind === 'timeout') {
    return new UpstreamTimeoutError(`Prometheus gave up on the query: ${text}`);
  }
  if (status === 429 || status >= 500 || status < 400) {
    return fromStatus(endpoint, status, text);
  }
  if (status === 401 || status === 403) {
    return fromStatus(endpoint, status);
  }
  return new InputError(
    kind === 'execution'
      ? `Prometheus could not execute the query: ${text}`
      : `Prometheus refused the query: ${text}`,
  );
}

/** An answer that is not of the server's API. */
export function fromStatus(
  { title, product }: EndpointName,
  status: number,
  text = '',
): Error {
  return new ServiceUnavailableError(
    `The ${title} ${reason(status, product)}${text && `: ${text}`}`,
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
  return new ServiceUnavailableError(
    `The ${title} gave an answer that is not of the API of ${product}`,
  );
}

/**
 * Reads an answer.
 *
 * @throws ServiceUnavailableError where that is a SyntaxError, a ZodError or an AnswerError
 */
export function understand<T>(endpoint: EndpointName, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SyntaxError ||
      error instanceof ZodError ||
      error instanceof AnswerError
      ? notUnderstood(endpoint)
      : error;
  }
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
