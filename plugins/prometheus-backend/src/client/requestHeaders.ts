import { CredentialError, type OutgoingRequest } from './auth/Authentication';
import { OWN_HEADERS } from './auth/readAuth';
import type { Endpoint } from './Endpoint';
import type { RequestSigner } from './signRequest';

/**
 * The headers of a request: what it is, who asks, and at last what a signer adds, for it signs all
 * of that.
 *
 * @throws CredentialError
 */
export async function headersOf(
  endpoint: Endpoint,
  { method, url, body }: Omit<OutgoingRequest, 'headers'>,
  signRequest?: RequestSigner,
): Promise<Record<string, string>> {
  const plain = {
    ...endpoint.headers,
    accept: 'application/json',
    'accept-encoding': 'gzip',
    ...(body !== undefined && {
      'content-type': 'application/x-www-form-urlencoded',
    }),
  };
  const known = {
    ...plain,
    ...(await endpoint.authenticate({ method, url, body, headers: plain })),
  };
  if (!signRequest) {
    return known;
  }
  const { instance, product } = endpoint;
  const request = { instance, product, method, url, body, headers: known };
  const added = lowerCased((await signRequest(request)) ?? {});
  const own = OWN_HEADERS.find(name => name in added);
  if (own !== undefined) {
    throw new CredentialError(
      `the signer sets the header "${own}", which is the request's own`,
    );
  }
  endpoint.remember(added);
  return { ...known, ...added };
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
