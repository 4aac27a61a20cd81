import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import type { SignatureV4 } from '@smithy/signature-v4';
import {
  type Authentication,
  CredentialError,
  type OutgoingRequest,
} from './Authentication';

export interface SigV4Options {
  region: string;
  /** `aps` for Amazon Managed Service for Prometheus. */
  service: string;
  /** Of the shared AWS configuration files. */
  profile?: string;
  /** A role to take on with the credentials that are found. */
  roleArn?: string;
  externalId?: string;
  /** In place of what AWS' chain of providers finds. */
  keys?: { accessKeyId: string; secretAccessKey: string };
}

type Provider = ReturnType<typeof fromNodeProviderChain>;
type Credentials = Awaited<ReturnType<Provider>>;

/** Optional peer dependencies: whoever has no AWS needs none of it. */
export const SIGV4_PACKAGES = [
  '@smithy/signature-v4',
  '@aws-sdk/credential-providers',
];

/** Milliseconds before their end at which credentials are asked for again, as AWS' clients do. */
const MARGIN = 300_000;

/** AWS' Signature Version 4, by AWS' own signer. */
export class SigV4 implements Authentication {
  readonly fixed = {};
  private signer?: Promise<SignatureV4>;

  constructor(private readonly options: SigV4Options) {}

  async headersFor({
    method,
    url,
    headers,
    body,
  }: OutgoingRequest): Promise<Record<string, string>> {
    this.signer ??= makeSigner(this.options);
    const signer = await this.signer;
    const signed = await signer
      .sign({
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: toBag(url.searchParams),
        headers: { ...headers, host: url.host },
        body,
      })
      .then(
        request => Object.entries(request.headers),
        (error: unknown) => {
          // Of AWS' providers, whose messages name files, addresses and accounts.
          const { name } = error as Error;
          throw new CredentialError(
            `AWS gave no credentials to sign with (${name})`,
          );
        },
      );
    // The connection says it, in the same words.
    return Object.fromEntries(signed.filter(([name]) => name !== 'host'));
  }
}

async function makeSigner(options: SigV4Options): Promise<SignatureV4> {
  const { SignatureV4: Signer } = await import('@smithy/signature-v4');
  return new Signer({
    credentials: await providerOf(options),
    region: options.region,
    service: options.service,
    sha256: Sha256,
  });
}

async function providerOf({
  profile,
  roleArn,
  externalId,
  keys,
  region,
}: SigV4Options): Promise<Provider> {
  const aws = await import('@aws-sdk/credential-providers');
  const own: Provider = keys
    ? () => Promise.resolve(keys)
    : aws.fromNodeProviderChain({ profile });
  if (roleArn === undefined) {
    return remembering(own);
  }
  return remembering(
    aws.fromTemporaryCredentials({
      masterCredentials: own,
      params: {
        RoleArn: roleArn,
        RoleSessionName: 'backstage-prometheus',
        ExternalId: externalId,
      },
      clientConfig: { region },
    }),
  );
}

/** One question for all requests until shortly before the credentials end. */
function remembering(provide: Provider): Provider {
  let flight: Promise<Credentials> | undefined;
  let isOver = () => false;
  return () => {
    if (!flight || isOver()) {
      isOver = () => false;
      flight = provide();
      flight.then(
        ({ expiration }) => {
          isOver = () =>
            expiration !== undefined &&
            Date.now() > expiration.getTime() - MARGIN;
        },
        () => {
          flight = undefined;
        },
      );
    }
    return flight;
  };
}

function toBag(parameters: URLSearchParams): Record<string, string[]> {
  return Object.fromEntries(
    [...parameters.keys()].map(name => [name, parameters.getAll(name)]),
  );
}

/** Node's own SHA-256 in the shape that the signer takes. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', toBytes(secret));
  }

  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(toBytes(chunk));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): never {
    throw new Error('The signer makes a hash for each use');
  }
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') {
    return Buffer.from(data);
  }
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}
