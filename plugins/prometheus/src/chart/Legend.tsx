import {
  formatValue,
  type RangeSeries,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { type KeyboardEvent, memo, useMemo, useState } from 'react';
import type { SeriesStyle } from './colors';
import { LegendHead } from './LegendHead';
import { HELP, LegendRow } from './LegendRow';
import {
  legendOrder,
  type LegendSort,
  nextSort,
  summaryOf,
} from './legendOrder';
import {
  gridOf,
  type LegendGrid,
  ROW_HEIGHT,
  useLegendStyles,
} from './legendStyles';
import { useMiddleCutStyles } from './MiddleCut';
import { shortNames } from './shortNames';
import { summarise, type Summary } from './summarise';
import { totalOf } from './totalOf';
import { useRowsInTurn } from './useRowsInTurn';
import { useUniqueId } from './useUniqueId';

export interface LegendProps {
  title: string;
  series: RangeSeries[];
  names: string[];
  styles: SeriesStyle[];
  unit?: Unit;
  /** Whether the sum of the series means something: they stand on top of one another. */
  hasTotal?: boolean;
  isShown: (series: number) => boolean;
  /** Leaves out what there is no room for. */
  isNarrow: boolean;
  onToggle: (series: number) => void;
  onIsolate: (series: number) => void;
  onShowAll: () => void;
  onHighlight: (series: number | undefined) => void;
  /** Missing where what is filtered by is the legend's own matter. */
  filter?: string;
  onFilter?: (filter: string) => void;
}

/** As many rows as are shown whole. */
const ROWS_WHOLE = 6;
/** Of more, half a row tells that there are more. */
const ROWS_IN_SIGHT = 5.5;

/** Pixels of a legend with its titles. */
export function legendHeight(names: string[], hasTotal: boolean): number {
  const rows =
    names.length +
    Number(hasTotal && names.length > 1) +
    Number(shortNames(names).prefix !== '');
  return ROW_HEIGHT * (1 + (rows > ROWS_WHOLE ? ROWS_IN_SIGHT : rows));
}

/** More series than are found at a glance. */
const MANY = 8;

const ALL_COLUMNS: (keyof Summary)[] = ['last', 'min', 'max', 'mean'];
const FEW_COLUMNS: (keyof Summary)[] = ['last', 'max'];

/** Every series with its figures; what one presses shows and hides it. */
export const Legend = memo(function Legend(props: LegendProps) {
  const { title, series, names, isShown, unit } = props;
  const classes = useLegendStyles();
  const cut = useMiddleCutStyles();
  const help = useUniqueId();
  const [sort, setSort] = useState<LegendSort>();
  const [ownFilter, setOwnFilter] = useState('');
  const { filter = ownFilter, onFilter = setOwnFilter } = props;
  // One stop for Tab: with a stop for each, hundreds would stand between the plot and what follows.
  const [current, setCurrent] = useState(0);
  const columns = props.isNarrow ? FEW_COLUMNS : ALL_COLUMNS;
  const order = useMemo(
    () => legendOrder(series, names, { sort, filter }),
    [series, names, sort, filter],
  );
  const short = useMemo(() => shortNames(names), [names]);
  const hasTotal = Boolean(props.hasTotal) && series.length > 1;
  const total = useMemo(
    () => (hasTotal ? summarise(totalOf(series, isShown)) : undefined),
    [hasTotal, series, isShown],
  );
  const grid = useMemo(() => {
    const all = [...series.map(summaryOf), ...(total ? [total] : [])];
    return gridOf(
      columns.map(column => all.map(one => formatValue(one[column], unit))),
    );
  }, [series, total, columns, unit]);
  const maxHeight = useMemo(
    () => legendHeight(names, hasTotal),
    [names, hasTotal],
  );
  const stop = order.includes(current) ? current : order[0];
  const drawn = useRowsInTurn(order.length);

  return (
    <div className={classes.root}>
      <span id={help} className={classes.hidden}>
        {HELP}. Up and down arrows go from series to series, and up from the
        first to the titles, which sort.
      </span>
      <div
        className={classes.table}
        style={{ maxHeight }}
        role="table"
        aria-label={`Series of ${title}`}
        aria-describedby={help}
        onKeyDown={moveFocus}
      >
        <LegendHead
          classes={classes}
          columns={columns}
          grid={grid}
          sort={sort}
          onSort={by => setSort(before => nextSort(before, by))}
          hidden={series.filter((_, index) => !isShown(index)).length}
          onShowAll={props.onShowAll}
          filter={
            // One that is kept from when there were more can be taken away.
            series.length > MANY || filter !== ''
              ? { text: filter, of: series.length, onChange: onFilter }
              : undefined
          }
        />
        {short.prefix && (
          <div role="row" className={classes.note}>
            <span role="cell">{short.prefix}…</span>
          </div>
        )}
        {order.slice(0, drawn).map(index => (
          <LegendRow
            key={index}
            classes={classes}
            cut={cut}
            index={index}
            series={series[index]}
            name={names[index]}
            shortName={`${short.prefix && '…'}${short.names[index]}`}
            style={props.styles[index]}
            unit={unit}
            columns={columns}
            grid={grid}
            isShown={isShown(index)}
            isStop={index === stop}
            onToggle={props.onToggle}
            onIsolate={props.onIsolate}
            onHighlight={props.onHighlight}
            onFocus={setCurrent}
          />
        ))}
        {order.length === 0 && series.length > 0 && (
          <div role="row" className={classes.note}>
            <span role="cell">No series has “{filter}”</span>
          </div>
        )}
        {total && <Total {...{ classes, columns, grid, total, unit }} />}
      </div>
    </div>
  );
});

function Total({
  classes,
  columns,
  grid,
  total,
  unit,
}: {
  classes: ReturnType<typeof useLegendStyles>;
  columns: (keyof Summary)[];
  grid: LegendGrid;
  total: Summary;
  unit?: Unit;
}) {
  return (
    <div role="row" className={`${classes.row} ${classes.total}`} style={grid}>
      <span role="rowheader" className={classes.totalName}>
        Total
      </span>
      {columns.map(column => (
        <span key={column} role="cell" className={classes.value}>
          {formatValue(total[column], unit)}
        </span>
      ))}
    </div>
  );
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const stops = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('[data-stop]'),
  ];
  const at = stops.indexOf(event.target as HTMLElement);
  const first = stops.findIndex(stop => 'series' in stop.dataset);
  const next = {
    ArrowUp: at - 1,
    ArrowDown: at + 1,
    Home: first,
    End: stops.length - 1,
  }[event.key];
  if (at !== -1 && next !== undefined) {
    event.preventDefault();
    stops[next]?.focus();
  }
}
