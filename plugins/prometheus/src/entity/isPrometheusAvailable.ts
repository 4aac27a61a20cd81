import type { Entity } from '@backstage/catalog-model';
import {
  ALERT_ANNOTATION,
  PANELS_ANNOTATION,
  RULE_ANNOTATION,
} from '@nativestage/backstage-plugin-prometheus-common';

/** Whether an entity asks for anything of Prometheus: graphs or alerts. */
export function isPrometheusAvailable(entity: Entity): boolean {
  return hasGraphs(entity) || hasAlerts(entity);
}

export function hasGraphs(entity: Entity): boolean {
  const { annotations } = entity.metadata;
  return Boolean(
    annotations?.[RULE_ANNOTATION] ?? annotations?.[PANELS_ANNOTATION],
  );
}

export function hasAlerts(entity: Entity): boolean {
  return Boolean(entity.metadata.annotations?.[ALERT_ANNOTATION]);
}
