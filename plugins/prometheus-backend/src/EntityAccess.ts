import type {
  BackstageCredentials,
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

/** What of an entity a caller may see. */
export class EntityAccess {
  constructor(
    private readonly catalog: CatalogService,
    private readonly permissions: PermissionsService,
  ) {}

  /**
   * Reads an entity as its caller sees it.
   *
   * @throws NotFoundError where there is none, and in the same words where the caller may not read it
   * @throws NotAllowedError where the caller may read it, but not with this permission
   */
  async read(
    ref: CompoundEntityRef,
    permission: ResourcePermission<'catalog-entity'>,
    credentials: BackstageCredentials,
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
