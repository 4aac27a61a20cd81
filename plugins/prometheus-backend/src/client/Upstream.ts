import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '@backstage/errors';
import {
  type HttpMethod,
  mayRefuseMethod,
  QueryMethod,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Agent, type Dispatcher } from 'undici';
import { CredentialError } from './auth/Authentication';
import type { Endpoint } from './Endpoint';
import { UpstreamTimeoutError } from './errors';
import { JsonReader, type Shape } from './JsonReader';
import { headersOf } from './requestHeaders';
import type { ServerTexts } from './ServerTexts';
import type { RequestSigner, RequestToSign } from './signRequest';
import { untilAborted } from './untilAborted';
import {
  fromAnswer,
  fromFailure,
  isShapeError,
  notUnderstood,
  understand,
  withoutCredentials,
} from './upstreamErrors';

export interface UpstreamOptions {
  /** Milliseconds for a whole request, its answer included. */
  timeout: number;
  /** Bytes of an answer, after decompression. */
  maxBytes: number;
  /** Connections that are open at once; more requests wait. */
  connections: number;
  /** Signs requests, besides what the configuration says. */
  signRequest?: RequestSigner;
}

export interface UpstreamRequest {
  /** `POST` for queries, which may be long; where that is refused they are sent by GET. */
  method: HttpMethod;
  /** Below the endpoint's address, such as `/api/v1/query_range`. */
  path: string;
  parameters: [name: string, value: string][];
  signal?: AbortSignal;
  /** Less than the {@link UpstreamOptions.maxBytes} of other answers. */
  maxBytes?: number;
  /** Takes the moment of the answer by the clock of who made it, where that is said. */
  onDate?: (date: Date) => void;
}

/** How an answer that is read as a whole is read. */
export interface Reading<T> {
  /** What is done with its parts as they arrive. */
  shape?: Shape;
  /**
   * Takes the JSON, and whether it was cut where there was enough; its SyntaxError, ZodError or
   * AnswerError says that the answer has another shape.
   */
  read: (json: unknown, isCut: boolean) => T;
}

/** Bytes of an answer that is an error. */
const MAX_ERROR = 65_536;

/** What may not be accepted although its stream goes on. */
class TooLarge extends Error {
  constructor(readonly maxBytes: number) {
    super();
  }
}

/**
 * Sends requests to one server. Each is made from scratch; redirects are not followed; whatever goes
 * wrong is an error that does not say where the server is.
 */
