import {
  HTTP_METHODS,
  type HttpMethod,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { Authentication, OutgoingRequest } from './auth/Authentication';
import { readAuth } from './auth/readAuth';
import { HEADER_VALUE } from './auth/Secret';
import { readQueryParameters } from './queryParameters';
import { fail, readOneOf, type Section } from './Section';
import { Tls } from './Tls';

/** What an endpoint is called in messages. */
export interface EndpointName {
  /** The instance that it belongs to. */
  instance: string;
  /** Such as `Prometheus instance "a"`. */
  title: string;
  /** Whose API it has. */
  product: 'Prometheus' | 'Alertmanager';
}

const TENANT = 'x-scope-orgid';

/** Sent headers that are remembered, so that no text repeats them: a token and those before it. */
const MAX_SENT = 16;

/** What every request to a server carries, and how. */
interface Access {
  auth: Authentication;
  /** Besides credentials. */
  headers: Record<string, string>;
  queryParameters: [name: string, value: string][];
  httpMethod?: HttpMethod;
  tls: Tls;
  /** Credentials that were sent lately, the oldest first. */
  sent: Set<string>;
}

/**
 * Where a server is and what every request to it carries. Addresses, credentials and keys are
 * private, so that neither `JSON.stringify` nor a log shows them.
 */
export class Endpoint {
  readonly instance: string;
  readonly title: string;
  readonly product: EndpointName['product'];
  readonly #url: URL;
  readonly #access: Access;

  /**
   * Reads `url`, `auth`, `tenant`, `queryParameters`, `httpMethod` and `tls`.
   *
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(at: Section, name: EndpointName): Endpoint {
    const url = readUrl(at, 'url') ?? fail(at, 'url', 'is missing');
    return new Endpoint(name, url, {
      auth: readAuth(at, readUrl),
      headers: readTenant(at),
      queryParameters: readQueryParameters(at),
      httpMethod: readOneOf(at, 'httpMethod', HTTP_METHODS),
      tls: Tls.fromConfig(at),
      sent: new Set(),
    });
  }

  private constructor(
    { instance, title, product }: EndpointName,
    url: URL,
    access: Access,
  ) {
    this.instance = instance;
    this.title = title;
    this.product = product;
    this.#url = url;
    this.#access = access;
  }

  /** Without `/api/v1` and the like. Not for messages. */
  get url(): URL {
    return this.#url;
  }

  /** Those that are always the same, credentials included. */
  get headers(): Record<string, string> {
    return { ...this.#access.headers, ...this.#access.auth.fixed };
  }

  /** What stands in every address, whatever the method. */
  get queryParameters(): [name: string, value: string][] {
    return this.#access.queryParameters;
  }

  /** The one that is configured; without it whichever the server takes. */
  get httpMethod(): HttpMethod | undefined {
    return this.#access.httpMethod;
  }

  /** Certificates and keys. */
  get tls(): Tls {
    return this.#access.tls;
  }

  /** Headers with credentials, as entries: those of the configuration, and what was sent lately. */
  get credentials(): [name: string, value: string][] {
    const { auth, sent } = this.#access;
    const changing = [...sent].map(
      entry => JSON.parse(entry) as [string, string],
    );
    return [...Object.entries(auth.fixed), ...changing];
  }

  /** The tenant, if there is one. */
  get tenant(): string | undefined {
    return this.#access.headers[TENANT];
  }

  /**
   * The headers that show who asks.
   *
   * @throws CredentialError
   */
  async authenticate(
    request: OutgoingRequest,
  ): Promise<Record<string, string>> {
    const headers = await this.#access.auth.headersFor(request);
    this.remember(headers);
    return headers;
  }

  /** Takes headers for credentials, which no text may repeat. */
  remember(headers: Record<string, string>): void {
    const { auth, sent } = this.#access;
    for (const [name, value] of Object.entries(headers)) {
      if (auth.fixed[name] !== value) {
        const entry = JSON.stringify([name, value]);
        sent.delete(entry);
        sent.add(entry);
      }
    }
    for (const oldest of sent) {
      if (sent.size <= MAX_SENT) {
        break;
      }
      sent.delete(oldest);
    }
  }

  /** Whether there are other credentials, after the server has refused the last. */
  renew(): boolean {
    return this.#access.auth.renew?.() ?? false;
  }

  /** The same server, or one that takes the same credentials, at another address. */
  at(url: URL): Endpoint {
    return new Endpoint(this, url, this.#access);
  }

  /** Ends connections that credentials need. */
  async close(): Promise<void> {
    await this.#access.auth.close?.();
  }
}

/**
 * Reads an address of http or https.
 *
 * @throws Error that names the path, and neither address nor credentials
 */
export function readUrl(at: Section, key: string): URL | undefined {
  const text = at.config.getOptionalString(key);
  if (text === undefined) {
    return undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return fail(at, key, 'is no address that begins with http or https');
  }
  if (url.username !== '' || url.password !== '') {
    return fail(at, key, 'has credentials in it; they belong under auth');
  }
  if (url.search !== '' || url.hash !== '') {
    return fail(
      at,
      key,
      'has a "?" or "#", which an address here cannot; parameters belong under queryParameters',
    );
  }
  // As the proxy's targets of older configurations end.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/api\/v[12]$/, '');
  return url;
}

function readTenant(at: Section): Record<string, string> {
  return at.config.has('tenant')
    ? { [TENANT]: readHeaderValue(at, 'tenant') }
    : {};
}

function readHeaderValue(at: Section, key: string): string {
  const value = at.config.getString(key);
  return HEADER_VALUE.test(value)
    ? value
    : fail(at, key, 'has characters that a header cannot have');
}
