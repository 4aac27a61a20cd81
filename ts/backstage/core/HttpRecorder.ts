import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type {
  MetricsCounter,
  MetricsHistogram,
  MetricsService,
  MetricsUpDownCounter,
} from '../../services/services';
import { harmless } from './decorate';
import { type RequestRoute, requestRoute } from './requestRoute';

const WHAT = 'backstage.core.http';

/** Of the semantic conventions for `http.server.request.duration`. */
const SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Of the semantic conventions; any other is `_OTHER`, as a client may send what it likes. */
const METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

const STATUS_CLASSES = ['', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** Of an answer that was not sent whole. */
const ABORTED = 'aborted';

/** Records the requests of Node's HTTP servers. */
export class HttpRecorder {
  private readonly total: MetricsCounter;
  private readonly duration: MetricsHistogram;
  private readonly active: MetricsUpDownCounter;

  constructor(metrics: MetricsService) {
    this.total = metrics.createCounter('requests.total', {
      description: 'HTTP requests that have ended',
      unit: '{request}',
    });
    this.duration = metrics.createHistogram('requests.duration', {
      description: 'How long HTTP requests took until the answer was sent',
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
    this.active = metrics.createUpDownCounter('requests.active', {
      description: 'HTTP requests that are being answered',
      unit: '{request}',
    });
  }

  started(request: IncomingMessage, response: ServerResponse): void {
    const start = performance.now();
    const raw = request.method ?? '';
    const method = METHODS.has(raw) ? raw : '_OTHER';
    this.active.add(1, { 'http.request.method': method });
    // What waits for a socket that is destroyed counts as written for Node 24 and older.
    let cut = false;
    response.once('finish', () => {
      cut = request.socket.destroyed;
    });
    onceOver(request, response, () =>
      harmless(WHAT, () => {
        this.active.add(-1, { 'http.request.method': method });
        const { route, plugin } = routeOf(request);
        const attributes = {
          'http.request.method': method,
          'http.route': route,
          'http.response.status_class': cut ? ABORTED : statusClass(response),
          plugin,
        };
        this.total.add(1, attributes);
        this.duration.record((performance.now() - start) / 1000, attributes);
      }),
    );
  }
}

/** What to call for the requests of a connection that are not over. */
const OPEN = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls once when a request is over. A response of a pipelined request that waits behind another has no
 * connection yet, and hears nothing of its end.
 */
function onceOver(
  { socket }: IncomingMessage,
  response: ServerResponse,
  over: () => void,
): void {
  let open = OPEN.get(socket);
  if (!open) {
    const all = new Set<() => void>();
    OPEN.set(socket, all);
    // One listener, however many requests the connection carries.
    socket.once('close', () => all.forEach(end => end()));
    open = all;
  }
  const ending = open;
  const end = () => {
    if (ending.delete(end)) {
      over();
    }
  };
  ending.add(end);
  response.on('close', end);
}

/** A request counts, whatever its program has hung on it. */
function routeOf(request: IncomingMessage): RequestRoute {
  let found: RequestRoute = {};
  harmless(`the route of a request in ${WHAT}`, () => {
    found = requestRoute(request);
  });
  return found;
}

function statusClass(response: ServerResponse): string {
  return response.writableFinished
    ? STATUS_CLASSES[Math.floor(response.statusCode / 100)]
    : ABORTED;
}
