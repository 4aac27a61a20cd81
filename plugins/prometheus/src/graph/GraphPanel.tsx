import { InfoCard } from '@backstage/core-components';
import Divider from '@material-ui/core/Divider';
import LinearProgress from '@material-ui/core/LinearProgress';
import { makeStyles } from '@material-ui/core/styles';
import {
  fillIntervals,
  type PanelOptions,
  type RangeResult,
  type TimeRange,
  usesIntervals,
  type ValueScale,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import type { RangeQuery, RequestOptions } from '../api/PrometheusApi';
import type { HiddenSeries } from '../chart/TimeSeriesChart';
import { toCsv } from '../chart/toCsv';
import { expressionUrl } from '../links';
import { Failure } from '../state/Failure';
import { StaleNote } from '../state/Note';
import { Loading } from '../state/StateMessage';
import { type RequestState, useRequest } from '../state/useRequest';
import { PanelHeader } from './PanelHeader';
import { type PanelAction, PanelMenu, type PanelView } from './PanelMenu';
import { PanelNotes } from './PanelNotes';
import { Picture } from './Picture';
import { QueryDialog } from './QueryDialog';
import { saveAs } from './saveAs';
import { useElement } from './useElement';
import { type ExemplarQuery, useExemplars } from './useExemplars';
import { useInSight } from './useInSight';

/** A point for every other pixel: more would draw over each other. */
const PIXELS_PER_POINT = 2;

/** Pixels of a panel's picture with its legend, from the start: nothing moves when it comes. */
export const PANEL_HEIGHT = 376;

const useStyles = makeStyles(
  theme => ({
    content: { padding: theme.spacing(2) },
    body: { position: 'relative' },
    progress: { position: 'absolute', top: 0, left: 0, right: 0, height: 2 },
  }),
  { name: 'PrometheusGraphPanel' },
);

/** What a panel asks; it comes from `useCallback`. */
export type PanelQuery = (
  range: RangeQuery,
  options: RequestOptions,
) => Promise<RangeResult>;

export interface GraphPanelProps extends Omit<
  PanelOptions,
  'width' | 'exemplars'
> {
  title: string;
  /** As Prometheus is asked. */
  query: string;
  ask: PanelQuery;
  range: TimeRange;
  /** Seconds since 1970; asks again when it changes, whatever the range. */
  now?: number;
  /** Seconds; chosen by the panel's width where it is left out. */
  step?: number;
  /** Pixels of the picture with its legend. */
  height?: number;
  /** Of Prometheus' own interface. */
  uiUrl?: string;
  /** Panels with the same key share their crosshair. */
  syncKey?: string;
  /** Whether exemplars are drawn until somebody chooses. */
  exemplars?: boolean;
  /** Missing where there are none to be had. */
  askExemplars?: ExemplarQuery;
  /** Where a trace is shown: `https://traces.example/trace/{{trace_id}}`. */
  traceUrl?: string;
  /** What else can be done with the panel where it is. */
  actions?: PanelAction[];
  /** Missing where what is hidden is the panel's own matter. */
  visibility?: HiddenSeries;
  onZoom?: (range: TimeRange) => void;
  onZoomOut?: () => void;
  onRetry?: () => void;
}

/** A card with the graph of one query, asked for when it comes into sight. */
export function GraphPanel(props: GraphPanelProps) {
  const { title, query, range, askExemplars } = props;
  const classes = useStyles();
  const { ref, isVisible, width } = useElement();
  const [view, setView] = useState<PanelView>(props.graphType ?? 'line');
  const [scale, setScale] = useState<ValueScale>(props.scale ?? 'linear');
  const [hasExemplars, setExemplars] = useState(props.exemplars ?? false);
  const [isQueryShown, setQueryShown] = useState(false);
  const state = useSeries(props, width, isVisible && width > 0);
  const { data } = state;
  const exemplars = useExemplars(
    query,
    hasExemplars ? askExemplars : undefined,
    data,
  );
  const url = expressionUrl(props.uiUrl, asAsked(query, data), range);
  return (
    <InfoCard divider={false} noPadding>
      <PanelHeader
        title={title}
        action={
          <PanelMenu
            title={title}
            view={view}
            onView={setView}
            switches={[
              {
                label: 'Logarithmic scale',
                isOn: scale === 'log',
                isDisabled: !hasLogScale(view),
                onChange: isOn => setScale(isOn ? 'log' : 'linear'),
              },
              ...(askExemplars
                ? [
                    {
                      label: 'Exemplars',
                      isOn: hasExemplars,
                      onChange: setExemplars,
                    },
                  ]
                : []),
            ]}
            actions={[
              ...(props.actions ?? []),
              { label: 'Show query', onClick: () => setQueryShown(true) },
              {
                label: 'Download CSV',
                isDisabled: !data,
                onClick: () => data && saveAs(`${title}.csv`, toCsv(data)),
              },
              ...(url ? [{ label: 'Open in Prometheus', href: url }] : []),
            ]}
          />
        }
      />
      <Divider />
      <div ref={ref} className={classes.content}>
        <Body
          {...props}
          {...state}
          view={view}
          scale={hasLogScale(view) ? scale : 'linear'}
          isVisible={isVisible}
          drawn={hasExemplars ? exemplars : undefined}
        />
      </div>
      {isQueryShown && (
        <QueryDialog
          title={title}
          query={query}
          onClose={() => setQueryShown(false)}
        />
      )}
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

function hasLogScale(view: PanelView): boolean {
  return view === 'line' || view === 'area' || view === 'step';
}

/** @param width pixels, and 0 before it is laid out */
function useSeries(
  { query, ask, range: { start, end }, now, step }: GraphPanelProps,
  width: number,
  isVisible: boolean,
): RequestState<RangeResult> {
  const next = useMemo(
    () => ({ ask, start, end, now, step, width }),
    [ask, start, end, now, step, width],
  );
  const [shownStep, setShownStep] = useState<number>();
  const wanted = useInSight(next, isVisible, shownStep);
  const request = useCallback(
    (signal: AbortSignal) => {
      const {
        ask: askNow,
        step: fixed,
        width: wide,
        start: from,
        end: to,
      } = wanted!;
      const maxPoints = Math.max(Math.ceil(wide / PIXELS_PER_POINT), 3);
      const points = fixed === undefined ? { maxPoints } : { step: fixed };
      return askNow({ start: from, end: to, ...points }, { signal });
    },
    [wanted],
  );
  const state = useRequest(query, wanted && request);
  const found = state.error ? undefined : state.data?.step;
  if (found !== shownStep) {
    setShownStep(found);
  }
  return state;
}

type BodyProps = GraphPanelProps &
  RequestState<RangeResult> & {
    view: PanelView;
    isVisible: boolean;
    drawn?: ReturnType<typeof useExemplars>;
  };

function Body({ data, error, isLoading, onRetry, drawn, ...props }: BodyProps) {
  const classes = useStyles();
  const { height = PANEL_HEIGHT, isVisible } = props;
  if (!data) {
    return error ? (
      <Failure error={error} height={height} onRetry={onRetry} />
    ) : (
      <Loading title="Asking Prometheus" height={height} isStill={!isVisible} />
    );
  }
  return (
    <div className={classes.body} aria-busy={isLoading}>
      {isLoading && isVisible && (
        <LinearProgress className={classes.progress} aria-label="Loading" />
      )}
      <Picture
        {...props}
        data={data}
        height={height}
        exemplars={
          drawn && { exemplars: drawn.data ?? [], traceUrl: props.traceUrl }
        }
      />
      {error && <StaleNote error={error} />}
      {drawn?.error && <StaleNote error={drawn.error} />}
      <PanelNotes {...data} isStacked={props.view === 'stacked'} />
    </div>
  );
}
