import type { Endpoint } from './Endpoint';

/** What stands where something was taken out. */
const GAP = '[…]';

/** UTF-16 code units from which on a credential is taken out of longer words too. */
const LONG = 6;

/** What parameters of an address are called that nobody may read. */
const SECRET_NAME = /token|key|secret|passw|auth|sig(?:nature)?$/i;

/** Of an address, whosever it is. */
const USER_INFO = /(?<=:\/\/)[^\s/?#@]+@/g;

/**
 * Takes out of a server's texts what only the configuration may hold: credentials in the forms that
 * programs print them in, the tenant, and where the servers are.
 */
export class Redactor {
  private readonly tenants: string[];
  private readonly hosts: RegExp[];
  /** Credentials may change while the backend runs. */
  private credentials: RegExp[] = [];
  private known = '';

  /**
   * @param endpoints - of one instance, for one server may speak of another
   * @param uiUrl - what is public of it
   */
  constructor(
    private readonly endpoints: Endpoint[],
    uiUrl?: string,
  ) {
    this.tenants = endpoints.flatMap(({ tenant }) =>
      tenant === undefined ? [] : [tenant, ...tenant.split('|')],
    );
    const known = uiUrl === undefined ? undefined : new URL(uiUrl).hostname;
    this.hosts = endpoints
      .filter(({ url }) => url.hostname !== known)
      .flatMap(({ url }) => toHosts(url));
  }

  /** For the log, which may say where servers are. */
  withoutSecrets(text: string): string {
    return this.withoutTenants(this.withoutCredentials(text));
  }

  /** For everyone. */
  withoutOrigin(text: string): string {
    return takeOut(this.withoutSecrets(text), this.hosts);
  }

  /**
   * For what people wrote, such as the annotations of alerts: a tenant that is a word of their
   * language, as names of teams are, is taken out only where the text calls it a tenant.
   */
  withoutOriginInProse(text: string): string {
    const tenants = longestFirst(this.tenants).map(tenant =>
      isDistinct(tenant) ? toWord(tenant) : toNamed(tenant),
    );
    return takeOut(this.withoutCredentials(text), [...tenants, ...this.hosts]);
  }

  private withoutCredentials(text: string): string {
    const written = this.endpoints.flatMap(each => [
      ...each.credentials.flatMap(([name, value]) =>
        credentialsOf(name, value),
      ),
      ...each.queryParameters.flatMap(([name, value]) =>
        SECRET_NAME.test(name) ? [value] : [],
      ),
    ]);
    const key = JSON.stringify(written);
    if (key !== this.known) {
      const forms = longestFirst(written.flatMap(formsOf));
      this.credentials = forms.map(toCredential);
      this.known = key;
    }
    return takeOut(text.replace(USER_INFO, `${GAP}@`), this.credentials);
  }

  private withoutTenants(text: string): string {
    return takeOut(text, longestFirst(this.tenants).map(toWord));
  }
}

function takeOut(text: string, patterns: RegExp[]): string {
  return patterns.reduce((clean, pattern) => clean.replace(pattern, GAP), text);
}

function credentialsOf(header: string, value: string): string[] {
  const [, scheme, secret] = /^(basic|bearer) (.*)$/i.exec(value) ?? [];
  if (header !== 'authorization' || scheme === undefined) {
    return [value];
  }
  if (scheme.toLowerCase() === 'bearer') {
    return [secret];
  }
  const pair = Buffer.from(secret, 'base64').toString();
  return [secret, pair, pair.slice(pair.indexOf(':') + 1)];
}

/** As it is, in an address, in a string of JSON or Go, and in a header that was encoded again. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    secret.replace(/=+$/, ''),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}

function longestFirst(texts: string[]): string[] {
  return [...new Set(texts)]
    .filter(text => text.trim() !== '')
    .sort((a, b) => b.length - a.length);
}

function toCredential(secret: string): RegExp {
  return secret.length >= LONG
    ? new RegExp(escaped(secret), 'g')
    : toWord(secret);
}

/** Not where it is the line of a place such as `1:5:`. */
function toWord(word: string): RegExp {
  return new RegExp(`(?<![\\w-])${escaped(word)}(?![\\w-]|:\\d)`, 'gi');
}

function toNamed(tenant: string): RegExp {
  return new RegExp(
    `(?<=\\b(?:tenant|user|org|orgid|x-scope-orgid)\\b[\\s"'=:]{1,4})${escaped(tenant)}(?![\\w-])`,
    'gi',
  );
}

function isDistinct(tenant: string): boolean {
  return tenant.length >= LONG && /[^a-z]/i.test(tenant);
}

/** A name without dots, such as `prometheus`, is a word unless a port or an address is around it. */
function toHosts({ host, hostname }: URL): RegExp[] {
  const name = escaped(hostname);
  return [
    new RegExp(
      `\\b[a-z][a-z0-9+.-]*://${name}(?![\\w.-])(?::\\d+)?[^\\s"'\`<>()[\\]{},;]*`,
      'gi',
    ),
    new RegExp(`(?<![\\w.-])${name}:\\d+`, 'gi'),
    ...(/[.:]/.test(hostname)
      ? [new RegExp(`(?<![\\w.-])${name}(?![\\w-]|\\.\\w)`, 'gi')]
      : []),
    ...(host === hostname
      ? []
      : [new RegExp(`(?<![\\w.-])${escaped(host)}`, 'gi')]),
  ];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
