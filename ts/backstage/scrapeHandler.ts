import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { NativePage } from '../../binding';
import { MetricsError, type MetricsErrorCode } from '../common/errors';
import type { NativeMeterProvider } from '../provider/NativeMeterProvider';

/**
 * Requests that a client may send ahead on one connection. Node hands over as many as it reads,
 * thousands a second, and goes on reading while they wait.
 */
const AHEAD = 10;

/** What one connection is answered, one after the other. */
interface Line {
  last: Promise<void>;
  length: number;
}

/**
 * Serves the Prometheus page from a Node HTTP server. It is encoded on another thread and stays in
 * native memory; the event loop passes on pieces as fast as the client takes them.
 */
export function scrapeHandler(provider: NativeMeterProvider) {
  const lines = new WeakMap<Socket, Line>();
  return (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error: unknown) => void,
  ): void => {
    const { socket } = request;
    const line = lines.get(socket) ?? { last: Promise.resolve(), length: 0 };
    if (line.length > AHEAD) {
      socket.destroy();
      return;
    }
    lines.set(socket, line);
    line.length++;
    line.last = line.last
      .then(() => answer(provider, request, response))
      .catch((error: unknown) => {
        if (!response.headersSent && !socket.destroyed) {
          next(error);
        }
        // Otherwise the client has gone, or was cut off so that it takes no half page for a whole.
      })
      .then(() => {
        line.length--;
      });
  };
}

async function answer(
  provider: NativeMeterProvider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.socket.destroyed) {
    return;
  }
  const page = await scrape(provider, request);
  try {
    response.writeHead(page.status, page.headers);
    void page.end().then(({ problem }) => {
      if (problem !== undefined) {
        response.destroy();
      }
    });
    await pipeline(Readable.from(pieces(page), { highWaterMark: 1 }), response);
  } finally {
    page.close();
  }
}

async function scrape(
  { native }: NativeMeterProvider,
  { method, rawHeaders }: IncomingMessage,
): Promise<NativePage> {
  const { code, message, page } = await native.scrape(
    method ?? 'GET',
    rawHeaders,
  );
  if (!page) {
    throw new MetricsError(code as MetricsErrorCode, message ?? code!);
  }
  return page;
}

async function* pieces(page: NativePage): AsyncGenerator<Buffer> {
  for (;;) {
    const { data, problem } = await page.next();
    if (problem !== undefined) {
      throw new MetricsError('ERR_METRICS_EXPORT', problem);
    }
    if (!data) {
      return;
    }
    yield data;
  }
}
