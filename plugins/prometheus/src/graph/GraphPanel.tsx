import { InfoCard } from '@backstage/core-components';
import LinearProgress from '@material-ui/core/LinearProgress';
import { makeStyles } from '@material-ui/core/styles';
import {
  fillIntervals,
  type RangeResult,
  type TimeRange,
  type Unit,
  usesIntervals,
} from '@nativestage/backstage-plugin-prometheus-common';
import { lazy, Suspense, useCallback, useState } from 'react';
import type { RangeQuery, RequestOptions } from '../api/PrometheusApi';
import type { GraphType, Threshold } from '../chart/TimeSeriesChart';
import { toCsv } from '../chart/toCsv';
import { expressionUrl } from '../links';
import { Failure } from '../state/Failure';
import { StaleNote } from '../state/Note';
import { Empty, Loading } from '../state/StateMessage';
import { type RequestState, useRequest } from '../state/useRequest';
import { PanelMenu, type PanelView } from './PanelMenu';
import { PanelNotes } from './PanelNotes';
import { saveAs } from './saveAs';
import { useElement } from './useElement';

// The chart and its library are most of the plugin, and few pages show one.
const TimeSeriesChart = lazy(() =>
  import('../chart/TimeSeriesChart').then(module => ({
    default: module.TimeSeriesChart,
  })),
);
const SeriesTable = lazy(() =>
  import('../chart/SeriesTable').then(module => ({
    default: module.SeriesTable,
  })),
);

/** A point for every other pixel: more would draw over each other. */
const PIXELS_PER_POINT = 2;
const HEIGHT = 240;

const useStyles = makeStyles({
  body: { position: 'relative', minHeight: HEIGHT },
  progress: { position: 'absolute', top: 0, left: 0, right: 0, height: 2 },
});

/** What a panel asks; it comes from `useCallback`. */
export type PanelQuery = (
  range: RangeQuery,
  options: RequestOptions,
) => Promise<RangeResult>;

export interface GraphPanelProps {
  title: string;
  /** As Prometheus is asked. */
  query: string;
  ask: PanelQuery;
  range: TimeRange;
  /** Seconds since 1970; asks again when it changes, whatever the range. */
  now?: number;
  /** Seconds; chosen by the panel's width where it is left out. */
  step?: number;
  dimension?: string;
  graphType?: GraphType;
  unit?: Unit;
  thresholds?: Threshold[];
  /** Of Prometheus' own interface. */
  uiUrl?: string;
  /** Panels with the same key share their crosshair. */
  syncKey?: string;
  onZoom?: (range: TimeRange) => void;
  onZoomOut?: () => void;
  onRetry?: () => void;
}

/** A card with the graph of one query, asked for when it comes into sight. */
export function GraphPanel(props: GraphPanelProps) {
  const { title, query, range } = props;
  const { ref, isVisible, width } = useElement();
  const [view, setView] = useState<PanelView>(props.graphType ?? 'line');
  const state = useSeries(props, isVisible ? width : 0);
  const { data } = state;
  return (
    <InfoCard
      title={title}
      titleTypographyProps={{ variant: 'subtitle1', component: 'h3' }}
      action={
        <PanelMenu
          title={title}
          view={view}
          onView={setView}
          onSave={data && (() => saveAs(`${title}.csv`, toCsv(data)))}
          expressionUrl={expressionUrl(
            props.uiUrl,
            asAsked(query, data),
            range,
          )}
        />
      }
    >
      <div ref={ref}>
        <Body {...props} {...state} view={view} />
      </div>
    </InfoCard>
  );
}

/** The query with its intervals, which the answer says; before that nobody knows them. */
function asAsked(query: string, data?: RangeResult): string | undefined {
  if (data?.intervals) {
    return fillIntervals(query, data.intervals);
  }
  return usesIntervals(query) ? undefined : query;
}

/** @param width pixels of a panel in sight, and 0 of any other */
function useSeries(
  { query, ask, range: { start, end }, now, step }: GraphPanelProps,
  width: number,
): RequestState<RangeResult> {
  const request = useCallback(
    (signal: AbortSignal) => {
      const maxPoints = Math.max(Math.ceil(width / PIXELS_PER_POINT), 3);
      const wanted = step === undefined ? { maxPoints } : { step };
      return ask({ start, end, ...wanted }, { signal });
    },
    [ask, start, end, step, width],
  );
  return useRequest(query, width > 0 ? request : undefined, now);
}

type BodyProps = GraphPanelProps &
  RequestState<RangeResult> & { view: PanelView };

function Body({ data, error, isLoading, onRetry, ...props }: BodyProps) {
  const classes = useStyles();
  if (!data) {
    return error ? (
      <Failure error={error} height={HEIGHT} onRetry={onRetry} />
    ) : (
      <Loading title="Asking Prometheus" height={HEIGHT} />
    );
  }
  return (
    <div className={classes.body} aria-busy={isLoading}>
      {isLoading && (
        <LinearProgress className={classes.progress} aria-label="Loading" />
      )}
      <Suspense fallback={<Loading title="Loading" height={HEIGHT} />}>
        <Picture {...props} data={data} />
      </Suspense>
      {error && <StaleNote error={error} />}
      <PanelNotes {...data} isStacked={props.view === 'stacked'} />
    </div>
  );
}

type PictureProps = GraphPanelProps & { data: RangeResult; view: PanelView };

function Picture({ data, view, ...props }: PictureProps) {
  const { title, dimension, query } = props;
  const unit = props.unit ?? data.unit;
  if (data.series.length === 0) {
    return (
      <Empty
        title="No data in this time"
        detail={`Nothing matched ${query}`}
        height={HEIGHT}
      />
    );
  }
  return view === 'table' ? (
    <SeriesTable title={title} data={data} dimension={dimension} unit={unit} />
  ) : (
    <TimeSeriesChart
      title={title}
      data={data}
      dimension={dimension}
      graphType={view}
      unit={unit}
      thresholds={props.thresholds}
      height={HEIGHT}
      syncKey={props.syncKey}
      onZoom={props.onZoom}
      onZoomOut={props.onZoomOut}
    />
  );
}
