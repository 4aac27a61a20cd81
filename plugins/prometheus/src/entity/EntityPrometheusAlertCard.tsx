import {
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import { ALERT_ANNOTATION } from '@nativestage/backstage-plugin-prometheus-common';
import { useNow } from '../range/useNow';
import { type AlertOptions, AlertsCard } from './AlertsCard';
import { hasAlerts } from './isPrometheusAvailable';

export interface EntityPrometheusAlertCardProps extends AlertOptions {
  /** Seconds between refreshes: 30 without it. */
  refresh?: number;
}

/** The alerts that an entity asks for. */
export function EntityPrometheusAlertCard({
  refresh = 30,
  ...options
}: EntityPrometheusAlertCardProps) {
  const { entity } = useEntity();
  const { now, refresh: retry } = useNow(refresh);
  return hasAlerts(entity) ? (
    <AlertsCard {...options} now={now} onRetry={retry} />
  ) : (
    <MissingAnnotationEmptyState annotation={ALERT_ANNOTATION} />
  );
}
