export type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
export * from './api/PrometheusApi';
export type { GraphType, Threshold } from './chart/TimeSeriesChart';
export type { EntityPrometheusAlertCardProps } from './entity/EntityPrometheusAlertCard';
export type { EntityPrometheusContentProps } from './entity/EntityPrometheusContent';
export type { EntityPrometheusGraphCardProps } from './entity/EntityPrometheusGraphCard';
export type { EntityPrometheusOverviewCardProps } from './entity/EntityPrometheusOverviewCard';
export { isPrometheusAvailable } from './entity/isPrometheusAvailable';
export type { PrometheusAlertStatusProps } from './entity/PrometheusAlertStatus';
export type { GraphRange, PrometheusGraphProps } from './graph/PrometheusGraph';
export {
  EntityPrometheusAlertCard,
  EntityPrometheusContent,
  EntityPrometheusGraphCard,
  EntityPrometheusOverviewCard,
  PrometheusAlertStatus,
  PrometheusGraph,
  prometheusPlugin,
} from './plugin';
