import { fail, readOneOf, section, type Section } from '../Section';
import { Tls } from '../Tls';
import type { Authentication } from './Authentication';
import { HeaderAuthentication, NoAuthentication } from './HeaderAuthentication';
import { OAuth2 } from './OAuth2';
import { ANY_TEXT, Secret } from './Secret';
import { SigV4, SIGV4_PACKAGES } from './SigV4';

const HEADER_NAME = /^[A-Za-z0-9-]+$/;

/** Headers that the request itself sets; a configured one would change its meaning. */
export const OWN_HEADERS = [
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'accept-encoding',
];

type UrlReader = (at: Section, key: string) => URL | undefined;

/**
 * Reads `auth`.
 *
 * @throws Error that names the path of what is wrong, and no secret
 */
export function readAuth(at: Section, readUrl: UrlReader): Authentication {
  const auth = section(at, 'auth');
  if (!auth) {
    return new NoAuthentication();
  }
  const type = readOneOf(auth, 'type', [
    'basic',
    'bearer',
    'header',
    'oauth2',
    'sigv4',
  ]);
  switch (type) {
    case 'basic':
      return readBasic(auth);
    case 'bearer':
      return new HeaderAuthentication(
        'authorization',
        Secret.fromConfig(auth, 'token'),
        token => `Bearer ${token}`,
      );
    case 'header':
      return new HeaderAuthentication(
        readHeaderName(auth),
        Secret.fromConfig(auth, 'value'),
      );
    case 'oauth2':
      return readOAuth2(auth, readUrl);
    case 'sigv4':
      return readSigV4(auth);
    default:
      return fail(auth, 'type', 'is missing');
  }
}

function readBasic(auth: Section): Authentication {
  const username = auth.config.getString('username');
  return new HeaderAuthentication(
    'authorization',
    Secret.fromConfig(auth, 'password', ANY_TEXT),
    password =>
      `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  );
}

function readHeaderName(auth: Section): string {
  const name = auth.config.getString('name').toLowerCase();
  return HEADER_NAME.test(name) && !OWN_HEADERS.includes(name)
    ? name
    : fail(auth, 'name', `is "${name}", which cannot be set`);
}

function readOAuth2(auth: Section, readUrl: UrlReader): OAuth2 {
  const { config } = auth;
  return new OAuth2({
    tokenUrl: readUrl(auth, 'tokenUrl') ?? fail(auth, 'tokenUrl', 'is missing'),
    clientId: config.getString('clientId'),
    clientSecret: Secret.fromConfig(auth, 'clientSecret', ANY_TEXT),
    scopes: config.getOptionalStringArray('scopes') ?? [],
    endpointParameters:
      config.getOptional<Record<string, string>>('endpointParameters') ?? {},
    clientAuthentication:
      readOneOf(auth, 'clientAuthentication', ['header', 'body']) ?? 'header',
    tls: Tls.fromConfig(auth),
  });
}

function readSigV4(auth: Section): SigV4 {
  const { config } = auth;
  const missing = SIGV4_PACKAGES.filter(name => !isInstalled(name));
  if (missing.length > 0) {
    return fail(
      auth,
      'type',
      `is "sigv4", which needs ${missing.join(' and ')}: yarn --cwd packages/backend add ${missing.join(' ')}`,
    );
  }
  const accessKeyId = config.getOptionalString('accessKeyId');
  const secretAccessKey = config.getOptionalString('secretAccessKey');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    return fail(auth, 'accessKeyId', 'and secretAccessKey belong together');
  }
  return new SigV4({
    region: config.getString('region'),
    service: config.getOptionalString('service') ?? 'aps',
    profile: config.getOptionalString('profile'),
    roleArn: config.getOptionalString('roleArn'),
    externalId: config.getOptionalString('externalId'),
    keys:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey },
  });
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
      return false;
    }
    throw error;
  }
}
