import type { DiscoveryApi, FetchApi } from '@backstage/core-plugin-api';
import {
  InputError,
  NotFoundError,
  ResponseError,
  ServiceUnavailableError,
} from '@backstage/errors';
import {
  type HttpMethod,
  mayRefuseMethod,
  QueryMethod,
} from '@nativestage/backstage-plugin-prometheus-common';
import { isMissing } from './isMissing';
import type { RequestOptions } from './PrometheusApi';

export interface ProxyClientOptions {
  discoveryApi: DiscoveryApi;
  fetchApi: FetchApi;
}

/** An error of Prometheus' API, or of whatever stands between. */
interface Refusal {
  status?: unknown;
  errorType?: unknown;
  error?: unknown;
}

/** What Prometheus says of a query that it cannot answer now; anything else is the query's fault. */
const TEMPORARY = ['timeout', 'canceled', 'unavailable', 'internal'];

/** Where an instance is, and how to ask it. */
export interface ProxyTarget {
  /** An endpoint of Backstage's proxy. */
  proxyPath: string;
  /** The one that is configured; without it whichever the endpoint takes. */
  httpMethod?: HttpMethod;
  /** What every request carries. */
  headers?: Record<string, string>;
}

/** An answer, and when it was made. */
export interface DatedAnswer {
  json: unknown;
  /**
   * Seconds since 1970, by the backend's clock: its proxy leaves out that of the server. Missing for
   * an app of another origin, unless `backend.cors.exposedHeaders` has `Date`.
   */
  answered?: number;
}

/** Prometheus' HTTP API behind an endpoint of Backstage's proxy, whose target ends with `/api/v1/`. */
export class ProxyClient {
  /** By which method an endpoint takes queries, by its path. */
  private readonly methods = new Map<string, QueryMethod>();

  constructor(private readonly options: ProxyClientOptions) {}

  /** Whether the proxy has such an endpoint. */
  async exists(proxyPath: string): Promise<boolean> {
    const response = await this.send({ proxyPath }, 'query?query=1');
    return !(await isMissing(response));
  }

  /** @throws as {@link ProxyClient.query} */
  async get(
    target: ProxyTarget,
    resource: string,
    { signal }: RequestOptions = {},
  ): Promise<DatedAnswer> {
    const response = await this.send(target, resource, { signal });
    const json = await read(response, target.proxyPath, resource);
    const date = Date.parse(response.headers.get('date') ?? '');
    return { json, answered: Number.isNaN(date) ? undefined : date / 1000 };
  }

  /**
   * Sends a form by POST, for queries may be longer than an address may be; where that is refused,
   * by GET.
   *
   * @throws InputError with Prometheus' own message for a query that it refuses
   * @throws ServiceUnavailableError where Prometheus gives up or does not answer
   * @throws NotFoundError where the proxy has no such endpoint, or its target no such API
   * @throws ResponseError for what Backstage itself refuses
   */
  async query(
    target: ProxyTarget,
    resource: string,
    form: Record<string, string>,
    { signal }: RequestOptions = {},
  ): Promise<unknown> {
    const parameters = new URLSearchParams(form);
    const ask = (method: HttpMethod) =>
      method === 'POST'
        ? this.send(target, resource, { method, body: parameters, signal })
        : this.send(target, `${resource}?${parameters}`, { signal });
    const known = this.methodOf(target);
    const [first, second] = known.order;
    const response = await ask(first);
    if (second === undefined || !(await mayBeMethods(response))) {
      return read(response, target.proxyPath, resource);
    }
    const other = await ask(second);
    if (await mayBeMethods(other)) {
      return read(response, target.proxyPath, resource);
    }
    known.remember(second);
    return read(other, target.proxyPath, resource);
  }

  private methodOf({ proxyPath, httpMethod }: ProxyTarget): QueryMethod {
    const known = this.methods.get(proxyPath) ?? new QueryMethod(httpMethod);
    this.methods.set(proxyPath, known);
    return known;
  }

  private async send(
    { proxyPath, headers }: ProxyTarget,
    resource: string,
    init?: RequestInit,
  ): Promise<Response> {
    const { discoveryApi, fetchApi } = this.options;
    const base = await discoveryApi.getBaseUrl('proxy');
    const path = proxyPath.replace(/^\/+|\/+$/g, '');
    return fetchApi.fetch(`${base}/${path}/${resource}`, { ...init, headers });
  }
}

async function mayBeMethods(response: Response): Promise<boolean> {
  return (
    !response.ok &&
    mayRefuseMethod(response.status, await response.clone().text())
  );
}

async function read(
  response: Response,
  proxyPath: string,
  resource: string,
): Promise<unknown> {
  if (await isMissing(response)) {
    throw new NotFoundError(
      `The proxy has no endpoint "${proxyPath}"; add it to proxy.endpoints, or set prometheus.proxyPath to one that is there`,
    );
  }
  const answer = await readJson(response);
  if (response.ok && answer !== undefined && answer.status !== 'error') {
    return answer;
  }
  throw typeof answer?.error === 'object'
    ? await backstageError(response)
    : errorOf(response, answer, proxyPath, resource);
}

/** `undefined` for what is no JSON object, such as the page of a sign-in that stands before it. */
async function readJson(response: Response): Promise<Refusal | undefined> {
  const text = await response.clone().text();
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

async function backstageError(response: Response): Promise<Error> {
  const error = await ResponseError.fromResponse(response);
  return Object.assign(error, { message: error.cause.message });
}

function errorOf(
  { status }: Response,
  answer: Refusal | undefined,
  proxyPath: string,
  resource: string,
): Error {
  if (typeof answer?.error === 'string') {
    return TEMPORARY.includes(String(answer.errorType))
      ? new ServiceUnavailableError(answer.error)
      : new InputError(answer.error);
  }
  const target = `target of the proxy's endpoint "${proxyPath}"`;
  const [path] = resource.split('?');
  // VictoriaMetrics says 400 of a path that it does not have.
  if (status === 404 || status === 400) {
    return new NotFoundError(
      `The ${target} has no ${path} (HTTP ${status}); it has to end with /api/v1/${path === 'rules' ? ', and to be a server that has rules' : ''}`,
    );
  }
  if (status === 405 || status === 501) {
    return new NotFoundError(
      `The ${target} allows neither POST nor GET of ${path} (HTTP ${status})`,
    );
  }
  if (status === 414 || status === 431) {
    return new InputError(
      `The ${target} takes no address that is as long as this query's (HTTP ${status}); it has to allow POST`,
    );
  }
  return new ServiceUnavailableError(
    status >= 400
      ? `The ${target} does not answer (HTTP ${status})`
      : `The ${target} answered with something that is not Prometheus' API (HTTP ${status})`,
  );
}
