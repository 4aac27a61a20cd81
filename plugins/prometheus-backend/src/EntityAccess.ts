import type {
  BackstageCredentials,
  BackstageServicePrincipal,
  BackstageUserPrincipal,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import {
  type CompoundEntityRef,
  type Entity,
  makeValidator,
  stringifyEntityRef,
} from '@backstage/catalog-model';
import { NotAllowedError, NotFoundError } from '@backstage/errors';
import type { CatalogService } from '@backstage/plugin-catalog-node';
import {
  type AuthorizePermissionRequest,
  AuthorizeResult,
  type BasicPermission,
  type ResourcePermission,
} from '@backstage/plugin-permission-common';
import { QueryCache, sizeOf } from './client';

/** Whoever may ask. */
export type CallerCredentials = BackstageCredentials<
  BackstageUserPrincipal | BackstageServicePrincipal
>;

/**
 * Milliseconds for which an entity and a permission are taken not to change, from when they were
 * asked for, however long the answer took. A page asks for all of its panels at once; two thirds of
 * the processor that a small answer took from the cache went into these questions.
 */
const AGE = 2_000;
const MAX_ENTRIES = 1000;
const MAX_BYTES = 16 * 2 ** 20;
/** Of a catalog that does not answer. */
const MAX_QUESTIONS = 1000;

/** UTF-16 code units of each part of a reference: Backstage's own limit. */
const MAX_PART = 63;

const validator = makeValidator();

/** What of an entity a caller may see. */
export class EntityAccess {
  private readonly cache = new QueryCache({
    maxEntries: MAX_ENTRIES,
    maxBytes: MAX_BYTES,
    maxJoin: AGE,
    maxFlights: MAX_QUESTIONS,
  });

  constructor(
    private readonly catalog: Pick<CatalogService, 'getEntityByRef'>,
    private readonly permissions: Pick<PermissionsService, 'authorize'>,
  ) {}

  /**
   * Reads an entity as its caller sees it: what it rests on was asked 2 seconds ago at the most.
   *
   * @param signal - ends the waiting
   * @throws NotFoundError where there is none, and in the same words where the caller may not read
   *   it, and where Backstage's rules know no such kind, namespace or name
   * @throws NotAllowedError where the caller may read it, but not with this permission
   */
  async read(
    ref: CompoundEntityRef,
    permission: ResourcePermission<'catalog-entity'>,
    credentials: CallerCredentials,
    signal?: AbortSignal,
  ): Promise<Entity> {
    const resourceRef = stringifyEntityRef(ref);
    if (!isReference(ref)) {
      throw notFound(resourceRef);
    }
    const { principal } = credentials;
    // A service may have restrictions that are not in its name, and a user who is acted for is two.
    if (principal.type !== 'user' || principal.actor) {
      return this.load(ref, permission, credentials);
    }
    return this.cache.get(
      JSON.stringify([principal.userEntityRef, permission.name, resourceRef]),
      async () => {
        const expiresAt = Date.now() + AGE;
        const value = await this.load(ref, permission, credentials);
        return { value, bytes: sizeOf(value), expiresAt };
      },
      signal,
    );
  }

  private async load(
    ref: CompoundEntityRef,
    permission: ResourcePermission<'catalog-entity'>,
    credentials: CallerCredentials,
  ): Promise<Entity> {
    const resourceRef = stringifyEntityRef(ref);
    const entity = await this.catalog.getEntityByRef(ref, { credentials });
    if (!entity) {
      throw notFound(resourceRef);
    }
    await this.assertAllowed({ permission, resourceRef }, credentials);
    return entity;
  }

  /** @throws NotAllowedError */
  async assertMay(
    permission: BasicPermission,
    credentials: BackstageCredentials,
  ): Promise<void> {
    await this.assertAllowed({ permission }, credentials);
  }

  private async assertAllowed(
    request: AuthorizePermissionRequest,
    credentials: BackstageCredentials,
  ): Promise<void> {
    const [{ result }] = await this.permissions.authorize([request], {
      credentials,
    });
    if (result !== AuthorizeResult.ALLOW) {
      throw new NotAllowedError(
        `The permission ${request.permission.name} is missing`,
      );
    }
  }
}

/**
 * Before a reference becomes an address of the catalog, where `..` would lead to another route.
 * References are not case-sensitive, and the rule for namespaces is.
 */
function isReference({ kind, namespace, name }: CompoundEntityRef): boolean {
  return (
    validator.isValidKind(kind) &&
    validator.isValidEntityName(namespace) &&
    validator.isValidNamespace(namespace.toLowerCase()) &&
    validator.isValidEntityName(name)
  );
}

function notFound(resourceRef: string): NotFoundError {
  return new NotFoundError(
    `There is no entity ${resourceRef.slice(0, 3 * MAX_PART + 2)}`,
  );
}
