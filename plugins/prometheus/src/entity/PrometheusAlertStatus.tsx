import { useNow } from '../range/useNow';
import { AlertsCard } from './AlertsCard';
import type { EntityPrometheusAlertCardProps } from './EntityPrometheusAlertCard';

export interface PrometheusAlertStatusProps extends Omit<
  EntityPrometheusAlertCardProps,
  'entityRef'
> {
  /**
   * Names of alerts, or all of them. Beyond those of the entity's annotation they take the permission
   * `prometheus.query.custom`.
   */
  alerts: string[] | 'all';
}

/** Alerts of one's own choice, on an entity's page. */
export function PrometheusAlertStatus({
  alerts,
  refresh = 30,
  ...options
}: PrometheusAlertStatusProps) {
  const { now, refresh: retry } = useNow(refresh);
  return <AlertsCard {...options} names={alerts} now={now} onRetry={retry} />;
}
