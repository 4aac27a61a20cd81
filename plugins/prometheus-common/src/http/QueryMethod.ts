/** How a query is sent: POST has no limit of length, GET is all that some servers and proxies allow. */
export type HttpMethod = 'GET' | 'POST';

export const HTTP_METHODS: HttpMethod[] = ['GET', 'POST'];

/**
 * What refuses a method rather than the query. Prometheus' own client for Go goes on with GET after
 * 405 and 501; gateways say 403.
 */
const REFUSALS = [403, 405, 501];

/**
 * Whether an answer may be about its request's method alone: a proxy that does not let a method
 * through may say that there is nothing, as Backstage's does with an empty 404.
 */
export function mayRefuseMethod(status: number, body: string): boolean {
  return REFUSALS.includes(status) || (status === 404 && body.trim() === '');
}

/**
 * By which method a server takes queries: the one that it took last, POST at first. With a
 * configured one the other is not tried.
 */
export class QueryMethod {
  private preferred: HttpMethod;

  constructor(private readonly configured?: HttpMethod) {
    this.preferred = configured ?? 'POST';
  }

  /** The methods to try, in their order. */
  get order(): HttpMethod[] {
    const other = this.preferred === 'POST' ? 'GET' : 'POST';
    return this.configured ? [this.configured] : [this.preferred, other];
  }

  /** The server has taken a query by it. */
  remember(method: HttpMethod): void {
    this.preferred = method;
  }
}
