import { once } from 'node:events';
import { createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** How a call ends: `grpc-status`, and what else stands in the trailers. */
export type GrpcAnswer = Record<string, string>;

/** A gRPC server without TLS that reads no message: it notes calls and ends them as told. */
export class GrpcCollector {
  readonly calls: { at: number; body: Buffer; answer: GrpcAnswer }[] = [];
  /** The ends of the next calls; when none is left they succeed. */
  readonly script: GrpcAnswer[] = [];

  private constructor(readonly url: string) {}

  static async start(t: TestContext): Promise<GrpcCollector> {
    const server = createServer();
    const sessions = new Set<Http2Session>();
    server.on('session', session => sessions.add(session));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const collector = new GrpcCollector(`http://127.0.0.1:${port}`);
    server.on('stream', stream => {
      const chunks: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const answer = collector.script.shift() ?? { 'grpc-status': '0' };
        const body = Buffer.concat(chunks);
        collector.calls.push({ at: performance.now(), body, answer });
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc' },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers(answer));
        // An empty message: compression flag and four bytes of length.
        stream.end(answer['grpc-status'] === '0' ? Buffer.alloc(5) : undefined);
      });
    });
    t.after(() => {
      server.close();
      sessions.forEach(session => session.destroy());
    });
    return collector;
  }

  /** The bodies of the calls that succeeded. */
  get taken(): Buffer[] {
    return this.calls
      .filter(({ answer }) => answer['grpc-status'] === '0')
      .map(({ body }) => body);
  }
}

/** `grpc-status-details-bin` with a `google.rpc.RetryInfo` of so many seconds (below 128). */
export function retryInfo(seconds: number): string {
  const bytes = (tag: number, content: Buffer) =>
    Buffer.concat([Buffer.from([(tag << 3) | 2, content.length]), content]);
  const duration = Buffer.from([1 << 3, seconds]);
  const any = Buffer.concat([
    bytes(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')),
    bytes(2, bytes(1, duration)),
  ]);
  return bytes(3, any).toString('base64');
}
