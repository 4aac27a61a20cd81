import { alpha, type Theme } from '@material-ui/core/styles';
import type { Unit } from '@nativestage/backstage-plugin-prometheus-common';
import type uPlot from 'uplot';
import { seriesStyle } from './colors';
import { drawThresholds } from './drawThresholds';
import type { GraphType } from './GraphType';
import { isolatedPoints } from './isolatedPoints';
import { stackedPaths } from './stackedPaths';
import type { Threshold } from './Threshold';
import { timeLabels } from './timeAxis';
import type { PlotData } from './toUplotData';
import { valueIncrements, valueLabels } from './valueAxis';
import { valueRange } from './valueRange';

/** What happens in the plot. */
export interface ChartEvents {
  /** The crosshair moved, was taken away, or another chart of the same key moved it. */
  onCursor: (chart: uPlot) => void;
  /** A stretch of time was selected. */
  onSelect: (chart: uPlot) => void;
  onDoubleClick: () => void;
  /** The series nearest to the crosshair is another one; where it is in the data. */
  onFocus: (series: number | undefined) => void;
}

export interface ChartSpec {
  theme: Theme;
  width: number;
  height: number;
  names: string[];
  graphType: GraphType;
  unit?: Unit;
  thresholds: Threshold[];
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

/** Dimming the others draws all of them once more: 40 ms for 200 lines is too much to hover. */
const MAX_DIMMED = FEW;

const DIMMED = 0.35;

const FILL = { line: 0, area: 0.08, stacked: 0.45 };

/** Pixels of the time axis, which has two lines of text. */
const TIME_AXIS_HEIGHT = 42;

/** Pixels of a drag that is no shaky click. */
const MIN_DRAG = 5;

export function chartOptions(spec: ChartSpec): uPlot.Options {
  const { width, height, syncKey, names } = spec;
  return {
    width,
    height,
    padding: [12, 16, 0, 0],
    legend: { show: false },
    scales: scales(spec),
    axes: axes(spec),
    series: [{}, ...names.map((_, index) => series(spec, index))],
    cursor: {
      ...cursor(spec),
      ...(syncKey && { sync: sync(syncKey) }),
    },
    focus: { alpha: names.length <= MAX_DIMMED ? DIMMED : 1 },
    hooks: hooks(spec),
  };
}

function scales({ graphType, thresholds }: ChartSpec): uPlot.Scales {
  const near = thresholds.map(({ value }) => value);
  return {
    x: { time: true, range: (_, min, max) => timeRange(min, max) },
    y: {
      range: (_, min, max) =>
        valueRange(min, max, { fromZero: graphType !== 'line', near }),
    },
  };
}

/** A single point stands in the middle of a minute. */
function timeRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  return min !== null && min === max ? [min - 30, min + 30] : [min, max];
}

function axes({ theme, unit }: ChartSpec): uPlot.Axis[] {
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
      values: (_, splits, _axis, _space, step) => timeLabels(splits, step),
    },
    {
      ...common,
      gap: 8,
      space: 28,
      grid: line,
      ticks: { show: false },
      incrs: valueIncrements(unit),
      size: (chart, labels) => labelWidth(chart, labels, axisFont(theme)) + 16,
      values: (_, splits) => valueLabels(splits, unit),
    },
  ];
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
  { theme, names, graphType, plotData, isShown }: ChartSpec,
  index: number,
): uPlot.Series {
  const { color, dash } = seriesStyle(index, theme.palette.type);
  return {
    label: names[index],
    show: isShown(index),
    stroke: color,
    width: names.length <= FEW ? 1.5 : 1,
    dash,
    fill: graphType === 'line' ? undefined : alpha(color, FILL[graphType]),
    paths:
      graphType === 'stacked'
        ? stackedPaths(each => plotData().layers?.[each])
        : undefined,
    points: {
      show: false,
      size: 5,
      fill: color,
      filter: chart => isolatedPoints(chart.data[index + 1]),
    },
  };
}

function cursor(spec: ChartSpec): uPlot.Cursor {
  const { names, graphType, isSelectable, plotData, events } = spec;
  return {
    y: false,
    drag: { x: isSelectable, y: false, setScale: false, dist: MIN_DRAG },
    points: { one: names.length > FEW, size: 7 },
    focus: {
      prox: 40,
      dist: (chart, series, at, top, pointer) => {
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

function hooks({
  theme,
  unit,
  thresholds,
  events,
}: ChartSpec): uPlot.Hooks.Arrays {
  return {
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
      chart =>
        drawThresholds(chart, thresholds, {
          theme,
          unit,
          font: axisFont(theme),
        }),
    ],
  };
}
