import Paper from '@material-ui/core/Paper';
import { makeStyles } from '@material-ui/core/styles';
import {
  formatValue,
  type RangeResult,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useLayoutEffect, useRef } from 'react';
import { createPortal } from 'react-dom';
import { LineSample } from './LineSample';
import { formatLabels } from './labels';
import { placeTooltip } from './placeTooltip';
import { fullTime } from './timeAxis';
import { tooltipRows } from './tooltipRows';

export interface TooltipProps {
  data: RangeResult;
  names: string[];
  unit?: Unit;
  isShown: (series: number) => boolean;
  /** Where in the timestamps. */
  at: number;
  /** The series nearest to the crosshair; where it is in the data. */
  focused?: number;
  /** The plotting area. */
  over: HTMLElement;
  /** Pixels in the plotting area. */
  left: number;
  top: number;
}

const useStyles = makeStyles(
  theme => ({
    root: {
      position: 'fixed',
      left: 0,
      top: 0,
      zIndex: theme.zIndex.tooltip,
      maxWidth: 'min(480px, calc(100vw - 8px))',
      padding: theme.spacing(1, 1.5),
      pointerEvents: 'none',
      fontFamily: theme.typography.fontFamily,
      fontSize: 12,
      lineHeight: 1.5,
    },
    time: { color: theme.palette.text.secondary },
    row: {
      display: 'grid',
      gridTemplateColumns: '18px minmax(0, 1fr) auto',
      columnGap: theme.spacing(1),
      alignItems: 'center',
    },
    name: {
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
    },
    value: { fontVariantNumeric: 'tabular-nums', textAlign: 'right' },
    focused: { fontWeight: 700 },
    labels: {
      gridColumn: '2 / -1',
      fontWeight: 400,
      overflowWrap: 'anywhere',
      color: theme.palette.text.secondary,
    },
  }),
  { name: 'PrometheusTooltip' },
);

/** The values beside the crosshair. Screen readers hear them from the plot's status instead. */
export function Tooltip(props: TooltipProps) {
  const { data, names, unit, isShown, at, focused, over } = props;
  const classes = useStyles();
  const ref = useRef<HTMLDivElement>(null);
  const { rows, more } = tooltipRows(data.series, at, isShown, focused);

  useLayoutEffect(() => {
    const place = () => {
      if (ref.current) {
        position(ref.current, props);
      }
    };
    place();
    window.addEventListener('scroll', place, { capture: true, passive: true });
    return () => window.removeEventListener('scroll', place, { capture: true });
  }, [props, over]);

  // In the page's body, since a card cuts off what reaches out of it.
  return createPortal(
    <Paper
      ref={ref}
      className={classes.root}
      elevation={4}
      aria-hidden
      data-testid="prometheus-tooltip"
    >
      <div className={classes.time}>{fullTime(data.timestamps[at])}</div>
      {rows.map(({ index, value }) => {
        const isFocused = index === focused;
        const labels = formatLabels(data.series[index].labels);
        return (
          <div
            key={index}
            className={`${classes.row} ${isFocused ? classes.focused : ''}`}
          >
            <LineSample series={index} />
            <span className={classes.name}>{names[index]}</span>
            <span className={classes.value}>{formatValue(value, unit)}</span>
            {isFocused && labels !== '' && labels !== names[index] && (
              <span className={classes.labels}>{labels}</span>
            )}
          </div>
        );
      })}
      {more > 0 && <div className={classes.time}>and {more} more</div>}
      {rows.length === 0 && <div className={classes.time}>No values</div>}
    </Paper>,
    document.body,
  );
}

function position(
  tooltip: HTMLElement,
  { over, left, top }: TooltipProps,
): void {
  const plot = over.getBoundingClientRect();
  const { x, y } = placeTooltip(
    { x: plot.left + left, y: plot.top + top },
    tooltip.getBoundingClientRect(),
    {
      width: document.documentElement.clientWidth,
      height: document.documentElement.clientHeight,
    },
  );
  tooltip.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}
