import Button from '@material-ui/core/Button';
import { makeStyles } from '@material-ui/core/styles';
import {
  formatValue,
  type RangeSeries,
  samplesOf,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  type KeyboardEvent,
  memo,
  type MouseEvent,
  useMemo,
  useState,
} from 'react';
import { LineSample } from './LineSample';
import { formatLabels } from './labels';
import { summarise, type Summary } from './summarise';
import { useRowsInTurn } from './useRowsInTurn';
import { useUniqueId } from './useUniqueId';
import { visuallyHidden } from './visuallyHidden';

export interface LegendProps {
  title: string;
  series: RangeSeries[];
  names: string[];
  unit?: Unit;
  isShown: (series: number) => boolean;
  /** Leaves out what there is no room for. */
  isNarrow: boolean;
  onToggle: (series: number) => void;
  onIsolate: (series: number) => void;
  onShowAll: () => void;
  onHighlight: (series: number | undefined) => void;
}

/** Pixels of a row; also what the browser reckons with for rows that are not in sight. */
const ROW_HEIGHT = 24;
const ROWS_IN_SIGHT = 7;

const ALL_COLUMNS: (keyof Summary)[] = ['last', 'min', 'max', 'mean'];
const FEW_COLUMNS: (keyof Summary)[] = ['last', 'max'];

const TITLES = { last: 'Last', min: 'Min', max: 'Max', mean: 'Mean' };

const HELP =
  'Click or Enter hides and shows a series; with Ctrl, Alt, ⌘ or Shift it shows only that one';

const useStyles = makeStyles(
  theme => ({
    root: {
      fontFamily: theme.typography.fontFamily,
      fontSize: 12,
      color: theme.palette.text.primary,
    },
    table: {
      // Half a row more tells that there is more.
      maxHeight: ROW_HEIGHT * (ROWS_IN_SIGHT + 1.5),
      overflow: 'auto',
      overscrollBehavior: 'contain',
    },
    row: {
      display: 'grid',
      alignItems: 'center',
      height: ROW_HEIGHT,
      columnGap: theme.spacing(1.5),
      paddingRight: theme.spacing(1),
      // Five hundred rows cost as much as those in sight.
      contentVisibility: 'auto',
      containIntrinsicSize: `auto ${ROW_HEIGHT}px`,
      '&:hover': { background: theme.palette.action.hover },
      '&:hover $only, & $only:focus': { opacity: 1 },
    },
    header: {
      position: 'sticky',
      top: 0,
      zIndex: 1,
      color: theme.palette.text.secondary,
      background: theme.palette.background.paper,
      '&:hover': { background: theme.palette.background.paper },
    },
    name: {
      display: 'flex',
      alignItems: 'center',
      minWidth: 0,
      height: '100%',
    },
    button: {
      display: 'flex',
      alignItems: 'center',
      flex: '0 1 auto',
      gap: theme.spacing(1),
      minWidth: 0,
      height: '100%',
      padding: theme.spacing(0, 0.5),
      border: 0,
      borderRadius: theme.shape.borderRadius,
      background: 'none',
      color: 'inherit',
      font: 'inherit',
      textAlign: 'left',
      cursor: 'pointer',
      '& svg': { flex: 'none' },
      '&:focus': { outline: 'none' },
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: -2,
      },
      '&[aria-pressed="false"]': {
        textDecoration: 'line-through',
        '& svg': { opacity: 0.3 },
      },
    },
    text: {
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
    },
    only: {
      flex: 'none',
      opacity: 0,
      padding: theme.spacing(0, 1),
      border: 0,
      background: 'none',
      color: 'inherit',
      font: 'inherit',
      textDecoration: 'underline',
      cursor: 'pointer',
    },
    value: {
      fontVariantNumeric: 'tabular-nums',
      textAlign: 'right',
      whiteSpace: 'nowrap',
    },
    hidden: visuallyHidden,
    showAll: { padding: 0, minWidth: 0, fontSize: 12, textTransform: 'none' },
  }),
  { name: 'PrometheusLegend' },
);

