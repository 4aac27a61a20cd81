import { makeStyles } from '@material-ui/core/styles';
import TableCell from '@material-ui/core/TableCell';
import TableHead from '@material-ui/core/TableHead';
import TableRow from '@material-ui/core/TableRow';
import TableSortLabel from '@material-ui/core/TableSortLabel';
import type { Column } from './alertColumns';
import type { AlertSort } from './alertRows';

interface AlertTableHeadProps {
  columns: Column[];
  sort: AlertSort;
  onSort: (sort: AlertSort) => void;
}

const useStyles = makeStyles(
  theme => ({
    cell: {
      borderTop: `1px solid ${theme.palette.divider}`,
      color: theme.palette.text.secondary,
      fontWeight: 'bold',
      whiteSpace: 'nowrap',
      '&:first-child': { paddingLeft: theme.spacing(2.5) },
    },
  }),
  { name: 'PrometheusAlertTableHead' },
);

/** The columns' titles, by which the table is sorted. */
export function AlertTableHead(props: AlertTableHeadProps) {
  const { columns, sort, onSort } = props;
  const classes = useStyles();
  return (
    <TableHead>
      <TableRow>
        {columns.map(({ id, title, sortBy, minWidth, isNumeric }) => {
          const direction = sort.by === sortBy ? sort.direction : undefined;
          return (
            <TableCell
              key={id}
              scope="col"
              align={isNumeric ? 'right' : 'left'}
              sortDirection={direction ?? false}
              className={classes.cell}
              style={{ minWidth }}
            >
              {sortBy === undefined ? (
                title
              ) : (
                <TableSortLabel
                  active={direction !== undefined}
                  direction={direction}
                  onClick={() =>
                    onSort({
                      by: sortBy,
                      direction: direction === 'asc' ? 'desc' : 'asc',
                    })
                  }
                >
                  {title}
                </TableSortLabel>
              )}
            </TableCell>
          );
        })}
      </TableRow>
    </TableHead>
  );
}
