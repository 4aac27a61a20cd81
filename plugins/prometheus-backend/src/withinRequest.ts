import type { Socket } from 'node:net';
import type { Request, Response } from 'express';
import { untilAborted, UpstreamTimeoutError } from './client';

/** The client has closed its connection: there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';

  constructor() {
    super('The client has closed its connection');
  }
}

/** Who wants to hear of a connection's end: there may be many requests in one. */
const watchers = new WeakMap<Socket, Set<() => void>>();

/**
 * Runs what answers a request until it has an answer, the client is gone or the time is up,
 * whatever it waits for: credentials, the catalog, other queries or a server.
 *
 * @param timeout - milliseconds
 * @param run - its signal aborts with whichever ended it
 * @throws ClientGoneError also where the client left before this was called
 * @throws UpstreamTimeoutError when the time is up
 */
export async function withinRequest<T>(
  request: Request,
  response: Response,
  timeout: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const leave = () => end.abort(new ClientGoneError());
  // The body was awaited before this, and answers wait for those of earlier requests: such a
  // response has no connection yet, and never hears of its end.
  response.once('close', leave);
  const unwatch = watch(request.socket, leave);
  if (response.closed || request.socket.destroyed) {
    leave();
  }
  const timer = setTimeout(() => {
    end.abort(
      new UpstreamTimeoutError(
        `There was no answer within ${timeout / 1000} s, waiting for other queries included; a shorter range or a simpler query may help`,
      ),
    );
  }, timeout);
  try {
    return await untilAborted(end.signal, run);
  } finally {
    clearTimeout(timer);
    response.off('close', leave);
    unwatch();
  }
}

function watch(socket: Socket, leave: () => void): () => void {
  const known = watchers.get(socket);
  const leaving = known ?? new Set();
  leaving.add(leave);
  if (!known) {
    watchers.set(socket, leaving);
    socket.once('close', () => leaving.forEach(each => each()));
  }
  return () => leaving.delete(leave);
}
