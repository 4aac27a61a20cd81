import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { Entity } from '@backstage/catalog-model';
import type { Config } from '@backstage/config';
import {
  enforceMatchers,
  type LabelMatcher,
  substituteInText,
} from '@nativestage/backstage-plugin-prometheus-common';

/** Which server answers; they differ in what they understand besides Prometheus' API. */
export type Flavor = 'prometheus' | 'thanos' | 'mimir' | 'victoriametrics';

const FLAVORS: Flavor[] = ['prometheus', 'thanos', 'mimir', 'victoriametrics'];

/** Thanos' own parameters, by the key that configures them. */
const PARAMETERS = {
  dedup: 'dedup',
  partialResponse: 'partial_response',
  maxSourceResolution: 'max_source_resolution',
} as const;

const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
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

/** A part of the configuration, and where it is. */
interface Section {
  config: Config;
  path: string;
}

/**
 * A Prometheus server of the configuration: where it is, and how to ask it. Credentials, addresses
 * and keys are private, so that neither `JSON.stringify` nor a log shows them.
 */
export class PrometheusInstance {
  /** How entities and requests name it. */
  readonly name: string;
  readonly flavor: Flavor;
  /** Of its own web page, for links. */
  readonly uiUrl?: string;
  readonly #url: URL;
  readonly #rulesUrl: URL;
  readonly #headers: Record<string, string>;
  readonly #tls: ConnectionOptions;
  readonly #parameters: Record<string, string>;
  readonly #enforceLabels: Record<string, string>;

  /**
   * Reads an item of `prometheus.instances`.
   *
   * @param path - of the item, for errors
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(config: Config, path: string): PrometheusInstance {
    return new PrometheusInstance({ config, path });
  }

  private constructor(at: Section) {
    this.name = readName(at);
    this.flavor = readOneOf(at, 'flavor', FLAVORS) ?? 'prometheus';
    this.uiUrl = readUrl(at, 'uiUrl')?.href;
    this.#url = readUrl(at, 'url') ?? fail(at, 'url', 'is missing');
    this.#rulesUrl = readUrl(at, 'rulesUrl') ?? this.#url;
    this.#headers = { ...readAuth(at), ...readTenant(at) };
    this.#tls = readTls(at);
    this.#parameters = readParameters(at);
    this.#enforceLabels = readEnforceLabels(at);
  }

  /** Where queries go, without `/api/v1`. Not for messages. */
  get url(): URL {
    return this.#url;
  }

  /** Where rules and alerts are, such as vmalert. Not for messages. */
  get rulesUrl(): URL {
    return this.#rulesUrl;
  }

  /** What every request carries, credentials included. */
  get headers(): Record<string, string> {
    return this.#headers;
  }

  /** Certificates and keys, read when the instance was. */
  get tls(): ConnectionOptions {
    return this.#tls;
  }

  /** What every query carries beside its own parameters. */
  get parameters(): Record<string, string> {
    return this.#parameters;
  }

  /** What queries may be written in, for `parseRules`. Enforced ones have to be PromQL. */
  get language(): 'promql' | 'any' {
    return this.flavor === 'victoriametrics' && !this.isEnforcing
      ? 'any'
      : 'promql';
  }

  /** Whether queries are narrowed to some labels. */
  get isEnforcing(): boolean {
    return Object.keys(this.#enforceLabels).length > 0;
  }

  /**
   * The matchers that hold for an entity.
   *
   * @throws QueryError for an entity that lacks what they name
   */
  matchersFor(entity: Entity): LabelMatcher[] {
    return Object.entries(this.#enforceLabels).map(([label, template]) => ({
      label,
      op: '=',
      value: substituteInText(template, entity),
    }));
  }

  /**
   * The query as the entity may ask it here: with the enforced labels in every selector.
   *
   * @throws QueryError for one that cannot be enforced, and as {@link matchersFor}
   */
  enforce(query: string, entity: Entity): string {
    return this.isEnforcing
      ? enforceMatchers(query, this.matchersFor(entity))
      : query;
  }
}

function readName(at: Section): string {
  const name = at.config.getString('name');
  return NAME.test(name)
    ? name
    : fail(
        at,
        'name',
        `is "${name}"; letters, digits, and "-", "_" and "." between them make a name, 63 at the most`,
      );
}

function readUrl(at: Section, key: string): URL | undefined {
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
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
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

function readParameters(at: Section): Record<string, string> {
  const parameters = section(at, 'parameters');
  const known = Object.keys(PARAMETERS);
  const unknown = parameters?.config.keys().find(key => !known.includes(key));
  if (unknown !== undefined) {
    return fail(parameters!, unknown, `is none of ${known.join(', ')}`);
  }
  return Object.fromEntries(
    Object.entries(PARAMETERS).flatMap(([key, parameter]) => {
      const value = parameters?.config.getOptional<string | number | boolean>(
        key,
      );
      return value === undefined ? [] : [[parameter, String(value)]];
    }),
  );
}

function readEnforceLabels(at: Section): Record<string, string> {
  // Not by path: the names of labels may have dots.
  const entries = Object.entries(
    at.config.getOptional<Record<string, unknown>>('enforceLabels') ?? {},
  );
  for (const [label, value] of entries) {
    if (typeof value !== 'string' || value === '') {
      return fail(
        at,
        `enforceLabels.${label}`,
        'has to be a text that is not empty: an empty one would match the series that lack the label',
      );
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function readHeaderValue(at: Section, key: string): string {
  const value = at.config.getString(key);
  return HEADER_VALUE.test(value)
    ? value
    : fail(at, key, 'has characters that a header cannot have');
}

function readOneOf<T extends string>(
  at: Section,
  key: string,
  known: T[],
): T | undefined {
  const value = at.config.getOptionalString(key);
  return value === undefined || known.includes(value as T)
    ? (value as T | undefined)
    : fail(at, key, `is "${value}" and none of ${known.join(', ')}`);
}

function section({ config, path }: Section, key: string): Section | undefined {
  const inner = config.getOptionalConfig(key);
  return inner && { config: inner, path: `${path}.${key}` };
}

function fail({ path }: Section, key: string, problem: string): never {
  throw new Error(`${path}.${key} ${problem}`);
}
