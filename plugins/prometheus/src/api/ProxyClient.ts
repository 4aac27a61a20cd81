import type { DiscoveryApi, FetchApi } from '@backstage/core-plugin-api';
import {
  InputError,
  NotFoundError,
  ResponseError,
  ServiceUnavailableError,
} from '@backstage/errors';
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

/** Prometheus' HTTP API behind an endpoint of Backstage's proxy, whose target ends with `/api/v1/`. */
export class ProxyClient {
  constructor(private readonly options: ProxyClientOptions) {}

  /** Whether the proxy has such an endpoint. */
  async exists(proxyPath: string): Promise<boolean> {
    const response = await this.send(proxyPath, 'query?query=1');
    return !(await isMissing(response));
  }

  /** @throws as {@link ProxyClient.post} */
  async get(
    proxyPath: string,
    resource: string,
    { signal }: RequestOptions = {},
  ): Promise<unknown> {
    return read(await this.send(proxyPath, resource, { signal }), proxyPath);
  }

  /**
   * Sends a form: queries may be longer than an address may be.
   *
   * @throws InputError with Prometheus' own message for a query that it refuses
   * @throws ServiceUnavailableError where Prometheus gives up or does not answer
   * @throws NotFoundError where the proxy has no such endpoint, or its target no such API
   * @throws ResponseError for what Backstage itself refuses
   */
  async post(
    proxyPath: string,
    resource: string,
    form: Record<string, string>,
    { signal }: RequestOptions = {},
  ): Promise<unknown> {
    const body = new URLSearchParams(form);
    const init = { method: 'POST', body, signal };
    return read(await this.send(proxyPath, resource, init), proxyPath);
  }

  private async send(
    proxyPath: string,
    resource: string,
    init?: RequestInit,
  ): Promise<Response> {
    const { discoveryApi, fetchApi } = this.options;
    const base = await discoveryApi.getBaseUrl('proxy');
    const path = proxyPath.replace(/^\/+|\/+$/g, '');
    return fetchApi.fetch(`${base}/${path}/${resource}`, init);
  }
}

async function read(response: Response, proxyPath: string): Promise<unknown> {
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
    : errorOf(response, answer, proxyPath);
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
): Error {
  if (typeof answer?.error === 'string') {
    return TEMPORARY.includes(String(answer.errorType))
      ? new ServiceUnavailableError(answer.error)
      : new InputError(answer.error);
  }
  const target = `target of the proxy's endpoint "${proxyPath}"`;
  if (status === 404 || status === 405) {
    return new NotFoundError(
      `The ${target} has no Prometheus API (HTTP ${status}); it has to end with /api/v1/ and to allow POST`,
    );
  }
  return new ServiceUnavailableError(
    status >= 400
      ? `The ${target} does not answer (HTTP ${status})`
      : `The ${target} answered with something that is not Prometheus' API (HTTP ${status})`,
  );
}
