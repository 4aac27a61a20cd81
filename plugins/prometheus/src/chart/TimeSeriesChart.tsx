import { makeStyles, useTheme } from '@material-ui/core/styles';
import type {
  RangeResult,
  TimeRange,
  Unit,
  ValueScale,
  ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useMemo, useState } from 'react';
import { seriesStyles } from './colors';
import { ExemplarDots, type Exemplars } from './ExemplarDots';
import type { GraphType } from './GraphType';
import { Legend, legendHeight } from './Legend';
import { Plot } from './Plot';
import { seriesNames } from './seriesNames';
import type { Threshold } from './Threshold';
import { timelineHeight } from './Timeline';
import { useStable } from '../state/useStable';
import { type LegendState, useVisibility } from './useVisibility';
import { useWidth } from './useWidth';

export type { GraphType, LegendState, Threshold };

export interface TimeSeriesChartProps {
  /** What assistive technology calls the graph, and what a series without labels is called. */
  title: string;
  data: RangeResult;
  /** The label that names a series; it never groups or drops one. */
  dimension?: string;
  /** What a series is called, with its labels: `{{path}} in {{region}}`. */
  legend?: string;
  /** Defaults to `line`. */
  graphType?: GraphType;
  unit?: Unit;
  scale?: ValueScale;
  thresholds?: Threshold[];
  /** Whether the axis reaches to all of them, however far they are from the values. */
  hasAllThresholds?: boolean;
  /** Of a timeline. */
  states?: ValueState[];
  /** Pixels of the plot with its axes. Defaults to 240. */
  height?: number;
  /** Pixels of the plot and its legend: what a short legend leaves goes to the plot. */
  fill?: number;
  /** Missing where what is chosen in the legend is the chart's own matter. */
  legendState?: LegendState;
  exemplars?: Exemplars;
  /** Charts of one key share their crosshair. */
  syncKey?: string;
  /** A stretch of the plot was selected. */
  onZoom?: (range: TimeRange) => void;
  /** The plot was double-clicked, or Backspace pressed in it. */
  onZoomOut?: () => void;
}

/** Pixels between the plot and the legend. */
const SPACE = 8;

/** Pixels: a narrower legend leaves out the minimum and the mean. */
const NARROW = 480;

const NO_THRESHOLDS: Threshold[] = [];

const useStyles = makeStyles(
  { legend: { marginTop: SPACE } },
  { name: 'PrometheusTimeSeriesChart' },
);

/** Series over time: the plot with its tooltip, and a legend. It brings uPlot; load it lazily. */
export function TimeSeriesChart({
  title,
  data,
  dimension,
  legend,
  graphType = 'line',
  unit,
  scale,
  thresholds = NO_THRESHOLDS,
  hasAllThresholds,
  states,
  height = 240,
  fill,
  syncKey,
  legendState,
  exemplars,
  onZoom,
  onZoomOut,
}: TimeSeriesChartProps) {
  const classes = useStyles();
  const paper = useTheme().palette.type;
  const [ref, width] = useWidth<HTMLDivElement>();
  const { series } = data;
  const names = useStable(
    useMemo(
      () => seriesNames(series, { dimension, legend, fallback: title }),
      [series, dimension, legend, title],
    ),
  );
  const styles = useStable(
    useMemo(
      () => seriesStyles(series, paper, dimension),
      [series, paper, dimension],
    ),
  );
  const [highlighted, setHighlighted] = useState<number>();
  const { isShown, toggle, isolate, showAll } = useVisibility(
    data,
    legendState,
  );
  const isStacked = graphType === 'stacked';
  const below = SPACE + legendHeight(names, isStacked);
  const plotHeight = fill === undefined ? height : fill - below;

  return (
    <div ref={ref}>
      <Plot
        title={title}
        data={data}
        names={names}
        styles={styles}
        graphType={graphType}
        unit={unit}
        scale={scale}
        thresholds={useStable(thresholds)}
        hasAllThresholds={hasAllThresholds}
        states={useStable(states)}
        width={width}
        height={
          graphType === 'timeline'
            ? heightOfTimeline(series.length, plotHeight)
            : plotHeight
        }
        syncKey={syncKey}
        isShown={isShown}
        highlighted={highlighted}
        hasExemplars={exemplars !== undefined}
        onZoom={onZoom}
        onZoomOut={onZoomOut}
      >
        {extent =>
          exemplars && (
            <ExemplarDots {...exemplars} unit={unit} extent={extent} />
          )
        }
      </Plot>
      <div className={classes.legend}>
        <Legend
          title={title}
          series={series}
          names={names}
          styles={styles}
          unit={unit}
          hasTotal={isStacked}
          isShown={isShown}
          isNarrow={width < NARROW}
          onToggle={toggle}
          onIsolate={isolate}
          onShowAll={showAll}
          onHighlight={setHighlighted}
          filter={legendState?.filter}
          onFilter={legendState?.onFilter}
        />
      </div>
    </div>
  );
}

/** Pixels: no row is higher than it has to be, and none too low to be read. */
function heightOfTimeline(series: number, most: number): number {
  const axis = 54;
  return Math.max(
    Math.min(timelineHeight(series) + axis, most),
    timelineHeight(series, true) + axis,
  );
}
