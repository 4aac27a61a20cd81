import type {
  PanelOptions,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { lazy, Suspense } from 'react';
import type { Exemplars } from '../chart/ExemplarDots';
import type { TimeSeriesChartProps } from '../chart/TimeSeriesChart';
import { Note } from '../state/Note';
import { Empty, Loading } from '../state/StateMessage';
import type { PanelView } from './PanelMenu';

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
const StatView = lazy(() =>
  import('./StatView').then(module => ({ default: module.StatView })),
);

export type PictureProps = Omit<
  PanelOptions,
  'width' | 'exemplars' | 'graphType'
> &
  Pick<
    TimeSeriesChartProps,
    'hasAllThresholds' | 'syncKey' | 'legendState' | 'onZoom' | 'onZoomOut'
  > & {
    title: string;
    /** As Prometheus was asked. */
    query: string;
    data: RangeResult;
    view: PanelView;
    height: number;
    exemplars?: Exemplars;
  };

/** The answer to a panel's question, as it is to be looked at. */
export function Picture(props: PictureProps) {
  const { data, query, height } = props;
  if (data.series.length === 0) {
    return (
      <Empty
        title="No data in this time"
        detail={`Nothing matched ${query}`}
        height={height}
      />
    );
  }
  return (
    <div style={{ minHeight: height }}>
      <Suspense fallback={<Loading title="Loading" height={height} />}>
        <View {...props} />
      </Suspense>
      {props.scale === 'log' && <NotOnScale data={data} />}
    </div>
  );
}

function View({ data, view, height, ...props }: PictureProps) {
  const { title, dimension, legend, thresholds } = props;
  const unit = props.unit ?? data.unit;
  const names = { title, data, dimension, legend, unit };
  switch (view) {
    case 'table':
      return <SeriesTable {...names} />;
    case 'stat':
      return <StatView {...names} thresholds={thresholds} height={height} />;
    default:
      return (
        <TimeSeriesChart
          {...names}
          graphType={view}
          scale={props.scale}
          thresholds={thresholds}
          hasAllThresholds={props.hasAllThresholds}
          states={props.states}
          fill={height}
          syncKey={props.syncKey}
          legendState={props.legendState}
          exemplars={view === 'timeline' ? undefined : props.exemplars}
          onZoom={props.onZoom}
          onZoomOut={props.onZoomOut}
        />
      );
  }
}

/** What a logarithmic axis leaves out is said. */
function NotOnScale({ data }: { data: RangeResult }) {
  let count = 0;
  for (const { values } of data.series) {
    for (const value of values) {
      count += value !== null && value <= 0 ? 1 : 0;
    }
  }
  return count === 0 ? null : (
    <Note>
      {`${count === 1 ? 'A value that is zero or less is' : `${count} values that are zero or less are`} not drawn: a logarithmic scale has no place for them.`}
    </Note>
  );
}
