import { useTheme } from '@material-ui/core/styles';
import type { ValueState } from '@nativestage/backstage-plugin-prometheus-common';
import {
  type MutableRefObject,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import uPlot from 'uplot';
import {
  type ChartEvents,
  chartOptions,
  type ChartSpec,
  highlightOf,
} from './chartOptions';
import type { Highlight } from './Highlight';
import type { Extent, PlotProps } from './PlotProps';
import type { Reading } from './plotKeys';
import { statesOf } from './statesOf';
import { useTimeZone } from './timeZone';
import { toUplotData } from './toUplotData';
import { useLatest } from './useLatest';

/** What is read in the plot, with the mouse or at the keyboard. */
export interface Crosshair {
  /** The plotting area. */
  over: HTMLElement;
  at: number;
  focused?: number;
  /** Pixels in the plotting area. */
  left: number;
  top: number;
  isKeyboard: boolean;
}

/** Keeps one uPlot for what can only be given to a new one, and hands the rest to it. */
export function useChart(
  props: PlotProps,
  onClick: (crosshair: Crosshair, states: ValueState[]) => void,
) {
  const { data, names, styles, graphType, unit, scale, thresholds } = props;
  const { width, height, isShown, highlighted, syncKey } = props;
  const { hasAllThresholds } = props;
  const isSelectable = Boolean(props.onZoom);
  const isDrawable = width > 0;
  const theme = useTheme();
  const timeZone = useTimeZone();
  const target = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>();
  const highlight = useRef<Highlight>();
  const [crosshair, setCrosshair] = useState<Crosshair>();
  const [extent, setExtent] = useState<Extent>();
  const states = useMemo(
    () => (graphType === 'timeline' ? statesOf(data.series, props.states) : []),
    [data.series, props.states, graphType],
  );
  const plotData = useMemo(
    () => toUplotData(data, graphType, isShown, scale),
    [data, graphType, isShown, scale],
  );
  const latest = useLatest({ ...props, plotData, states, onClick });

  useLayoutEffect(() => {
    if (!target.current || !isDrawable) {
      return undefined;
    }
    const { current } = latest;
    const spec: ChartSpec = {
      theme,
      width: current.width,
      height: current.height,
      names,
      styles,
      graphType,
      unit,
      scale,
      thresholds,
      hasAllThresholds,
      states: current.states,
      timeZone,
      isSelectable,
      syncKey,
      plotData: () => latest.current.plotData,
      isShown: series => latest.current.isShown(series),
      events: listen(latest, { setCrosshair, setExtent, highlight }),
    };
    const created = new uPlot(
      chartOptions(spec),
      current.plotData.aligned,
      target.current,
    );
    chart.current = created;
    highlight.current = highlightOf(created, spec);
    return () => {
      created.destroy();
      chart.current = undefined;
      highlight.current = undefined;
      setCrosshair(undefined);
      setExtent(undefined);
    };
  }, [
    theme,
    names,
    styles,
    graphType,
    unit,
    scale,
    thresholds,
    hasAllThresholds,
    timeZone,
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

  const isOneOfMany = names.length > 1;
  const pointedOut = isOneOfMany
    ? (highlighted ?? crosshair?.focused)
    : undefined;
  useLayoutEffect(() => {
    highlight.current?.show(pointedOut);
  }, [pointedOut]);

  const setReading = (reading: Reading) => {
    if (chart.current) {
      setCrosshair(readAt(chart.current, reading));
    }
  };
  return { target, crosshair, extent, states, setReading };
}

interface Listeners {
  setCrosshair: (crosshair: Crosshair | undefined) => void;
  setExtent: (extent: Extent) => void;
  highlight: MutableRefObject<Highlight | undefined>;
}

function listen(
  latest: MutableRefObject<
    Omit<PlotProps, 'states'> & {
      states: ValueState[];
      onClick: (crosshair: Crosshair, states: ValueState[]) => void;
    }
  >,
  { setCrosshair, setExtent, highlight }: Listeners,
): ChartEvents {
  let focused: number | undefined;
  const crosshairOf = ({ cursor, over }: uPlot): Crosshair | undefined => {
    const { idx: at, left = 0, top = 0 } = cursor;
    return typeof at === 'number'
      ? { over, at, focused, left, top, isKeyboard: false }
      : undefined;
  };
  return {
    onReady(chart) {
      // uPlot ends the click of a drag before it comes here.
      chart.over.addEventListener('click', event => {
        const crosshair = crosshairOf(chart);
        // What stands above the plot has clicks of its own.
        if (crosshair && event.target === chart.over) {
          latest.current.onClick(crosshair, latest.current.states);
        }
      });
    },
    onFocus(series) {
      focused = series;
    },
    onCursor(chart) {
      // Without an event another chart moved it, and has the tooltip.
      setCrosshair(chart.cursor.event ? crosshairOf(chart) : undefined);
    },
    onSelect(chart) {
      const { left, width } = chart.select;
      chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      const start = Math.round(chart.posToVal(left, 'x'));
      const end = Math.round(chart.posToVal(left + width, 'x'));
      if (end > start) {
        latest.current.onZoom?.({ start, end });
      }
    },
    onDoubleClick() {
      latest.current.onZoomOut?.();
    },
    onDraw(chart) {
      highlight.current?.draw();
      // Who draws above the plot has to know where it is.
      if (latest.current.hasExemplars) {
        setExtent(extentOf(chart));
      }
    },
  };
}

function extentOf(chart: uPlot): Extent {
  const { x } = chart.scales;
  return {
    over: chart.over,
    x: [x.min ?? 0, x.max ?? 0],
    heightOf: value => {
      const { height } = chart.over.getBoundingClientRect();
      return 1 - chart.valToPos(value, 'y') / (height || 1);
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
