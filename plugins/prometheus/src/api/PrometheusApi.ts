import type { Entity } from '@backstage/catalog-model';
import { createApiRef } from '@backstage/core-plugin-api';
import type {
  Alert,
  AlertsResult,
  EntityPanels,
  Exemplar,
  PanelSummary,
  RangeResult,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';

/** What of a range is asked for. */
export interface RangeQuery extends TimeRange {
  /** Whole seconds; chosen by the range and `maxPoints` where it is left out. */
  step?: number;
  /** How many points a series is drawn with: 3 to 11000. */
  maxPoints?: number;
}

export interface RequestOptions {
  /** Ends the request, and with it the query at the server. */
  signal?: AbortSignal;
}

/** Which rule an alert is of. */
export type AlertRule = Pick<Alert, 'name' | 'ruleId' | 'query' | 'instance'>;

/**
 * What entities have in Prometheus. Errors are those of `@backstage/errors`: `ResponseError` of the
 * backend, with what Prometheus says of a query as its message.
 */
export interface PrometheusApi {
  /** The graphs of the annotation `prometheus.io/rule`. */
  panels(entity: Entity, options?: RequestOptions): Promise<EntityPanels>;

  /** The series of one of them. */
  panelRange(
    entity: Entity,
    panel: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult>;

  /** The traces that stand for samples of one of them; none where nobody keeps any. */
  panelExemplars?(
    entity: Entity,
    panel: PanelSummary,
    range: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]>;

  /**
   * PromQL of one's own, asked of an instance without an entity: the default one without a name. It
   * takes the permission `prometheus.query.custom`.
   */
  instanceRange?(
    instance: string | undefined,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult>;

  /**
   * PromQL of one's own, asked of the entity's instance. It takes the permission
   * `prometheus.query.custom`.
   */
  customRange(
    entity: Entity,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult>;

  /**
   * Alerts, firing first. Without `names` those of the annotation `prometheus.io/alert`; others take
   * the permission `prometheus.query.custom`.
   */
  alerts(
    entity: Entity,
    names?: 'all' | string[],
    options?: RequestOptions,
  ): Promise<AlertsResult>;

  /**
   * What the expression of an alert's rule compares, as `alertGraphOf` of the common package tells it
   * from what it is compared with. Alerts without a `ruleId` have no graph.
   *
   * @param names - those that {@link PrometheusApi.alerts} was given for the alert
   */
  alertRange?(
    entity: Entity,
    rule: AlertRule,
    names: 'all' | string[] | undefined,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult>;
}

export const prometheusApiRef = createApiRef<PrometheusApi>({
  id: 'plugin.prometheus.service',
});
