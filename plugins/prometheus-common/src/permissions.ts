import { RESOURCE_TYPE_CATALOG_ENTITY } from '@backstage/plugin-catalog-common/alpha';
import { createPermission } from '@backstage/plugin-permission-common';

/** Seeing an entity's graphs. Conditions are those of catalog entities. */
export const prometheusPanelReadPermission = createPermission({
  name: 'prometheus.panel.read',
  attributes: { action: 'read' },
  resourceType: RESOURCE_TYPE_CATALOG_ENTITY,
});

/** Seeing an entity's alerts. Conditions are those of catalog entities. */
export const prometheusAlertReadPermission = createPermission({
  name: 'prometheus.alert.read',
  attributes: { action: 'read' },
  resourceType: RESOURCE_TYPE_CATALOG_ENTITY,
});

/** Sending PromQL of one's own. Whoever may do it reads whatever the instance holds. */
export const prometheusQueryCustomPermission = createPermission({
  name: 'prometheus.query.custom',
  attributes: { action: 'read' },
});

/** All of them, for a policy and for the permission integration. */
export const prometheusPermissions = [
  prometheusPanelReadPermission,
  prometheusAlertReadPermission,
  prometheusQueryCustomPermission,
];
