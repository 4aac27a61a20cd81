import Button from '@material-ui/core/Button';
import type { LegendColumn, LegendSort } from './legendOrder';
import type { LegendClasses, LegendGrid } from './legendStyles';
import type { Summary } from './summarise';

const TITLES = {
  name: 'Series',
  last: 'Last',
  min: 'Min',
  max: 'Max',
  mean: 'Mean',
};

export interface LegendHeadProps {
  classes: LegendClasses;
  grid: LegendGrid;
  columns: (keyof Summary)[];
  sort?: LegendSort;
  onSort: (by: LegendColumn) => void;
  hidden: number;
  onShowAll: () => void;
  /** Missing where there are so few that nobody looks for one. */
  filter?: { text: string; of: number; onChange: (text: string) => void };
}

/** The titles, which sort, and what chooses among many series. */
export function LegendHead(props: LegendHeadProps) {
  const { classes, columns, sort, onSort, hidden, filter } = props;
  const title = (column: LegendColumn) => (
    <button
      type="button"
      className={
        column === 'name'
          ? classes.sort
          : `${classes.sort} ${classes.sortValue}`
      }
      data-stop
      tabIndex={-1}
      title="Sort"
      onClick={() => onSort(column)}
    >
      {TITLES[column]}
      {sort?.by === column && (sort.isDescending ? ' ↓' : ' ↑')}
    </button>
  );
  const sorted = (column: LegendColumn) => {
    if (sort?.by !== column) {
      return undefined;
    }
    return sort.isDescending ? 'descending' : 'ascending';
  };
  return (
    <div
      role="row"
      className={`${classes.row} ${classes.header}`}
      style={props.grid}
    >
      <span
        role="columnheader"
        aria-sort={sorted('name')}
        className={classes.first}
      >
        {title('name')}
        {filter && (
          <input
            type="search"
            className={classes.filter}
            aria-label="Filter series"
            placeholder={`Filter ${filter.of}`}
            value={filter.text}
            onChange={event => filter.onChange(event.target.value)}
          />
        )}
        {hidden > 0 && (
          <Button
            className={classes.showAll}
            color="primary"
            onClick={props.onShowAll}
          >
            Show all ({hidden} hidden)
          </Button>
        )}
      </span>
      {columns.map(column => (
        <span
          key={column}
          role="columnheader"
          aria-sort={sorted(column)}
          className={classes.value}
        >
          {title(column)}
        </span>
      ))}
    </div>
  );
}