/** Every series with its figures; what one presses shows and hides it. */
export const Legend = memo(function Legend(props: LegendProps) {
  const { title, series, names, unit, isShown, isNarrow } = props;
  const { onToggle, onIsolate, onShowAll, onHighlight } = props;
  const classes = useStyles();
  const help = useUniqueId();
  // One stop for Tab: with a stop for each, hundreds would stand between the plot and what follows.
  const [current, setCurrent] = useState(0);
  const columns = isNarrow ? FEW_COLUMNS : ALL_COLUMNS;
  const hidden = series.filter((_, index) => !isShown(index)).length;
  const stop = Math.min(current, series.length - 1);
  const drawn = useRowsInTurn(series.length);

  return (
    <div className={classes.root}>
      <span id={help} className={classes.hidden}>
        {HELP}. Up and down arrows go from series to series.
      </span>
      <div
        className={classes.table}
        role="table"
        aria-label={`Series of ${title}`}
        aria-describedby={help}
        onKeyDown={moveFocus}
      >
        <div
          role="row"
          className={`${classes.row} ${classes.header}`}
          style={gridOf(columns)}
        >
          <span role="columnheader">
            {hidden > 0 ? (
              <Button
                className={classes.showAll}
                color="primary"
                onClick={onShowAll}
              >
                Show all ({hidden} hidden)
              </Button>
            ) : (
              'Series'
            )}
          </span>
          {columns.map(column => (
            <span key={column} role="columnheader" className={classes.value}>
              {TITLES[column]}
            </span>
          ))}
        </div>
        {series.slice(0, drawn).map((each, index) => (
          <Row
            key={index}
            classes={classes}
            index={index}
            series={each}
            name={names[index]}
            unit={unit}
            columns={columns}
            isShown={isShown(index)}
            isStop={index === stop}
            onToggle={onToggle}
            onIsolate={onIsolate}
            onHighlight={onHighlight}
            onFocus={setCurrent}
          />
        ))}
      </div>
    </div>
  );
});

interface RowProps {
  /** Handed down: asking for the styles in each row is half of what a row costs. */
  classes: ReturnType<typeof useStyles>;
  index: number;
  series: RangeSeries;
  name: string;
  unit?: Unit;
  columns: (keyof Summary)[];
  isShown: boolean;
  isStop: boolean;
  onToggle: (series: number) => void;
  onIsolate: (series: number) => void;
  onHighlight: (series: number | undefined) => void;
  onFocus: (series: number) => void;
}

const Row = memo(function Row(props: RowProps) {
  const { classes, index, series, name, unit } = props;
  const { columns, isShown, isStop } = props;
  const { onToggle, onIsolate, onHighlight, onFocus } = props;
  const summary = useMemo(() => summarise(samplesOf(series)), [series]);
  const labels = formatLabels(series.labels) || name;
  const press = (event: MouseEvent | KeyboardEvent) =>
    hasModifier(event) ? onIsolate(index) : onToggle(index);

  return (
    <div
      role="row"
      className={classes.row}
      style={gridOf(columns)}
      onMouseEnter={() => onHighlight(isShown ? index : undefined)}
      onMouseLeave={() => onHighlight(undefined)}
    >
      <span role="rowheader" className={classes.name}>
        <button
          type="button"
          className={classes.button}
          data-series={index}
          aria-pressed={isShown}
          tabIndex={isStop ? 0 : -1}
          title={`${labels}\n${HELP}`}
          aria-label={name}
          onClick={press}
          onKeyDown={event => {
            // Browsers differ in whether the click that follows knows of the modifier.
            if (event.key === 'Enter' && hasModifier(event)) {
              event.preventDefault();
              onIsolate(index);
            }
          }}
          onFocus={() => onFocus(index)}
        >
          <LineSample series={index} />
          <span className={classes.text}>{name}</span>
        </button>
        <button
          type="button"
          className={classes.only}
          tabIndex={-1}
          aria-label={`Only ${name}`}
          onClick={() => onIsolate(index)}
        >
          only
        </button>
      </span>
      {columns.map(column => (
        <span key={column} role="cell" className={classes.value}>
          {formatValue(summary[column], unit)}
        </span>
      ))}
    </div>
  );
});

function gridOf(columns: unknown[]) {
  return {
    gridTemplateColumns: `minmax(0, 1fr) repeat(${columns.length}, 72px)`,
  };
}

function hasModifier({
  altKey,
  ctrlKey,
  metaKey,
  shiftKey,
}: MouseEvent | KeyboardEvent): boolean {
  return altKey || ctrlKey || metaKey || shiftKey;
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const buttons = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('[data-series]'),
  ];
  const at = buttons.indexOf(event.target as HTMLElement);
  const next = {
    ArrowUp: at - 1,
    ArrowDown: at + 1,
    Home: 0,
    End: buttons.length - 1,
  }[event.key];
  if (at !== -1 && next !== undefined) {
    event.preventDefault();
    buttons[next]?.focus();
  }
}
