import {
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import { ALERT_ANNOTATION } from '@nativestage/backstage-plugin-prometheus-common';
import { useNow } from '../range/useNow';
import { type AlertOptions, AlertsCard } from './AlertsCard';
import { EntityOf } from './EntityOf';
import { hasAlerts } from './isPrometheusAvailable';

export interface EntityPrometheusAlertCardProps extends AlertOptions {
  /** Seconds between refreshes: 30 without it. */
  refresh?: number;
  /** A reference, such as `component:default/shop`, on a page that is not the entity's own. */
  entityRef?: string;
}

/** The alerts that an entity asks for. */
export function EntityPrometheusAlertCard({
  entityRef,
  ...props
}: EntityPrometheusAlertCardProps) {
  return entityRef === undefined ? (
    <Alerts {...props} />
  ) : (
    <EntityOf entityRef={entityRef} title={props.title}>
      <Alerts {...props} />
    </EntityOf>
  );
}

function Alerts({
  refresh = 30,
  ...options
}: Omit<EntityPrometheusAlertCardProps, 'entityRef'>) {
  const { entity } = useEntity();
  const { now, refresh: retry } = useNow(refresh);
  return hasAlerts(entity) ? (
    <AlertsCard {...options} now={now} onRetry={retry} />
  ) : (
    <MissingAnnotationEmptyState annotation={ALERT_ANNOTATION} />
  );
}
