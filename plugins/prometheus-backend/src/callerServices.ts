import type { IncomingHttpHeaders } from 'node:http';
import type {
  BackstageCredentials,
  HttpAuthService,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import { CatalogClient } from '@backstage/catalog-client';
import type { Config } from '@backstage/config';
import type { CatalogService } from '@backstage/plugin-catalog-node';
import { PermissionClient } from '@backstage/plugin-permission-common';
import type { Request } from 'express';
import { digest } from './client';

/** Who asks, and what they may see. */
export interface CallerServices {
  /** Entities are read with the credentials of whoever asks. */
  catalog: CatalogService;
  httpAuth: HttpAuthService;
  permissions: PermissionsService;
}

/** As much of {@link CallerServices} as the routes use. */
export interface UsedServices {
  catalog: Pick<CatalogService, 'getEntityByRef'>;
  httpAuth: Pick<HttpAuthService, 'credentials'>;
  permissions: Pick<PermissionsService, 'authorize'>;
  /** Whether the caller is known to be who they say before an entity was read. */
  isCallerVerified: boolean;
}

/** A caller whose token only the services that it is sent to can read. */
interface TokenCredentials extends BackstageCredentials {
  token?: string;
}

/**
 * The services that were given, or without any those of `backend.baseUrl`.
 *
 * @throws Error that names what is missing
 */
export function callerServices(
  options: Partial<CallerServices> & { config: Config },
): UsedServices {
  const { catalog, httpAuth, permissions, config } = options;
  if (catalog && httpAuth && permissions) {
    return { catalog, httpAuth, permissions, isCallerVerified: true };
  }
  const given = { catalog, httpAuth, permissions };
  const names = Object.keys(given) as (keyof CallerServices)[];
  const missing = names.filter(name => !given[name]);
  if (missing.length < names.length) {
    throw new Error(
      `createRouter was given ${names.filter(name => given[name]).join(' and ')} without ${missing.join(' and ')}; it needs all of ${names.join(', ')}, or none of them`,
    );
  }
  if (!config.has('backend.baseUrl')) {
    throw new Error(
      `createRouter needs ${names.join(', ')}, or backend.baseUrl in its config, where it finds the catalog and the permission framework`,
    );
  }
  return servicesAt(config);
}

/** They are asked over HTTP with the caller's own token, as the portal's pages ask them. */
function servicesAt(config: Config): UsedServices {
  const base = config.getString('backend.baseUrl').replace(/\/+$/, '');
  const discovery = {
    getBaseUrl: (plugin: string) => Promise.resolve(`${base}/api/${plugin}`),
  };
  const catalog = new CatalogClient({ discoveryApi: discovery });
  const permissions = new PermissionClient({ discovery, config });
  return {
    catalog: {
      getEntityByRef: (ref, { credentials }) =>
        catalog.getEntityByRef(ref, tokenOf(credentials)),
    },
    permissions: {
      authorize: (requests, { credentials }) =>
        permissions.authorize(requests, tokenOf(credentials)),
    },
    httpAuth: {
      // The kinds of callers that a route allows are a matter of the services that are asked.
      credentials: ({ headers }: Pick<Request, 'headers'>) =>
        Promise.resolve(credentialsOf(headers) as never),
    },
    isCallerVerified: config.getOptionalBoolean('permission.enabled') ?? false,
  };
}

/** Without a token the catalog says what it says to nobody. */
function credentialsOf(headers: IncomingHttpHeaders): TokenCredentials {
  const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return {
    $$type: '@backstage/BackstageCredentials',
    // What is kept for a caller is kept for the token, for nobody here can read its name.
    principal: {
      type: 'user',
      userEntityRef: `token:${token === undefined ? 'none' : digest(token)}`,
    },
    token,
  };
}

function tokenOf(credentials: BackstageCredentials): { token?: string } {
  const { token } = credentials as TokenCredentials;
  return { token };
}
