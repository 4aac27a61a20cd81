import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isResourcePermission } from '@backstage/plugin-permission-common';
import { prometheusPermissions } from './permissions';

test('panels and alerts are read on catalog entities, free queries on nothing', () => {
  assert.deepEqual(
    prometheusPermissions.map(permission => [
      permission.name,
      isResourcePermission(permission, 'catalog-entity'),
      permission.attributes.action,
    ]),
    [
      ['prometheus.panel.read', true, 'read'],
      ['prometheus.alert.read', true, 'read'],
      ['prometheus.query.custom', false, 'read'],
    ],
  );
});
