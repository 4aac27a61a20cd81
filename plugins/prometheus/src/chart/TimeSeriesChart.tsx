import { makeStyles } from '@material-ui/core/styles';
import type {
  RangeResult,
  TimeRange,
  Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import type { GraphType } from './GraphType';
import { Legend } from './Legend';
import { identify } from './labels';
import { Plot } from './Plot';
import { seriesNames } from './seriesNames';
import type { Threshold } from './Threshold';
import { useStable } from '../state/useStable';
import { useWidth } from './useWidth';

export type { GraphType, Threshold };

export interface TimeSeriesChartProps {
  /** What assistive technology calls the graph, and what a series without labels is called. */
  title: string;
  data: RangeResult;
  /** The label that names a series; it never groups or drops one. */
  dimension?: string;
  /** Defaults to `line`. */
  graphType?: GraphType;
  unit?: Unit;
  thresholds?: Threshold[];
  /** Pixels of the plot with its axes. Defaults to 240. */
  height?: number;
  /** Charts of one key share their crosshair. */
  syncKey?: string;
  /** A stretch of the plot was selected. */
  onZoom?: (range: TimeRange) => void;
  /** The plot was double-clicked, or Backspace pressed in it. */
  onZoomOut?: () => void;
}

/** Pixels: a narrower legend leaves out the minimum and the mean. */
const NARROW = 480;

const NO_THRESHOLDS: Threshold[] = [];

const useStyles = makeStyles(
  theme => ({ legend: { marginTop: theme.spacing(1) } }),
  { name: 'PrometheusTimeSeriesChart' },
);

/** Series over time: the plot with its tooltip, and a legend. It brings uPlot; load it lazily. */
export function TimeSeriesChart({
  title,
  data,
  dimension,
  graphType = 'line',
  unit,
  thresholds = NO_THRESHOLDS,
  height = 240,
  syncKey,
  onZoom,
  onZoomOut,
}: TimeSeriesChartProps) {
  const classes = useStyles();
  const [ref, width] = useWidth<HTMLDivElement>();
  const names = useStable(
    useMemo(
      () => seriesNames(data.series, { dimension, fallback: title }),
      [data.series, dimension, title],
    ),
  );
  const [highlighted, setHighlighted] = useState<number>();
  const { isShown, toggle, isolate, showAll } = useVisibility(data);

  return (
    <div ref={ref}>
      <Plot
        title={title}
        data={data}
        names={names}
        graphType={graphType}
        unit={unit}
        thresholds={useStable(thresholds)}
        width={width}
        height={height}
        syncKey={syncKey}
        isShown={isShown}
        highlighted={highlighted}
        onZoom={onZoom}
        onZoomOut={onZoomOut}
      />
      <div className={classes.legend}>
        <Legend
          title={title}
          series={data.series}
          names={names}
          unit={unit}
          isShown={isShown}
          isNarrow={width < NARROW}
          onToggle={toggle}
          onIsolate={isolate}
          onShowAll={showAll}
          onHighlight={setHighlighted}
        />
      </div>
    </div>
  );
}

/** Which series are drawn, by their labels: a refresh may bring them in other places. */
function useVisibility({ series }: RangeResult) {
  const keys = useStable(useMemo(() => identify(series), [series]));
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set<string>());

  const isShown = useCallback(
    (index: number) => !hidden.has(keys[index]),
    [hidden, keys],
  );
  const toggle = useCallback(
    (index: number) => {
      setHidden(before => {
        const after = new Set(before);
        if (!after.delete(keys[index])) {
          after.add(keys[index]);
        }
        return after;
      });
    },
    [keys],
  );
  const isolate = useCallback(
    (index: number) => {
      setHidden(before => {
        const others = keys.filter(key => key !== keys[index]);
        const isAlone =
          !before.has(keys[index]) && others.every(key => before.has(key));
        return new Set(isAlone ? [] : others);
      });
    },
    [keys],
  );
  const showAll = useCallback(() => setHidden(new Set()), []);
  return { isShown, toggle, isolate, showAll };
}
