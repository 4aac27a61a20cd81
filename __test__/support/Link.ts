import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A TCP address that leads to another one, until it is cut. */
export class Link {
  private server?: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: URL,
    private port: number,
  ) {}

  static async to(
    t: Pick<TestContext, 'after'>,
    target: string,
  ): Promise<Link> {
    const link = new Link(new URL(target), 0);
    await link.mend();
    t.after(() => link.cut());
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Nobody listens there any more. */
  cut(): void {
    this.server?.close();
    this.sockets.forEach(socket => socket.destroy());
    this.sockets.clear();
  }

  /** At the same address again. */
  async mend(): Promise<void> {
    this.server = createServer(incoming => {
      const outgoing = connect(Number(this.target.port), this.target.hostname);
      for (const socket of [incoming, outgoing]) {
        this.sockets.add(socket);
        // The other side hears of it when it is closed.
        socket.on('error', () => socket.destroy());
      }
      incoming.pipe(outgoing).pipe(incoming);
      incoming.once('close', () => outgoing.destroy());
      outgoing.once('close', () => incoming.destroy());
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as { port: number }).port;
  }
}
