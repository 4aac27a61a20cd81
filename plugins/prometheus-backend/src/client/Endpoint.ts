import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { fail, readOneOf, section, type Section } from './Section';

const HEADER_NAME = /^[A-Za-z0-9-]+$/;
/** What a header's value may be. */
const HEADER_VALUE = /^[\x20-\x7e]+$/;

/** Headers that the request itself sets; a configured one would change its meaning. */
const OWN_HEADERS = [
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'accept-encoding',
];

/** What an endpoint is called in messages. */
export interface EndpointName {
  /** Such as `Prometheus instance "a"`. */
  title: string;
  /** Whose API it has. */
  product: 'Prometheus' | 'Alertmanager';
}

/**
 * Where a server is and what every request to it carries. Addresses, credentials and keys are
 * private, so that neither `JSON.stringify` nor a log shows them.
 */
export class Endpoint {
  readonly title: string;
  readonly product: EndpointName['product'];
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  readonly #tls: ConnectionOptions;

  /**
   * Reads `url`, `auth`, `tenant` and `tls`.
   *
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(at: Section, name: EndpointName): Endpoint {
    const url = readUrl(at, 'url') ?? fail(at, 'url', 'is missing');
    const headers = { ...readAuth(at), ...readTenant(at) };
    return new Endpoint(name, url, headers, readTls(at));
  }

  private constructor(
    { title, product }: EndpointName,
    url: URL,
    headers: Record<string, string>,
    tls: ConnectionOptions,
  ) {
    this.title = title;
    this.product = product;
    this.#url = url;
    this.#headers = headers;
    this.#tls = tls;
  }

  /** Without `/api/v1` and the like. Not for messages. */
  get url(): URL {
    return this.#url;
  }

  /** Credentials included. */
  get headers(): Record<string, string> {
    return this.#headers;
  }

  /** Certificates and keys, read when the configuration was. */
  get tls(): ConnectionOptions {
    return this.#tls;
  }

  /** The same server, or one that takes the same credentials, at another address. */
  at(url: URL): Endpoint {
    return new Endpoint(this, url, this.#headers, this.#tls);
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
    return fail(at, key, 'has a "?" or "#", which an address here cannot');
  }
  // As the proxy's targets of older configurations end.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/api\/v[12]$/, '');
  return url;
}

function readAuth(at: Section): Record<string, string> {
  const auth = section(at, 'auth');
  switch (auth && readOneOf(auth, 'type', ['basic', 'bearer', 'header'])) {
    case 'basic': {
      const username = auth!.config.getString('username');
      const password = auth!.config.getString('password');
      const pair = Buffer.from(`${username}:${password}`).toString('base64');
      return { authorization: `Basic ${pair}` };
    }
    case 'bearer':
      return { authorization: `Bearer ${readHeaderValue(auth!, 'token')}` };
    case 'header': {
      const name = auth!.config.getString('name').toLowerCase();
      return HEADER_NAME.test(name) && !OWN_HEADERS.includes(name)
        ? { [name]: readHeaderValue(auth!, 'value') }
        : fail(auth!, 'name', `is "${name}", which cannot be set`);
    }
    default:
      return auth ? fail(auth, 'type', 'is missing') : {};
  }
}

function readTenant(at: Section): Record<string, string> {
  return at.config.has('tenant')
    ? { 'x-scope-orgid': readHeaderValue(at, 'tenant') }
    : {};
}

function readTls(at: Section): ConnectionOptions {
  const tls = section(at, 'tls');
  const file = (key: string) => {
    const path = tls?.config.getOptionalString(key);
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return fail(tls!, key, `is a file that cannot be read (${code})`);
    }
  };
  return {
    ca: file('caFile'),
    cert: file('certFile'),
    key: file('keyFile'),
    servername: tls?.config.getOptionalString('serverName'),
    rejectUnauthorized:
      tls?.config.getOptionalBoolean('rejectUnauthorized') ?? true,
  };
}

function readHeaderValue(at: Section, key: string): string {
  const value = at.config.getString(key);
  return HEADER_VALUE.test(value)
    ? value
    : fail(at, key, 'has characters that a header cannot have');
}
