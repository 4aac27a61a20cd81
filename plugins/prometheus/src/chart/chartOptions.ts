import { alpha, type Theme } from '@material-ui/core/styles';
import {
  formatValue,
  type Unit,
  type ValueScale,
  type ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import uPlot from 'uplot';
import type { SeriesStyle } from './colors';
import { drawThresholds } from './drawThresholds';
import type { GraphType } from './GraphType';
import { drawLine, Highlight } from './Highlight';
import { drawInfinities } from './infinities';
import { isolatedPoints } from './isolatedPoints';
import { logBase, logRange, logSplits } from './logAxis';
import { stackedPaths } from './stackedPaths';
import type { Threshold } from './Threshold';
import { Timeline } from './Timeline';
import { timeLabels } from './timeAxis';
import type { PlotData } from './toUplotData';
import { valueIncrements, valueLabels } from './valueAxis';
import { valueRange } from './valueRange';

/** What happens in the plot. */
export interface ChartEvents {
  onReady?: (chart: uPlot) => void;
  /** The crosshair moved, was taken away, or another chart of the same key moved it. */
  onCursor: (chart: uPlot) => void;
  /** A stretch of time was selected. */
  onSelect: (chart: uPlot) => void;
  onDoubleClick: () => void;
  /** The plot is drawn, or drawn anew: its scales may be others. */
  onDraw?: (chart: uPlot) => void;
  /** The series nearest to the crosshair is another one; where it is in the data. */
  onFocus: (series: number | undefined) => void;
}

export interface ChartSpec {
  theme: Theme;
  width: number;
  height: number;
  names: string[];
  styles: SeriesStyle[];
  graphType: GraphType;
  unit?: Unit;
  scale?: ValueScale;
  thresholds: Threshold[];
  /** Whether the value axis reaches to all of them. */
  hasAllThresholds?: boolean;
  /** Of a timeline. */
  states?: ValueState[];
  /** IANA; the viewer's where it is left out. */
  timeZone?: string;
  /** Whether a stretch of time can be selected. */
  isSelectable: boolean;
  syncKey?: string;
  /** What is drawn now: path builders ask for it whenever they draw. */
  plotData: () => PlotData;
  isShown: (series: number) => boolean;
  events: ChartEvents;
}

/** Up to so many series their lines are thick, and each has a point at the crosshair. */
const FEW = 20;

/** What is not among these is not filled. */
const FILL: Partial<Record<GraphType, number>> = { area: 0.08, stacked: 0.45 };

/** Pixels of the time axis, which has two lines of text. */
const TIME_AXIS_HEIGHT = 42;

/** Pixels of a drag that is no shaky click. */
const MIN_DRAG = 5;

export function chartOptions(spec: ChartSpec): uPlot.Options {
  const { width, height, syncKey, names, timeZone } = spec;
  const timeline = spec.graphType === 'timeline' ? timelineOf(spec) : undefined;
  return {
    width,
    height,
    padding: [12, 16, 0, 0],
    legend: { show: false },
    ...(timeZone && {
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), timeZone),
    }),
    scales: { ...scales(spec), ...(timeline && { y: rowScale(spec) }) },
    axes: axes(spec),
    series: [{}, ...names.map((_, index) => series(spec, index))],
    cursor: {
      ...cursor(spec, timeline),
      ...(syncKey && { sync: sync(syncKey) }),
    },
    // A layer above the plot points series out.
    focus: { alpha: 1 },
    hooks: hooks(spec, timeline),
  };
}

function timelineOf({ states = [], ...spec }: ChartSpec): Timeline {
  return new Timeline({ ...spec, states, font: axisFont(spec.theme) });
}

/** A row for each series that is shown, the first on top. */
function rowScale({ names, isShown }: ChartSpec): uPlot.Scale {
  return {
    dir: -1,
    range: () => [0, names.filter((_, index) => isShown(index)).length || 1],
  };
}

