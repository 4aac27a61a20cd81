import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import {
  createServer as createTlsServer,
  type ServerOptions,
} from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What a request was. */
export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  /** The form, or the URL's parameters. */
  parameters: URLSearchParams;
}

export type Answer = (asked: Asked, response: ServerResponse) => unknown;

/** A server that stands for Prometheus and answers as it is told. Ends with the test. */
export class UpstreamServer {
  readonly asked: Asked[] = [];
  /** Requests whose connection ended before their answer did. */
  abandoned = 0;

  private constructor(readonly url: string) {}

  static async start(
    t: Pick<TestContext, 'after'>,
    answer: Answer,
    tls?: ServerOptions,
  ): Promise<UpstreamServer> {
    const server: Server = tls ? createTlsServer(tls) : createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const fake = new UpstreamServer(
      tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    );
    const take: RequestListener = (request, response) => {
      void fake.take(request, response, answer);
    };
    server.on('request', take);
    return fake;
  }

  private async take(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
  ): Promise<void> {
    response.on('close', () => {
      this.abandoned += response.writableFinished ? 0 : 1;
    });
    let form = '';
    for await (const chunk of request.setEncoding('utf8')) {
      form += String(chunk);
    }
    const { method = '', url = '', headers } = request;
    const parameters = new URLSearchParams(form || url.split('?')[1]);
    const asked = { method, url, headers, parameters };
    this.asked.push(asked);
    await answer(asked, response);
  }
}

/** Ends a response with JSON. */
export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
