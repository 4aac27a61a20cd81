import Paper from '@material-ui/core/Paper';
import { makeStyles } from '@material-ui/core/styles';
import {
  formatValue,
  type RangeResult,
  type Unit,
  type ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useLayoutEffect, useRef } from 'react';
import { createPortal } from 'react-dom';
import type { SeriesStyle } from './colors';
import { LineSample } from './LineSample';
import { formatLabels } from './labels';
import { MiddleCut } from './MiddleCut';
import { PinnedActions } from './PinnedActions';
import { placeTooltip } from './placeTooltip';
import { valueText } from './statesOf';
import { fullTime } from './timeAxis';
import { useTimeZone } from './timeZone';
import { totalAt } from './totalOf';
import { tooltipRows } from './tooltipRows';

export interface TooltipProps {
  data: RangeResult;
  names: string[];
  styles: SeriesStyle[];
  unit?: Unit;
  /** What values stand for. */
  states?: ValueState[];
  /** Whether the sum of what is shown means something. */
  hasTotal?: boolean;
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
  /** Whether the crosshair was moved at the keyboard. */
  isKeyboard?: boolean;
  /** Of a tooltip that is pinned: it has every series, and can be reached. */
  onClose?: () => void;
}

const useStyles = makeStyles(
  theme => ({
    root: {
      position: 'fixed',
      left: 0,
      top: 0,
      zIndex: theme.zIndex.tooltip,
      boxSizing: 'border-box',
      maxWidth: 'min(480px, calc(100vw - 8px))',
      padding: theme.spacing(1, 1.5),
      pointerEvents: 'none',
      fontFamily: theme.typography.fontFamily,
      fontSize: 12,
      lineHeight: 1.5,
    },
    pinned: {
      pointerEvents: 'auto',
      // Below the app's own layers, such as its menus.
      zIndex: theme.zIndex.speedDial,
      border: `1px solid ${theme.palette.text.secondary}`,
    },
    rows: {
      maxHeight: 'min(50vh, 320px)',
      overflow: 'auto',
      overscrollBehavior: 'contain',
    },
    time: { color: theme.palette.text.secondary },
    row: {
      display: 'grid',
      gridTemplateColumns: '18px minmax(0, 1fr) auto',
      columnGap: theme.spacing(1),
      alignItems: 'center',
    },
    name: { minWidth: 0 },
    value: { fontVariantNumeric: 'tabular-nums', textAlign: 'right' },
    total: { gridTemplateColumns: 'minmax(0, 1fr) auto', fontWeight: 700 },
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

/**
 * The values beside the crosshair. Screen readers hear them from the plot's status instead, until it
 * is pinned.
 */
export function Tooltip(props: TooltipProps) {
  const { data, names, styles, unit, states, isShown } = props;
  const { at, focused, onClose } = props;
  const classes = useStyles();
  const timeZone = useTimeZone();
  const ref = useRef<HTMLDivElement>(null);
  const isPinned = onClose !== undefined;
  const { rows, more } = tooltipRows(
    data.series,
    at,
    isShown,
    focused,
    isPinned ? Infinity : undefined,
  );
  const time = fullTime(data.timestamps[at], { timeZone });
  const total = props.hasTotal
    ? totalAt(
        data.series.filter((_, index) => isShown(index)),
        at,
      )
    : null;
  usePlacement(ref, props);

  const text = () =>
    [
      time,
      ...(total === null ? [] : [`Total\t${formatValue(total, unit)}`]),
      ...rows.map(({ index, value }) => {
        const labels = formatLabels(data.series[index].labels);
        return `${labels || names[index]}\t${valueText(value, unit, states)}`;
      }),
    ].join('\n');

  // In the page's body, since a card cuts off what reaches out of it.
  return createPortal(
    <Paper
      ref={ref}
      className={`${classes.root} ${isPinned ? classes.pinned : ''}`}
      elevation={4}
      data-testid="prometheus-tooltip"
      {...(isPinned
        ? { role: 'dialog', 'aria-label': `Values of ${time}` }
        : { 'aria-hidden': true })}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          onClose?.();
        }
      }}
    >
      {isPinned && (
        <PinnedActions
          text={text}
          hasFocus={Boolean(props.isKeyboard)}
          onClose={onClose}
        />
      )}
      <div className={classes.time}>{time}</div>
      {total !== null && rows.length > 1 && (
        <div className={`${classes.row} ${classes.total}`}>
          <span>Total</span>
          <span className={classes.value}>{formatValue(total, unit)}</span>
        </div>
      )}
      <div
        className={isPinned ? classes.rows : undefined}
        {...(isPinned && {
          tabIndex: 0,
          role: 'group',
          'aria-label': 'Values',
        })}
      >
        {rows.map(({ index, value }) => {
          const isFocused = index === focused;
          const labels = formatLabels(data.series[index].labels);
          return (
            <div
              key={index}
              className={`${classes.row} ${isFocused ? classes.focused : ''}`}
            >
              <LineSample style={styles[index]} />
              <span className={classes.name} title={names[index]}>
                <MiddleCut text={names[index]} />
              </span>
              <span className={classes.value}>
                {valueText(value, unit, states)}
              </span>
              {isFocused && labels !== '' && labels !== names[index] && (
                <span className={classes.labels}>{labels}</span>
              )}
            </div>
          );
        })}
      </div>
      {more > 0 && <div className={classes.time}>and {more} more</div>}
      {rows.length === 0 && <div className={classes.time}>No values</div>}
    </Paper>,
    document.body,
  );
}

function usePlacement(
  ref: React.RefObject<HTMLDivElement>,
  props: TooltipProps,
): void {
  useLayoutEffect(() => {
    const place = () => {
      if (ref.current) {
        position(ref.current, props);
      }
    };
    place();
    window.addEventListener('scroll', place, { capture: true, passive: true });
    return () => window.removeEventListener('scroll', place, { capture: true });
  }, [ref, props]);
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
