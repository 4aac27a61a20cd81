import type {
  BackstageCredentials,
  BackstageServicePrincipal,
  BackstageUserPrincipal,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import {
  type CompoundEntityRef,
  type Entity,
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
import { QueryCache } from './client';

/** Whoever may ask. */
export type CallerCredentials = BackstageCredentials<
  BackstageUserPrincipal | BackstageServicePrincipal
>;

/**
 * Milliseconds for which an entity and a permission are taken not to change. A page asks for all of
 * its panels at once; two thirds of the processor that a small answer took from the cache went into
 * these questions.
 */
const AGE = 2_000;
const MAX_ENTRIES = 1000;

/** What of an entity a caller may see. */
export class EntityAccess {
  private readonly cache = new QueryCache({
    maxEntries: MAX_ENTRIES,
    maxBytes: Infinity,
  });

  constructor(
    private readonly catalog: CatalogService,
    private readonly permissions: PermissionsService,
  ) {}

  /**
   * Reads an entity as its caller sees it, or saw it within the last 2 seconds.
   *
   * @throws NotFoundError where there is none, and in the same words where the caller may not read it
   * @throws NotAllowedError where the caller may read it, but not with this permission
   */
  async read(
    ref: CompoundEntityRef,
    permission: ResourcePermission<'catalog-entity'>,
    credentials: CallerCredentials,
  ): Promise<Entity> {
    const resourceRef = stringifyEntityRef(ref);
    const { principal } = credentials;
    // A service may have restrictions that are not in its name, and a user who is acted for is two.
    if (principal.type !== 'user' || principal.actor) {
      return this.load(ref, permission, credentials);
    }
    return this.cache.get(
      JSON.stringify([principal.userEntityRef, permission.name, resourceRef]),
      async () => ({
        value: await this.load(ref, permission, credentials),
        bytes: 0,
        expiresAt: Date.now() + AGE,
      }),
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
      throw new NotFoundError(`There is no entity ${resourceRef}`);
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
