import type { Authentication } from './Authentication';
import type { Secret } from './Secret';

/** Sends one header that is made of a secret. */
export class HeaderAuthentication implements Authentication {
  readonly fixed: Readonly<Record<string, string>>;

  constructor(
    private readonly name: string,
    private readonly secret: Secret,
    private readonly toValue: (secret: string) => string = value => value,
  ) {
    const { value } = secret;
    this.fixed = value === undefined ? {} : { [name]: toValue(value) };
  }

  async headersFor(): Promise<Record<string, string>> {
    return { [this.name]: this.toValue(await this.secret.read()) };
  }
}

/** As it stands in the configuration, and nothing besides. */
export class NoAuthentication implements Authentication {
  readonly fixed = {};

  headersFor(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }
}
