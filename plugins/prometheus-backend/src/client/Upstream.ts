import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '@backstage/errors';
import { Agent, type Dispatcher } from 'undici';
import type { Endpoint } from './Endpoint';
import { UpstreamTimeoutError } from './errors';
import { JsonReader, type Shape } from './JsonReader';
import type { ServerTexts } from './ServerTexts';
import {
  fromAnswer,
  fromFailure,
  isShapeError,
  notUnderstood,
  understand,
} from './upstreamErrors';

export interface UpstreamOptions {
  /** Milliseconds for a whole request, its answer included. */
  timeout: number;
  /** Bytes of an answer, after decompression. */
  maxBytes: number;
  /** Connections that are open at once; more requests wait. */
  connections: number;
}

export interface UpstreamRequest {
  method: 'GET' | 'POST';
  /** Below the endpoint's address, such as `/api/v1/query_range`. */
  path: string;
  parameters: [name: string, value: string][];
  signal?: AbortSignal;
  /** Less than the {@link UpstreamOptions.maxBytes} of other answers. */
  maxBytes?: number;
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

  constructor(
    private readonly endpoint: Endpoint,
    private readonly texts: ServerTexts,
    private readonly options: UpstreamOptions,
  ) {
    this.agent = new Agent({
      connections: options.connections,
      // The request's own signal is the only clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ...endpoint.tls, timeout: options.timeout },
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
      const response = await this.agent.request(
        this.toDispatch(request, signal),
      );
      await this.receive(request, response, onChunk);
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
  }

  private toDispatch(
    { method, path, parameters }: UpstreamRequest,
    signal: AbortSignal,
  ): Dispatcher.RequestOptions & { origin: string } {
    const form = new URLSearchParams(parameters).toString();
    const isPost = method === 'POST';
    const { url, headers } = this.endpoint;
    const target = `${url.pathname.replace(/\/$/, '')}${path}`;
    return {
      origin: url.origin,
      path: isPost || form === '' ? target : `${target}?${form}`,
      method,
      headers: {
        ...headers,
        accept: 'application/json',
        'accept-encoding': 'gzip',
        ...(isPost && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: isPost ? form : undefined,
      signal,
    };
  }

  private async receive(
    request: UpstreamRequest,
    { statusCode, headers, body }: Dispatcher.ResponseData,
    onChunk: (chunk: Buffer) => boolean,
  ): Promise<void> {
    const stream = decoded(body, headers['content-encoding']);
    const { maxBytes = Infinity } = request;
    if (statusCode === 200) {
      const most = Math.min(maxBytes, this.options.maxBytes);
      await this.read(stream, most, onChunk);
      return;
    }
    const chunks: Buffer[] = [];
    await this.read(stream, MAX_ERROR, chunk => chunks.push(chunk) > 0).catch(
      (error: unknown) => {
        if (!(error instanceof TooLarge)) {
          throw error;
        }
      },
    );
    const text = Buffer.concat(chunks).toString();
    throw new PublicError(this.toError(request, statusCode, text));
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
    { parameters }: UpstreamRequest,
    status: number,
    text: string,
  ): Error {
    const [, query] = parameters.find(([name]) => name === 'query') ?? [];
    const { title } = this.endpoint;
    const shown = this.texts.queryError({ title, text, status, query });
    return fromAnswer(this.endpoint, status, text, shown);
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
