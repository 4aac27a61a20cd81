import Grid from '@material-ui/core/Grid';
import {
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import {
  ALERT_ANNOTATION,
  type EntityPanels,
  type PanelSummary,
  RULE_ANNOTATION,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo } from 'react';
import type { AlertTableProps } from '../alerts/AlertTable';
import type { GraphType } from '../chart/TimeSeriesChart';
import { GraphPanel, type GraphPanelProps } from '../graph/GraphPanel';
import { type GraphRange, secondsOf } from '../graph/PrometheusGraph';
import { RangeControls } from '../range/RangeControls';
import { between, toRange, zoomOut } from '../range/TimeSpan';
import { useNow } from '../range/useNow';
import { useTimeSpan } from '../range/useTimeSpan';
import { Failure } from '../state/Failure';
import { Outages } from '../state/Outages';
import { Empty, Loading } from '../state/StateMessage';
import { AlertsCard } from './AlertsCard';
import {
  hasAlerts,
  hasGraphs,
  isPrometheusAvailable,
} from './isPrometheusAvailable';
import { PanelProblems } from './PanelProblems';
import { titleOf } from './titleOf';
import { usePanelQuery } from './usePanelQuery';
import { usePanels } from './usePanels';

export interface EntityPrometheusContentProps {
  /** How far back graphs go until somebody chooses: an hour without it. */
  range?: GraphRange;
  /** Seconds; chosen by the range and the width where it is left out. */
  step?: number;
  /** Of panels that have none of their own. */
  graphType?: GraphType;
  extraColumns?: AlertTableProps['extraColumns'];
  showAlertsAnnotations?: boolean;
  showAlertsLabels?: boolean;
  showInactiveAlerts?: boolean;
  onRowClick?: AlertTableProps['onRowClick'];
}

/** The page of an entity: its alerts, and all its graphs over one range. */
export function EntityPrometheusContent(props: EntityPrometheusContentProps) {
  const { entity } = useEntity();
  return isPrometheusAvailable(entity) ? (
    <Page {...props} />
  ) : (
    <MissingAnnotationEmptyState
      annotation={[RULE_ANNOTATION, ALERT_ANNOTATION]}
    />
  );
}

function Page(props: EntityPrometheusContentProps) {
  const { entity } = useEntity();
  const state = useTimeSpan({ last: secondsOf(props.range) });
  const { now, refresh } = useNow(state.interval);
  return (
    <Outages onRetry={refresh}>
      <Grid container spacing={3}>
        <Grid item xs={12}>
          <RangeControls {...state} now={now} refresh={refresh} />
        </Grid>
        {hasAlerts(entity) && (
          <Grid item xs={12}>
            <AlertsCard
              now={now}
              onRetry={refresh}
              extraColumns={props.extraColumns}
              onRowClick={props.onRowClick}
              showAnnotations={props.showAlertsAnnotations}
              showLabels={props.showAlertsLabels}
              showInactiveAlerts={props.showInactiveAlerts}
            />
          </Grid>
        )}
        {hasGraphs(entity) && (
          <Graphs {...props} {...state} now={now} onRetry={refresh} />
        )}
      </Grid>
    </Outages>
  );
}

type GraphsProps = EntityPrometheusContentProps &
  ReturnType<typeof useTimeSpan> & { now: number; onRetry: () => void };

function Graphs(props: GraphsProps) {
  const { span, setSpan, now, onRetry } = props;
  const { data, error } = usePanels(now);
  const range = useMemo(() => toRange(span, now), [span, now]);
  const onZoom = useCallback(
    (next: TimeRange) => setSpan(between(next)),
    [setSpan],
  );
  const onZoomOut = useCallback(
    () => setSpan(zoomOut(span, now)),
    [setSpan, span, now],
  );
  if (!data) {
    return (
      <Grid item xs={12}>
        {error ? (
          <Failure error={error} onRetry={onRetry} />
        ) : (
          <Loading title="Looking for the graphs of this entity" />
        )}
      </Grid>
    );
  }
  return (
    <>
      <Problems {...data} />
      {data.panels.map(panel => (
        <Grid item xs={12} md={6} key={panel.id}>
          <EntityPanel
            panel={panel}
            range={range}
            now={now}
            step={props.step}
            graphType={props.graphType}
            uiUrl={data.uiUrl}
            syncKey="prometheus"
            onZoom={onZoom}
            onZoomOut={onZoomOut}
            onRetry={onRetry}
          />
        </Grid>
      ))}
    </>
  );
}

function Problems({ panels, problems }: EntityPanels) {
  if (problems.length > 0) {
    return (
      <Grid item xs={12}>
        <PanelProblems problems={problems} />
      </Grid>
    );
  }
  return panels.length === 0 ? (
    <Grid item xs={12}>
      <Empty
        title="No graphs"
        detail={`The annotation ${RULE_ANNOTATION} names none.`}
      />
    </Grid>
  ) : null;
}

function EntityPanel({
  panel,
  ...props
}: Omit<GraphPanelProps, 'title' | 'query' | 'ask'> & { panel: PanelSummary }) {
  const ask = usePanelQuery(panel);
  return (
    <GraphPanel
      {...props}
      title={titleOf(panel)}
      uiUrl={panel.uiUrl ?? props.uiUrl}
      query={panel.query}
      dimension={panel.dimension}
      graphType={panel.graphType ?? props.graphType}
      unit={panel.unit}
      thresholds={panel.thresholds}
      ask={ask}
    />
  );
}
