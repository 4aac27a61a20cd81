import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Tls } from '../Tls';
import { type Authentication, CredentialError } from './Authentication';
import type { Secret } from './Secret';

export interface OAuth2Options {
  tokenUrl: URL;
  clientId: string;
  clientSecret: Secret;
  scopes: string[];
  /** Further fields of the form, such as `audience`. */
  endpointParameters: Record<string, string>;
  /** Where the client's id and secret are sent: RFC 6749, section 2.3.1. */
  clientAuthentication: 'header' | 'body';
  tls: Tls;
}

interface Token {
  value: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Milliseconds in which a token server has to answer. */
const TIMEOUT = 10_000;

/** Milliseconds before a token's end at which the next is asked for: requests take a while. */
const MARGIN = 30_000;

/** Milliseconds that a token is kept whose end nobody said. */
const DEFAULT_AGE = 300_000;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

/** Errors of RFC 6749, section 5.2: one word, which tells nothing secret. */
const errorAnswer = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) });

/** Client credentials of OAuth 2, RFC 6749, section 4.4: a token, until shortly before its end. */
export class OAuth2 implements Authentication {
  readonly fixed = {};
  private readonly agent: Agent;
  private token?: Token;
  private flight?: Promise<Token>;

  constructor(private readonly options: OAuth2Options) {
    this.agent = new Agent({ connect: options.tls.connector(TIMEOUT) });
  }

  async headersFor(): Promise<Record<string, string>> {
    const { value } = await this.current();
    return { authorization: `Bearer ${value}` };
  }

  renew(): boolean {
    const isOld = this.token !== undefined;
    this.token = undefined;
    return isOld;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private current(): Promise<Token> {
    if (this.token && Date.now() < this.token.expiresAt) {
      return Promise.resolve(this.token);
    }
    // Everyone who waits shares one, whoever of them leaves.
    this.flight ??= this.fetch().finally(() => {
      this.flight = undefined;
    });
    return this.flight;
  }

  private async fetch(): Promise<Token> {
    const asked = Date.now();
    const { status, json } = await this.ask();
    const answer = tokenAnswer.safeParse(json);
    if (status !== 200 || !answer.success) {
      const reason = errorAnswer.safeParse(json).data?.error;
      throw new CredentialError(
        status === 200
          ? 'the token server gave no bearer token'
          : `the token server answered with HTTP ${status}${reason ? ` (${reason})` : ''}`,
      );
    }
    const { access_token: value, expires_in: seconds } = answer.data;
    const age = seconds === undefined ? DEFAULT_AGE : seconds * 1000;
    // Of a short-lived token half of its time.
    const expiresAt = asked + Math.max(age - MARGIN, age / 2);
    this.token = { value, expiresAt };
    return this.token;
  }

  private async ask(): Promise<{ status: number; json: unknown }> {
    const { tokenUrl, clientId, clientAuthentication } = this.options;
    const secret = await this.options.clientSecret.read();
    const isHeader = clientAuthentication === 'header';
    const form = new URLSearchParams({
      ...this.options.endpointParameters,
      grant_type: 'client_credentials',
      ...(this.options.scopes.length > 0 && {
        scope: this.options.scopes.join(' '),
      }),
      ...(!isHeader && { client_id: clientId, client_secret: secret }),
    });
    try {
      const { statusCode, body } = await request(tokenUrl, {
        dispatcher: this.agent,
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...(isHeader && { authorization: basic(clientId, secret) }),
        },
        body: form.toString(),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      return { status: statusCode, json: toJson(await body.text()) };
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      throw new CredentialError(
        name === 'TimeoutError'
          ? `the token server did not answer within ${TIMEOUT / 1000} s`
          : `the token server cannot be reached${typeof code === 'string' ? ` (${code})` : ''}`,
      );
    }
  }
}

/** Each is form-encoded first: RFC 6749, section 2.3.1. */
function basic(clientId: string, secret: string): string {
  const encoded = [clientId, secret].map(text =>
    new URLSearchParams({ text }).toString().slice('text='.length),
  );
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}

/** `undefined` for what is no JSON, such as a proxy's page. */
function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
