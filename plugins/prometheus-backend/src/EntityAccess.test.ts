import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { PermissionsService } from '@backstage/backend-plugin-api';
import type { CatalogService } from '@backstage/plugin-catalog-node';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import {
  prometheusAlertReadPermission,
  prometheusPanelReadPermission,
} from '@nativestage/backstage-plugin-prometheus-common';
import { type CallerCredentials, EntityAccess } from './EntityAccess';

const REF = { kind: 'component', namespace: 'default', name: 'shop' };
const PANELS = prometheusPanelReadPermission;

function user(userEntityRef: string, actor?: string): CallerCredentials {
  const service = { type: 'service' as const, subject: actor! };
  return {
    $$type: '@backstage/BackstageCredentials',
    principal: {
      type: 'user',
      userEntityRef,
      ...(actor && { actor: service }),
    },
  };
}

const SERVICE: CallerCredentials = {
  $$type: '@backstage/BackstageCredentials',
  principal: { type: 'service', subject: 'a-service' },
};

describe('EntityAccess', () => {
  let asked: CallerCredentials[];
  let hidden: boolean;
  let access: EntityAccess;

  beforeEach(() => {
    asked = [];
    hidden = false;
    const catalog = {
      async getEntityByRef(
        _: unknown,
        { credentials }: { credentials: CallerCredentials },
      ) {
        asked.push(credentials);
        return Promise.resolve(hidden ? undefined : { metadata: REF });
      },
    };
    const permissions = {
      authorize: () => Promise.resolve([{ result: AuthorizeResult.ALLOW }]),
    };
    access = new EntityAccess(
      catalog as unknown as CatalogService,
      permissions as unknown as PermissionsService,
    );
  });

  test('asks once for the panels of a page, and again two seconds later', async t => {
    t.mock.timers.enable({ apis: ['Date'] });
    const page = () =>
      Promise.all([1, 2, 3].map(() => access.read(REF, PANELS, user('a'))));
    await page();
    await page();
    assert.equal(asked.length, 1);
    t.mock.timers.tick(2_000);
    await page();
    assert.equal(asked.length, 2);
  });

  test('asks for every user, every entity and every permission', async () => {
    await access.read(REF, PANELS, user('a'));
    await access.read(REF, PANELS, user('b'));
    await access.read({ ...REF, name: 'other' }, PANELS, user('a'));
    await access.read(REF, prometheusAlertReadPermission, user('a'));
    assert.deepEqual(asked, [user('a'), user('b'), user('a'), user('a')]);
  });

  test('asks every time for services, and for who is acted for', async () => {
    for (const credentials of [SERVICE, user('a', 'a-service')]) {
      asked.length = 0;
      await access.read(REF, PANELS, credentials);
      await access.read(REF, PANELS, credentials);
      assert.deepEqual(asked, [credentials, credentials]);
    }
  });

  test('asks again after a refusal', async () => {
    hidden = true;
    await assert.rejects(access.read(REF, PANELS, user('a')), {
      name: 'NotFoundError',
    });
    hidden = false;
    await access.read(REF, PANELS, user('a'));
    assert.equal(asked.length, 2);
  });
});
