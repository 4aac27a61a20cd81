import { useApi } from '@backstage/core-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import {
  inferUnit,
  queryTitle,
  type TimeRange,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import { prometheusApiRef } from '../api/PrometheusApi';
import type { GraphType, Threshold } from '../chart/TimeSeriesChart';
import { between, type TimeSpan, toRange } from '../range/TimeSpan';
import { useNow } from '../range/useNow';
import { GraphPanel, type PanelQuery } from './GraphPanel';

/** How far back a graph goes. Without either it is an hour. */
export interface GraphRange {
  hours?: number;
  minutes?: number;
}

export interface PrometheusGraphProps {
  /** PromQL. Asking it takes the permission `prometheus.query.custom`. */
  query: string;
  range?: GraphRange;
  /** Seconds; chosen by the range and the width where it is left out. */
  step?: number;
  /** The label that names the series. */
  dimension?: string;
  graphType?: GraphType;
  /** Defaults to the query. */
  title?: string;
  /** Found by the metric's name where it is left out. */
  unit?: Unit;
  thresholds?: Threshold[];
  /** Seconds between refreshes. */
  refresh?: number;
}

/** The graph of a query of one's own, on an entity's page. */
export function PrometheusGraph(props: PrometheusGraphProps) {
  const { query } = props;
  const api = useApi(prometheusApiRef);
  const { entity } = useEntity();
  const ask = useCallback<PanelQuery>(
    (range, options) => api.customRange(entity, query, range, options),
    [api, entity, query],
  );
  return (
    <GraphCard
      {...props}
      title={props.title ?? queryTitle(query)}
      unit={props.unit ?? inferUnit(query)}
      ask={ask}
    />
  );
}

export interface GraphCardProps extends PrometheusGraphProps {
  title: string;
  ask: PanelQuery;
  uiUrl?: string;
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