function scales({
  graphType,
  scale,
  unit,
  thresholds,
  hasAllThresholds,
}: ChartSpec): uPlot.Scales {
  const lines = thresholds.map(({ value }) => value);
  const isLog = scale === 'log' && graphType !== 'stacked';
  const log = logBase(unit);
  return {
    x: { time: true, range: (_, min, max) => timeRange(min, max) },
    y: isLog
      ? { distr: 3, log, range: (_, min, max) => logRange(min, max, log) }
      : {
          range: (_, min, max) =>
            valueRange(min, max, {
              fromZero: graphType === 'area' || graphType === 'stacked',
              ...(hasAllThresholds ? { within: lines } : { near: lines }),
            }),
        },
  };
}

/** A single point stands in the middle of a minute. */
function timeRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  return min !== null && min === max ? [min - 30, min + 30] : [min, max];
}

function axes(spec: ChartSpec): uPlot.Axis[] {
  const { theme, timeZone } = spec;
  const { palette } = theme;
  const line = { stroke: alpha(palette.text.primary, 0.1), width: 1 };
  const common = { font: axisFont(theme), stroke: palette.text.secondary };
  return [
    {
      ...common,
      size: TIME_AXIS_HEIGHT,
      gap: 6,
      space: 88,
      lineGap: 1.3,
      grid: { show: false },
      ticks: { ...line, size: 4 },
      border: { ...line, show: true },
      values: (_, splits, _axis, _space, step) =>
        timeLabels(splits, step, { timeZone }),
    },
    {
      ...common,
      gap: 8,
      grid: line,
      ticks: { show: false },
      size: (chart, labels) => labelWidth(chart, labels, axisFont(theme)) + 16,
      ...(spec.graphType === 'timeline' ? rowAxis(spec) : valueAxis(spec)),
    },
  ];
}

function valueAxis({ graphType, scale, unit }: ChartSpec): uPlot.Axis {
  const log = logBase(unit);
  return scale === 'log' && graphType !== 'stacked'
    ? {
        splits: (_chart, _axis, min, max) => logSplits(min, max, log),
        filter: (_, splits) => splits,
        values: (_, splits) => splits.map(split => formatValue(split, unit)),
      }
    : {
        space: 28,
        incrs: valueIncrements(unit),
        values: (_, splits) => valueLabels(splits, unit),
      };
}

/** Pixels of a name beside its row, or a share of the chart; the legend and the tooltip have all of it. */
const ROW_NAME = 140;
const ROW_NAME_SHARE = 0.3;

function rowAxis({ theme, names, isShown }: ChartSpec): uPlot.Axis {
  const shown = () => names.filter((_, index) => isShown(index));
  return {
    space: 1,
    grid: { show: false },
    splits: () => shown().map((_, row) => row + 0.5),
    filter: (_, splits) => splits,
    values: chart => {
      const room = Math.max(ROW_NAME, chart.width * ROW_NAME_SHARE);
      return shown().map(name => {
        const width = labelWidth(chart, [name], axisFont(theme));
        return width > room
          ? cutMiddle(name, Math.floor((name.length * room) / width))
          : name;
      });
    },
  };
}

function cutMiddle(text: string, length: number): string {
  const half = (length - 1) / 2;
  return `${text.slice(0, Math.floor(half))}…${text.slice(-Math.ceil(half))}`;
}

function axisFont({ typography }: Theme): string {
  return `11px ${typography.fontFamily ?? 'sans-serif'}`;
}

/** uPlot asks for the size before there are any labels, too. */
function labelWidth(
  { ctx }: uPlot,
  labels: string[] | null,
  font: string,
): number {
  ctx.save();
  ctx.font = font;
  const widths = (labels ?? []).map(label => ctx.measureText(label).width);
  ctx.restore();
  return Math.ceil(Math.max(0, ...widths));
}