export class Upstream {
  private readonly agent: Agent;
  private readonly queryMethod: QueryMethod;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly texts: ServerTexts,
    private readonly options: UpstreamOptions,
  ) {
    this.queryMethod = new QueryMethod(endpoint.httpMethod);
    this.agent = new Agent({
      connections: options.connections,
      // The request's own signal is the only clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: endpoint.tls.connector(options.timeout),
    });
  }

  /**
   * @param onChunk - takes the answer as it arrives, and says whether it wants more of it; what it
   *   throws ends the request
   * @throws InputError for a query that the server refused, or whose answer is too large
   * @throws UpstreamTimeoutError for an answer that takes too long
   * @throws ServiceUnavailableError for everything else that is not the caller's doing
   */
  async send(
    request: UpstreamRequest,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<void> {
    request.signal?.throwIfAborted();
    // `AbortSignal.timeout` would be held for all of its time, however soon the answer is here.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.options.timeout);
    const signal = AbortSignal.any(
      request.signal ? [late.signal, request.signal] : [late.signal],
    );
    try {
      await untilAborted(signal, () =>
        this.sendByAnyMethod(request, signal, onChunk),
      );
    } catch (error) {
      request.signal?.throwIfAborted();
      throw late.signal.aborted ? this.timedOut() : this.toPublic(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** As {@link send}, for an answer that is read as a whole. */
  async ask<T>(
    request: UpstreamRequest,
    { shape, read }: Reading<T>,
  ): Promise<T> {
    const reader = new JsonReader(shape);
    await this.send(request, chunk => {
      reader.write(chunk);
      return !reader.isDone;
    });
    return understand(this.endpoint, () => read(reader.end(), reader.isDone));
  }

  /** Ends all connections; requests that are under way fail. */
  async close(): Promise<void> {
    await this.agent.destroy();
    await this.endpoint.close();
  }

  /** As {@link close}, after the requests that are under way. */
  async retire(): Promise<void> {
    await this.agent.close();
    await this.endpoint.close();
  }

  private async sendByAnyMethod(
    request: UpstreamRequest,
    signal: AbortSignal,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<void> {
    const [first, second] =
      request.method === 'GET' ? ['GET' as const] : this.queryMethod.order;
    const answer = await this.attempt(request, first, signal, onChunk);
    if (!answer) {
      return;
    }
    if (second !== undefined && mayRefuseMethod(answer.status, answer.text)) {
      const other = await this.attempt(request, second, signal, onChunk);
      // Whatever else it says: it is of the query, and no longer of the method.
      if (!other || !mayRefuseMethod(other.status, other.text)) {
        this.queryMethod.remember(second);
      }
      if (!other) {
        return;
      }
      throw new PublicError(
        this.toError(request, isOfMethod(other) ? answer : other),
      );
    }
    throw new PublicError(this.toError(request, answer));
  }

  /** @returns the answer if it is none to the question */
  private async attempt(
    request: UpstreamRequest,
    method: HttpMethod,
    signal: AbortSignal,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<FailedAnswer | undefined> {
    const send = async () => {
      const dispatch = await this.toDispatch(request, method, signal);
      const response = await this.agent.request(dispatch);
      return this.receive(request, response, onChunk);
    };
    const answer = await send();
    // A token may end before the time that was told.
    return answer?.status === 401 && this.endpoint.renew() ? send() : answer;
  }

  private async toDispatch(
    { path, parameters }: UpstreamRequest,
    method: HttpMethod,
    signal: AbortSignal,
  ): Promise<Dispatcher.RequestOptions & { origin: string }> {
    const isPost = method === 'POST';
    const { url: base, queryParameters } = this.endpoint;
    const url = new URL(base);
    url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
    url.search = new URLSearchParams(
      isPost ? queryParameters : [...queryParameters, ...parameters],
    ).toString();
    const body = isPost
      ? new URLSearchParams(parameters).toString()
      : undefined;
    const headers = await headersOf(
      this.endpoint,
      { method, url, body },
      this.options.signRequest && (signed => this.sign(signed)),
    );
    return {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      body,
      signal,
    };
  }

  /** @throws CredentialError that does not say what the signer said: the log does */
  private async sign(request: RequestToSign) {
    try {
      return await this.options.signRequest!(request);
    } catch (error) {
      this.texts.failure(this.endpoint.title, 'could not be signed', error);
      throw new CredentialError(
        'the request could not be signed; the backend’s log says why',
      );
    }
  }

  /** @returns the answer if it is none to the question */
  private async receive(
    request: UpstreamRequest,
    { statusCode: status, headers, body }: Dispatcher.ResponseData,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<FailedAnswer | undefined> {
    const stream = decoded(body, headers['content-encoding']);
    const { maxBytes = Infinity } = request;
    if (status === 200) {
      const date = new Date(String(headers.date));
      if (!Number.isNaN(date.getTime())) {
        request.onDate?.(date);
      }
      const most = Math.min(maxBytes, this.options.maxBytes);
      await this.read(stream, most, onChunk);
      return undefined;
    }
    const chunks: Buffer[] = [];
    await this.read(stream, MAX_ERROR, chunk => chunks.push(chunk) > 0).catch(
      (error: unknown) => {
        if (!(error instanceof TooLarge)) {
          throw error;
        }
      },
    );
    return { status, text: Buffer.concat(chunks).toString() };
  }

  private async read(
    stream: Readable,
    maxBytes: number,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<void> {
    let bytes = 0;
    // Leaving the loop destroys the stream, and with it the connection.
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new TooLarge(maxBytes);
      }
      if (!onChunk(chunk)) {
        break;
      }
    }
  }

  private toError(
    { parameters, path }: UpstreamRequest,
    { status, text }: FailedAnswer,
  ): Error {
    const [, query] = parameters.find(([name]) => name === 'query') ?? [];
    const { title } = this.endpoint;
    const shown = this.texts.queryError({ title, text, status, query });
    return fromAnswer(this.endpoint, path, { status, text, shown });
  }

  private timedOut(): Error {
    return new UpstreamTimeoutError(
      `The ${this.endpoint.title} did not answer within ${this.options.timeout / 1000} s; a shorter range or a simpler query may help`,
    );
  }

  private toPublic(error: unknown): Error {
    if (error instanceof PublicError) {
      return error.error;
    }
    if (error instanceof CredentialError) {
      return withoutCredentials(this.endpoint, error);
    }
    if (error instanceof TooLarge) {
      return new InputError(
        `The answer of the ${this.endpoint.title} is larger than ${error.maxBytes} bytes; a shorter range, a larger step or fewer series may help`,
      );
    }
    return isShapeError(error)
      ? notUnderstood(this.endpoint)
      : fromFailure(this.endpoint, error);
  }
}

/** An answer that says what went wrong. */
interface FailedAnswer {
  status: number;
  text: string;
}

/** Of the method alone, so that the answer by the other one says more. */
function isOfMethod({ status }: FailedAnswer): boolean {
  return status === 405 || status === 501;
}

/** Carries an error that may be shown past those that may not. */
class PublicError extends Error {
  constructor(readonly error: Error) {
    super();
  }
}

function decoded(
  body: Readable,
  encoding: string | string[] | undefined,
): Readable {
  // Its errors are those of the stream that is read.
  return encoding === 'gzip' ? pipeline(body, createGunzip(), () => {}) : body;
}
