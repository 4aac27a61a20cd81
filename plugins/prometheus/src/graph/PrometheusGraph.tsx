import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import {
  inferUnit,
  type PanelOptions,
  queryTitle,
  type TimeRange,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import { EntityOf } from '../entity/EntityOf';
import { between, type TimeSpan, toRange } from '../range/TimeSpan';
import { useNow } from '../range/useNow';
import { GraphPanel } from './GraphPanel';
import type { ExemplarQuery } from './useExemplars';
import type { PanelQuery } from './useSeries';

/** How far back a graph goes. Without either it is an hour. */
export interface GraphRange {
  hours?: number;
  minutes?: number;
}

export interface PrometheusGraphProps extends Omit<PanelOptions, 'width'> {
  /** PromQL. Asking it takes the permission `prometheus.query.custom`. */
  query: string;
  range?: GraphRange;
  /** Seconds; chosen by the range and the width where it is left out. */
  step?: number;
  /** Defaults to the query. */
  title?: string;
  /** Found by the metric's name where it is left out. */
  unit?: Unit;
  /** Seconds between refreshes. */
  refresh?: number;
  /**
   * A reference, such as `component:default/shop`, whose instance is asked on a page that is not its
   * own.
   */
  entityRef?: string;
  /** The instance to ask where there is no entity, as on a home page. */
  instance?: string;
}

/** The graph of a query of one's own, on an entity's page or on any other. */
export function PrometheusGraph({
  entityRef,
  instance,
  ...props
}: PrometheusGraphProps) {
  if (instance !== undefined) {
    return <InstanceGraph {...props} instance={instance} />;
  }
  return entityRef === undefined ? (
    <EntityGraph {...props} />
  ) : (
    <EntityOf
      entityRef={entityRef}
      title={props.title ?? queryTitle(props.query)}
    >
      <EntityGraph {...props} />
    </EntityOf>
  );
}

function EntityGraph(props: PrometheusGraphProps) {
  const { query } = props;
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  const ask = useCallback<PanelQuery>(
    (range, options) => api.customRange(entity, query, range, options),
    [api, entity, query],
  );
  return <CustomGraph {...props} ask={ask} />;
}

function InstanceGraph({
  instance,
  ...props
}: PrometheusGraphProps & { instance: string }) {
  const { query } = props;
  const api = useApi(prometheusApiRef);
  const ask = useCallback<PanelQuery>(
    (range, options) =>
      api.instanceRange?.(instance, query, range, options) ??
      Promise.reject(new Error('This API asks no instance without an entity')),
    [api, instance, query],
  );
  return <CustomGraph {...props} ask={ask} />;
}

function CustomGraph(props: PrometheusGraphProps & { ask: PanelQuery }) {
  const { query } = props;
  return (
    <GraphCard
      {...props}
      title={props.title ?? queryTitle(query)}
      unit={props.unit ?? inferUnit(query)}
    />
  );
}

export interface GraphCardProps extends Omit<
  PrometheusGraphProps,
  'entityRef' | 'instance'
> {
  title: string;
  ask: PanelQuery;
  askExemplars?: ExemplarQuery;
  uiUrl?: string;
  traceUrl?: string;
}

/** A graph that stands by itself: its range ends now, and a zoom is its own. */
export function GraphCard({ range, refresh, ...props }: GraphCardProps) {
  const { now, refresh: retry } = useNow(refresh);
  const [zoomed, setZoomed] = useState<TimeSpan>();
  const last = secondsOf(range);
  const shown = useMemo(
    () => toRange(zoomed ?? { last }, now),
    [zoomed, last, now],
  );
  return (
    <GraphPanel
      {...props}
      range={shown}
      now={now}
      onZoom={(next: TimeRange) => setZoomed(between(next))}
      onZoomOut={() => setZoomed(undefined)}
      onRetry={retry}
    />
  );
}

/** Seconds. */
export function secondsOf({ hours = 0, minutes = 0 }: GraphRange = {}): number {
  return hours * 3600 + minutes * 60 || 3600;
}
