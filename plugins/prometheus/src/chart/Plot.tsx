import { makeStyles, useTheme } from '@material-ui/core/styles';
import type {
  RangeResult,
  TimeRange,
  Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  type KeyboardEvent,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import uPlot from 'uplot';
import { type ChartEvents, chartOptions } from './chartOptions';
import { describePlot, describeReading } from './describe';
import type { GraphType } from './GraphType';
import { type PlotAction, plotAction, type Reading } from './plotKeys';
import type { Threshold } from './Threshold';
import { Tooltip } from './Tooltip';
import { toUplotData } from './toUplotData';
import { useLatest } from './useLatest';
import { useUniqueId } from './useUniqueId';
import { visuallyHidden } from './visuallyHidden';

export interface PlotProps {
  title: string;
  data: RangeResult;
  names: string[];
  graphType: GraphType;
  unit?: Unit;
  thresholds: Threshold[];
  width: number;
  height: number;
  syncKey?: string;
  isShown: (series: number) => boolean;
  /** The series to point out; where it is in the data. */
  highlighted?: number;
  onZoom?: (range: TimeRange) => void;
  onZoomOut?: () => void;
}

/** What is read in the plot, with the mouse or at the keyboard. */
interface Crosshair {
  /** The plotting area. */
  over: HTMLElement;
  at: number;
  focused?: number;
  /** Pixels in the plotting area. */
  left: number;
  top: number;
  isKeyboard: boolean;
}

const useStyles = makeStyles(
  theme => ({
    root: {
      position: 'relative',
      borderRadius: theme.shape.borderRadius,
      '&:focus': { outline: 'none' },
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: 2,
      },
      // What of uPlot.css this chart needs. A style sheet of its own would need every bundler of an app
      // to load it.
      '& .uplot, & .uplot *': { boxSizing: 'border-box' },
      '& .uplot': { width: 'min-content' },
      '& .u-wrap': { position: 'relative', userSelect: 'none' },
      '& .u-over, & .u-under': { position: 'absolute' },
      '& .u-under': { overflow: 'hidden' },
      '& canvas': { display: 'block', width: '100%', height: '100%' },
      '& .u-axis': { position: 'absolute' },
      '& .u-select': {
        position: 'absolute',
        pointerEvents: 'none',
        background: theme.palette.action.selected,
        borderLeft: `1px solid ${theme.palette.text.secondary}`,
        borderRight: `1px solid ${theme.palette.text.secondary}`,
        // Without a selection it is 0 pixels wide, and the borders would show.
        '&[style*="width: 0px"]': { display: 'none' },
      },
      '& .u-cursor-x': {
        position: 'absolute',
        left: 0,
        top: 0,
        height: '100%',
        borderRight: `1px solid ${theme.palette.text.secondary}`,
        pointerEvents: 'none',
        willChange: 'transform',
      },
      '& .u-cursor-pt': {
        position: 'absolute',
        left: 0,
        top: 0,
        border: '0 solid',
        borderRadius: '50%',
        // uPlot sets the shorthand on the element.
        backgroundClip: 'padding-box !important',
        pointerEvents: 'none',
        willChange: 'transform',
      },
      '& .u-off': { display: 'none' },
    },
    hidden: visuallyHidden,
  }),
  { name: 'PrometheusPlot' },
);

/** The drawing itself, its tooltip, and its keyboard. */
export function Plot(props: PlotProps) {
  const { title, data, names, unit, isShown } = props;
  const classes = useStyles();
  const help = useUniqueId();
  const { target, crosshair, setReading } = useChart(props);
  const latest = useLatest(props);
  const reading = useRef<Reading>({});

  const read = (next: Reading) => {
    reading.current = next;
    setReading(next);
  };
  const act = (action: PlotAction) => {
    const { onZoom, onZoomOut } = latest.current;
    switch (action.type) {
      case 'read':
        read(onZoom ? action.reading : { at: action.reading.at });
        break;
      case 'zoomIn':
        read({});
        onZoom?.({
          start: data.timestamps[action.from],
          end: data.timestamps[action.to],
        });
        break;
      default:
        onZoomOut?.();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const { length } = data.timestamps;
    const action = plotAction(event, reading.current, length);
    if (action) {
      event.preventDefault();
      event.stopPropagation();
      act(action);
    }
  };

  return (
    <>
      <div
        ref={target}
        className={classes.root}
        role="application"
        aria-roledescription="graph"
        aria-label={title}
        aria-describedby={help}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => read({})}
      />
      <span id={help} className={classes.hidden}>
        {describePlot(data, Boolean(props.onZoom))}
      </span>
      <span role="status" className={classes.hidden}>
        {crosshair?.isKeyboard &&
          describeReading({ data, names, unit, isShown, ...crosshair })}
      </span>
      {crosshair && crosshair.at < data.timestamps.length && (
        <Tooltip
          data={data}
          names={names}
          unit={unit}
          isShown={isShown}
          {...crosshair}
        />
      )}
    </>
  );
}

