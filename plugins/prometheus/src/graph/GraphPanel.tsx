import {
  fillIntervals,
  type PanelOptions,
  type RangeResult,
  type TimeRange,
  usesIntervals,
  type ValueScale,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useState } from 'react';
import type { LegendState } from '../chart/TimeSeriesChart';
import { toCsv } from '../chart/toCsv';
import { expressionUrl } from '../links';
import { ContentCard } from '../state/ContentCard';
import { GraphBody } from './GraphBody';
import { type PanelAction, PanelMenu, type PanelView } from './PanelMenu';
import { PanelTitle } from './PanelTitle';
import { QueryDialog } from './QueryDialog';
import { saveAs } from './saveAs';
import { useElement } from './useElement';
import { type ExemplarQuery, useExemplars } from './useExemplars';
import { type SeriesQuery, useSeries } from './useSeries';

export interface GraphPanelProps
  extends SeriesQuery, Omit<PanelOptions, 'width' | 'exemplars'> {
  title: string;
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
  /** Missing where what is chosen in the legend is the panel's own matter. */
  legendState?: LegendState;
  onZoom?: (range: TimeRange) => void;
  onZoomOut?: () => void;
  onRetry?: () => void;
}

/** A card with the graph of one query, asked for when it comes into sight. */
export function GraphPanel(props: GraphPanelProps) {
  const { title, query, range, askExemplars } = props;
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
    <ContentCard
      title={<PanelTitle title={title} />}
      headerActions={
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
    >
      <div ref={ref}>
        <GraphBody
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
    </ContentCard>
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
