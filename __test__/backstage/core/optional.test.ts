import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServiceRef } from '@backstage/backend-plugin-api';
import { optional } from '../../../ts/backstage/core/pluginObserver';

test('a ref is made optional without reading its T, which throws in Backstage 1.49', () => {
  const ref = createServiceRef<string>({ id: 'a', scope: 'plugin' });
  Object.defineProperty(ref, 'T', {
    enumerable: true,
    get() {
      throw new Error('tried to read ServiceRef.T');
    },
  });
  const made = optional(ref);
  assert.deepEqual(
    [made.id, made.scope, made.multiton, made.$$type],
    ['a', 'plugin', true, '@backstage/ServiceRef'],
  );
  assert.equal(`${made as unknown as string}`, 'serviceRef{a}');
  assert.notEqual(ref.multiton, made.multiton);
});