/** Keeps one uPlot for what can only be given to a new one, and hands the rest to it. */
function useChart(props: PlotProps) {
  const { data, names, graphType, unit, thresholds, syncKey } = props;
  const { width, height, isShown, highlighted } = props;
  const isSelectable = Boolean(props.onZoom);
  const isDrawable = width > 0;
  const theme = useTheme();
  const target = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>();
  const [crosshair, setCrosshair] = useState<Crosshair>();
  const plotData = useMemo(
    () => toUplotData(data, graphType, isShown),
    [data, graphType, isShown],
  );
  const latest = useLatest({ ...props, plotData });

  useLayoutEffect(() => {
    if (!target.current || !isDrawable) {
      return undefined;
    }
    const { current } = latest;
    const events = listen(() => latest.current, setCrosshair);
    const created = new uPlot(
      chartOptions({
        theme,
        width: current.width,
        height: current.height,
        names,
        graphType,
        unit,
        thresholds,
        isSelectable,
        syncKey,
        plotData: () => latest.current.plotData,
        isShown: current.isShown,
        events,
      }),
      current.plotData.aligned,
      target.current,
    );
    chart.current = created;
    return () => {
      created.destroy();
      chart.current = undefined;
      setCrosshair(undefined);
    };
  }, [
    theme,
    names,
    graphType,
    unit,
    thresholds,
    isSelectable,
    syncKey,
    isDrawable,
    latest,
  ]);

  useLayoutEffect(() => {
    chart.current?.batch((current: uPlot) => {
      current.series.slice(1).forEach((series, index) => {
        const show = isShown(index);
        if (series.show !== show) {
          current.setSeries(index + 1, { show });
        }
      });
      if (current.data !== plotData.aligned) {
        current.setData(plotData.aligned);
      }
    });
  }, [plotData, isShown]);

  useLayoutEffect(() => {
    // A chart that is not shown keeps its size.
    if (width > 0) {
      chart.current?.setSize({ width, height });
    }
  }, [width, height]);

  useLayoutEffect(() => {
    chart.current?.setSeries(
      highlighted === undefined ? null : highlighted + 1,
      { focus: true },
    );
  }, [highlighted]);

  const setReading = (reading: Reading) => {
    if (chart.current) {
      setCrosshair(readAt(chart.current, reading));
    }
  };
  return { target, crosshair, setReading };
}

function listen(
  latest: () => PlotProps,
  setCrosshair: (crosshair: Crosshair | undefined) => void,
): ChartEvents {
  let focused: number | undefined;
  return {
    onFocus(series) {
      focused = series;
    },
    onCursor({ cursor, over }) {
      const { idx: at, left = 0, top = 0, event } = cursor;
      // Without an event another chart moved it, and has the tooltip.
      const isOwn = typeof at === 'number' && Boolean(event);
      setCrosshair(
        isOwn ? { over, at, focused, left, top, isKeyboard: false } : undefined,
      );
    },
    onSelect(chart) {
      const { left, width } = chart.select;
      chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      const start = Math.round(chart.posToVal(left, 'x'));
      const end = Math.round(chart.posToVal(left + width, 'x'));
      if (end > start) {
        latest().onZoom?.({ start, end });
      }
    },
    onDoubleClick() {
      latest().onZoomOut?.();
    },
  };
}

/** Moves the crosshair and the selection of the chart, and the crosshair of those it is synced with. */
function readAt(
  chart: uPlot,
  { at, from = at }: Reading,
): Crosshair | undefined {
  const { width, height } = chart.over.getBoundingClientRect();
  const leftOf = (index: number) => chart.valToPos(chart.data[0][index], 'x');
  const left = at === undefined ? -10 : leftOf(at);
  const top = at === undefined ? -10 : height / 2;
  const anchor = from === undefined ? left : leftOf(from);
  chart.setCursor({ left, top }, false);
  chart.setSelect(
    {
      left: Math.min(left, anchor),
      top: 0,
      width: Math.abs(left - anchor),
      height,
    },
    false,
  );
  publish(chart, { at, left, top, width, height });
  return at === undefined
    ? undefined
    : { over: chart.over, at, left, top, isKeyboard: true };
}

/** As uPlot does it for the mouse: its `setCursor` tells no one. */
function publish(
  chart: uPlot,
  place: {
    at?: number;
    left: number;
    top: number;
    width: number;
    height: number;
  },
): void {
  const { sync } = chart.cursor;
  if (sync?.key && sync.values) {
    const { at = -1, left, top, width, height } = place;
    sync.values[0] = chart.data[0][at] ?? 0;
    uPlot.sync(sync.key).pub('mousemove', chart, left, top, width, height, at);
  }
}