function series(
  { names, styles, graphType, plotData, isShown }: ChartSpec,
  index: number,
): uPlot.Series {
  const { color, dash } = styles[index];
  const opacity = FILL[graphType];
  return {
    label: names[index],
    show: isShown(index),
    stroke: color,
    width: names.length <= FEW ? 1.5 : 1,
    dash,
    fill: opacity ? alpha(color, opacity) : undefined,
    paths: pathsOf(graphType, plotData),
    points: {
      show: false,
      size: 5,
      fill: color,
      filter: chart =>
        graphType === 'timeline' ? null : isolatedPoints(chart.data[index + 1]),
    },
  };
}

function pathsOf(
  graphType: GraphType,
  plotData: () => PlotData,
): uPlot.Series.PathBuilder | undefined {
  switch (graphType) {
    case 'stacked':
      return stackedPaths(each => plotData().layers?.[each]);
    case 'step':
      // Prometheus' samples hold from when they are taken until the next.
      return uPlot.paths.stepped?.({ align: 1 });
    case 'timeline':
      return () => null;
    default:
      return undefined;
  }
}

function cursor(spec: ChartSpec, timeline?: Timeline): uPlot.Cursor {
  const { names, graphType, isSelectable, plotData, events } = spec;
  return {
    y: false,
    drag: { x: isSelectable, y: false, setScale: false, dist: MIN_DRAG },
    points: { show: !timeline, one: names.length > FEW, size: 7 },
    focus: {
      prox: 40,
      dist: (chart, series, at, top, pointer) => {
        if (timeline) {
          const { height } = chart.over.getBoundingClientRect();
          const row = timeline.seriesAt(pointer, height);
          return row === series - 1 ? 0 : Infinity;
        }
        const layer =
          graphType === 'stacked' && plotData().layers?.[series - 1];
        const base = layer ? chart.valToPos(layer.bases[at], 'y') : top;
        return distanceTo(pointer, Math.min(top, base), Math.max(top, base));
      },
    },
    bind: {
      dblclick: () => () => {
        events.onDoubleClick();
        return null;
      },
    },
  };
}

function distanceTo(at: number, from: number, to: number): number {
  return at >= from && at <= to
    ? 0
    : Math.min(Math.abs(at - from), Math.abs(at - to));
}

/** Only movements: a drag in one chart would zoom each of them. */
function sync(key: string): uPlot.Cursor.Sync {
  return {
    key,
    scales: ['x', null],
    setSeries: false,
    filters: { pub: type => type === 'mousemove' },
  };
}

function hooks(spec: ChartSpec, timeline?: Timeline): uPlot.Hooks.Arrays {
  const { theme, unit, thresholds, events } = spec;
  return {
    ready: [chart => events.onReady?.(chart)],
    setCursor: [events.onCursor],
    setSelect: [events.onSelect],
    setSeries: [
      (_, index, change) => {
        if ('focus' in change) {
          events.onFocus(index === null ? undefined : index - 1);
        }
      },
    ],
    draw: [
      chart => {
        timeline?.draw(chart);
        if (!timeline) {
          drawThresholds(chart, thresholds, {
            theme,
            unit,
            font: axisFont(theme),
          });
          drawMarks(chart.ctx, chart, spec);
        }
        events.onDraw?.(chart);
      },
    ],
  };
}

/** @param only - the one series whose marks are drawn, where the others are not */
function drawMarks(
  ctx: CanvasRenderingContext2D,
  chart: uPlot,
  { plotData, styles, isShown }: ChartSpec,
  only?: number,
): void {
  drawInfinities(ctx, chart, plotData().infinities, {
    colorOf: series => styles[series].color,
    isShown,
    only,
  });
}

/** The layer above a chart that points series out. */
export function highlightOf(chart: uPlot, spec: ChartSpec): Highlight {
  const timeline = spec.graphType === 'timeline' ? timelineOf(spec) : undefined;
  return new Highlight(
    chart,
    spec.theme.palette.background.paper,
    (ctx, drawn, series) => {
      if (timeline) {
        timeline.drawRow(ctx, drawn, series);
      } else {
        drawLine(ctx, drawn, series);
        drawMarks(ctx, drawn, spec, series);
      }
    },
  );
}
