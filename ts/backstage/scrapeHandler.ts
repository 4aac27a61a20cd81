import type { IncomingMessage, ServerResponse } from 'node:http';
import { outcome } from '../errors';
import type { NativeMeterProvider } from '../NativeMeterProvider';

interface Answer {
  status: number;
  /** Name and value in turn. */
  headers: string[];
  /** Base64: the page may be compressed. */
  body: string;
}

/** Serves the Prometheus page from a Node HTTP server; it is encoded on another thread. */
export function scrapeHandler(provider: NativeMeterProvider) {
  return (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error: unknown) => void,
  ): void => {
    outcome(provider.native.scrape(request.method ?? 'GET', request.rawHeaders))
      .then(json => {
        const { status, headers, body } = JSON.parse(json) as Answer;
        response.writeHead(status, headers);
        response.end(Buffer.from(body, 'base64'));
      })
      .catch(next);
  };
}
