import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to who asks for any, and to connections; beyond 10 080, the last that
 * `fetch` refuses to go to (Fetch standard, "Port blocking").
 */
const FIRST = 10_100;
const COUNT = 22_000;
/** More than a test file asks for in the time until a program has opened its port. */
const EACH = 40;

/** Files that run side by side begin apart. */
let next = process.pid * EACH;

/**
 * A port that was free a moment ago, for programs that cannot choose one themselves. Nobody gets it by
 * chance meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + (next++ % COUNT);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
        continue;
      }
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
