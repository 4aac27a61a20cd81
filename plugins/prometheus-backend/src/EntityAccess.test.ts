import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
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
  let refs: unknown[];
  let revoked: boolean;
  /** What the permission service waits for before it decides. */
  let thinks: (() => Promise<void>) | undefined;
  let access: EntityAccess;

  beforeEach(() => {
    asked = [];
    hidden = false;
    revoked = false;
    refs = [];
    thinks = undefined;
    const catalog = {
      async getEntityByRef(
        ref: unknown,
        { credentials }: { credentials: CallerCredentials },
      ) {
        refs.push(ref);
        asked.push(credentials);
        return Promise.resolve(hidden ? undefined : { metadata: REF });
      },
    };
    const permissions = {
      authorize: async () => {
        const result = revoked ? AuthorizeResult.DENY : AuthorizeResult.ALLOW;
        await thinks?.();
        return [{ result }];
      },
    };
    access = new EntityAccess(
      catalog as unknown as CatalogService,
      permissions,
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

  describe('after a permission was revoked', () => {
    test('counts the two seconds from the question, however late the answer came', async t => {
      t.mock.timers.enable({ apis: ['Date'] });
      thinks = async () => Promise.resolve(t.mock.timers.tick(1_900));
      await access.read(REF, PANELS, user('a'));
      revoked = true;
      t.mock.timers.tick(99);
      await access.read(REF, PANELS, user('a'));
      t.mock.timers.tick(1);
      await assert.rejects(access.read(REF, PANELS, user('a')), {
        name: 'NotAllowedError',
      });
    });

    test('does not join a question of more than two seconds ago', async t => {
      t.mock.timers.enable({ apis: ['Date'] });
      const { promise: decided, resolve: decide } = withResolvers();
      thinks = () => decided;
      const before = access.read(REF, PANELS, user('a'));
      await setImmediate();
      t.mock.timers.tick(1_999);
      const joining = access.read(REF, PANELS, user('a'));
      revoked = true;
      t.mock.timers.tick(1);
      const after = access.read(REF, PANELS, user('a'));
      decide();
      await Promise.all([before, joining]);
      await assert.rejects(after, { name: 'NotAllowedError' });
      await assert.rejects(access.read(REF, PANELS, user('a')), {
        name: 'NotAllowedError',
      });
    });

    test('does not believe a clock that was set back', async t => {
      t.mock.timers.enable({ apis: ['Date'], now: 1e12 });
      await access.read(REF, PANELS, user('a'));
      revoked = true;
      t.mock.timers.setTime(1e12 - 3_600_000);
      await assert.rejects(access.read(REF, PANELS, user('a')), {
        name: 'NotAllowedError',
      });
    });
  });

  test('waits no longer for a catalog than the caller does', async () => {
    thinks = () => new Promise(() => {});
    const tab = new AbortController();
    const read = access.read(REF, PANELS, user('a'), tab.signal);
    tab.abort(new Error('tab closed'));
    await assert.rejects(read, /tab closed/);
  });

  test('asks a catalog that does not answer only so much', async () => {
    thinks = () => new Promise(() => {});
    const open = Array.from({ length: 1000 }, (_, at) =>
      access.read(REF, PANELS, user(`u${at}`)),
    );
    await assert.rejects(access.read(REF, PANELS, user('a')), {
      statusCode: 429,
      message: /1000 are under way/,
    });
    assert.equal(asked.length, open.length);
  });

  const OUTSIDE = [
    '..',
    '.',
    '%2e%2e',
    '.%2e',
    '..%2f..',
    '../..',
    'a/b',
    '\\..',
    'a b',
    'a\0',
    'a\r\n',
    'a?b',
    'a#b',
    'a:b',
    '.a',
    'a.',
    '\u2024\u2024',
    '\uff0e\uff0e',
    '\u212a',
    'é',
    ' ',
    '',
    'a'.repeat(64),
    'a'.repeat(100_000),
  ];
  for (const part of ['kind', 'namespace', 'name'] as const) {
    test(`asks the catalog nothing where the ${part} is none, and says what it says of a missing entity`, async () => {
      for (const credentials of [user('a'), SERVICE]) {
        for (const written of OUTSIDE) {
          await assert.rejects(
            access.read({ ...REF, [part]: written }, PANELS, credentials),
            ({ name, message }: Error) => {
              assert.equal(name, 'NotFoundError');
              assert.match(message, /^There is no entity /);
              assert.ok(message.length < 250);
              return true;
            },
          );
        }
      }
      assert.deepEqual(refs, []);
    });
  }

  test('knows references whatever their case', async () => {
    const written = {
      kind: 'COMPONENT',
      namespace: 'Default',
      name: 'Shop.v2_1',
    };
    await access.read(written, PANELS, user('a'));
    assert.deepEqual(refs, [written]);
  });
});

function withResolvers() {
  let resolve!: () => void;
  const promise = new Promise<void>(yes => {
    resolve = yes;
  });
  return { promise, resolve };
}
