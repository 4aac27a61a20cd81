import Button, { type ButtonProps } from '@material-ui/core/Button';
import ButtonGroup from '@material-ui/core/ButtonGroup';
import IconButton from '@material-ui/core/IconButton';
import MenuItem from '@material-ui/core/MenuItem';
import { makeStyles } from '@material-ui/core/styles';
import TextField from '@material-ui/core/TextField';
import Tooltip from '@material-ui/core/Tooltip';
import LeftIcon from '@material-ui/icons/ChevronLeft';
import RightIcon from '@material-ui/icons/ChevronRight';
import RefreshIcon from '@material-ui/icons/Refresh';
import ZoomOutIcon from '@material-ui/icons/ZoomOut';
import { useState } from 'react';
import { TypedRange } from './TypedRange';
import { CustomRange } from './CustomRange';
import {
  formatDuration,
  isRelative,
  type RelativeSpan,
  shift,
  type TimeSpan,
  toRange,
  zoomOut,
} from './TimeSpan';
import type { TimeSpanState } from './useTimeSpan';

/** Seconds, and what people call them. */
const SPANS: [last: number, label: string][] = [
  [300, '5 minutes'],
  [900, '15 minutes'],
  [1800, '30 minutes'],
  [3600, '1 hour'],
  [10_800, '3 hours'],
  [21_600, '6 hours'],
  [43_200, '12 hours'],
  [86_400, '1 day'],
  [172_800, '2 days'],
  [604_800, '7 days'],
  [2_592_000, '30 days'],
];

const CUSTOM = 'custom';

/** Seconds. */
const INTERVALS = [5, 10, 30, 60, 300, 900];

const useStyles = makeStyles(theme => ({
  root: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    // On the page's own grey Material UI's labels have a contrast of 4.47, and 4.5 is the least.
    '& label:not(.Mui-focused):not(.Mui-error)': {
      color: theme.palette.text.primary,
    },
  },
  span: { minWidth: '13em' },
  interval: { minWidth: '8em' },
  // As high as the fields beside them.
  moves: { height: 40 },
}));

export interface RangeControlsProps extends TimeSpanState {
  /** Seconds since 1970. */
  now: number;
  refresh: () => void;
}

/** Chooses what a page looks at, and how often it looks again. */
export function RangeControls(props: RangeControlsProps) {
  const { span, setSpan, now } = props;
  const classes = useStyles();
  const [isCustom, setCustom] = useState(false);
  const label = labelOf(span, props.isUtc);
  const choose = (value: string) =>
    value === CUSTOM ? setCustom(true) : setSpan({ last: Number(value) });
  return (
    <div className={classes.root} role="group" aria-label="Time range">
      <TextField
        select
        size="small"
        variant="outlined"
        label="Range"
        className={classes.span}
        value={isRecent(span) ? String(span.last) : CUSTOM}
        onChange={event => choose(event.target.value)}
        SelectProps={{
          renderValue: () => label,
          SelectDisplayProps: { 'aria-label': `Range: ${label}` },
        }}
      >
        {withCurrent(span).map(([last, name]) => (
          <MenuItem key={last} value={String(last)}>
            {`Last ${name}`}
          </MenuItem>
        ))}
        {/* A click on what is selected already says nothing to a select. */}
        <MenuItem value={CUSTOM} onClick={() => setCustom(true)}>
          From … to …
        </MenuItem>
      </TextField>
      <ButtonGroup size="small" variant="outlined" className={classes.moves}>
        <Move label="Earlier" onClick={() => setSpan(shift(span, -1, now))}>
          <LeftIcon fontSize="small" />
        </Move>
        <Move label="Zoom out" onClick={() => setSpan(zoomOut(span, now))}>
          <ZoomOutIcon fontSize="small" />
        </Move>
        <Move
          label="Later"
          disabled={toRange(span, now).end >= now}
          onClick={() => setSpan(shift(span, 1, now))}
        >
          <RightIcon fontSize="small" />
        </Move>
      </ButtonGroup>
      <TextField
        select
        size="small"
        variant="outlined"
        label="Refresh"
        className={classes.interval}
        value={props.interval ?? 0}
        onChange={event =>
          props.setInterval(Number(event.target.value) || undefined)
        }
        SelectProps={{
          SelectDisplayProps: { 'aria-label': refreshLabel(props.interval) },
        }}
      >
        <MenuItem value={0}>Off</MenuItem>
        {[...new Set([...INTERVALS, props.interval ?? 5])]
          .sort((a, b) => a - b)
          .map(seconds => (
            <MenuItem key={seconds} value={seconds}>
              {formatDuration(seconds)}
            </MenuItem>
          ))}
      </TextField>
      <Tooltip title="Refresh">
        <IconButton size="small" aria-label="Refresh" onClick={props.refresh}>
          <RefreshIcon />
        </IconButton>
      </Tooltip>
      <TypedRange onSpan={setSpan} />
      <Button
        size="small"
        variant="outlined"
        className={classes.moves}
        aria-pressed={props.isUtc}
        title="Times in UTC, or in your own zone"
        color={props.isUtc ? 'primary' : 'default'}
        onClick={() => props.setUtc(!props.isUtc)}
      >
        UTC
      </Button>
      {isCustom && (
        <CustomRange
          range={toRange(span, now)}
          now={now}
          isUtc={props.isUtc}
          onClose={() => setCustom(false)}
          onRange={setSpan}
        />
      )}
    </div>
  );
}

/** A button of the group, which tells it how to look. */
function Move({ label, ...props }: ButtonProps & { label: string }) {
  return <Button {...props} aria-label={label} title={label} />;
}

/** A span of somebody's address need not be one of ours. */
function withCurrent(span: TimeSpan): [number, string][] {
  const isListed =
    !isRecent(span) || SPANS.some(([last]) => last === span.last);
  return isListed
    ? SPANS
    : [...SPANS, [span.last, formatDuration(span.last)] as [number, string]];
}

/** Whether it ends now. */
function isRecent(span: TimeSpan): span is RelativeSpan {
  return isRelative(span) && !span.ago;
}

function labelOf(span: TimeSpan, isUtc: boolean): string {
  if (isRelative(span) && span.ago) {
    return `now-${formatDuration(span.last + span.ago)} to now-${formatDuration(span.ago)}`;
  }
  if (isRelative(span)) {
    const [, label] = SPANS.find(([last]) => last === span.last) ?? [];
    return `Last ${label ?? formatDuration(span.last)}`;
  }
  const format = new Intl.DateTimeFormat(undefined, {
    dateStyle: 'short',
    timeStyle: 'medium',
    ...(isUtc && { timeZone: 'UTC' }),
  });
  return format.formatRange(span.start * 1000, span.end * 1000);
}

function refreshLabel(interval: number | undefined): string {
  return interval === undefined
    ? 'Refresh: off'
    : `Refresh: every ${formatDuration(interval)}`;
}
