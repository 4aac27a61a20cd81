import Grid from '@material-ui/core/Grid';
import {
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import {
  ALERT_ANNOTATION,
  RULE_ANNOTATION,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo } from 'react';
import type { AlertTableProps } from '../alerts/AlertTable';
import type { GraphType } from '../chart/TimeSeriesChart';
import { TimeZoneProvider } from '../chart/timeZone';
import { type GraphRange, secondsOf } from '../graph/PrometheusGraph';
import { RangeControls } from '../range/RangeControls';
import { between, toRange, zoomOut } from '../range/TimeSpan';
import { useNow } from '../range/useNow';
import { useTimeSpan } from '../range/useTimeSpan';
import { Failure } from '../state/Failure';
import { Outages } from '../state/Outages';
import { Loading } from '../state/StateMessage';
import { AlertsCard } from './AlertsCard';
import {
  hasAlerts,
  hasGraphs,
  isPrometheusAvailable,
} from './isPrometheusAvailable';
import { PanelGrid } from './PanelGrid';
import { usePanels } from './usePanels';
import { useSettled } from './useSettled';
import { useTextInAddress } from './useTextInAddress';

/** What alerts are searched for. */
const SEARCH = 'alerts';

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
  const [isSettled, onSettled] = useSettled(hasAlerts(entity));
  const search = useTextInAddress(SEARCH);
  return (
    <Outages onRetry={refresh}>
      <TimeZoneProvider value={state.isUtc ? 'UTC' : undefined}>
        <Grid container spacing={3}>
          <Grid item xs={12}>
            <RangeControls {...state} now={now} refresh={refresh} />
          </Grid>
          {hasAlerts(entity) && (
            <Grid item xs={12}>
              <AlertsCard
                now={now}
                onRetry={refresh}
                onSettled={onSettled}
                search={search}
                extraColumns={props.extraColumns}
                onRowClick={props.onRowClick}
                showAnnotations={props.showAlertsAnnotations}
                showLabels={props.showAlertsLabels}
                showInactiveAlerts={props.showInactiveAlerts}
              />
            </Grid>
          )}
          {hasGraphs(entity) && (
            <Graphs
              {...props}
              {...state}
              now={now}
              onRetry={refresh}
              isSettled={isSettled}
            />
          )}
        </Grid>
      </TimeZoneProvider>
    </Outages>
  );
}

type GraphsProps = EntityPrometheusContentProps &
  ReturnType<typeof useTimeSpan> & {
    now: number;
    onRetry: () => void;
    /** Whether what stands above has its height. */
    isSettled: boolean;
  };

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
  if (!data || !props.isSettled) {
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
    <PanelGrid
      data={data}
      range={range}
      now={now}
      step={props.step}
      graphType={props.graphType}
      syncKey="prometheus"
      onZoom={onZoom}
      onZoomOut={onZoomOut}
      onRetry={onRetry}
    />
  );
}
