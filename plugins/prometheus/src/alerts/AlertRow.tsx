import { makeStyles } from '@material-ui/core/styles';
import TableCell from '@material-ui/core/TableCell';
import TableRow from '@material-ui/core/TableRow';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { MouseEvent } from 'react';
import type { CellContext, Column } from './alertColumns';

interface AlertRowProps {
  alert: Alert;
  columns: Column[];
  context: CellContext;
}

const useStyles = makeStyles(
  theme => ({
    clickable: { cursor: 'pointer' },
    cell: {
      paddingTop: theme.spacing(1.25),
      paddingBottom: theme.spacing(1.25),
      // A chip's height, so that first lines are level.
      lineHeight: '24px',
      verticalAlign: 'top',
      '&:first-child': { paddingLeft: theme.spacing(2.5) },
    },
  }),
  { name: 'PrometheusAlertRow' },
);

/** A row; the keyboard reaches what a click does by the button that the name is. */
export function AlertRow({ alert, columns, context }: AlertRowProps) {
  const classes = useStyles();
  const { onRowClick } = context;
  const onClick = ({ target }: MouseEvent) => {
    if (!(target as Element).closest('a, button')) {
      onRowClick?.(alert);
    }
  };
  return (
    <TableRow
      hover={onRowClick !== undefined}
      className={onRowClick && classes.clickable}
      onClick={onRowClick && onClick}
    >
      {columns.map(({ id, isNumeric, cell }) => (
        <TableCell
          key={id}
          align={isNumeric ? 'right' : 'left'}
          className={classes.cell}
        >
          {cell(alert, context)}
        </TableCell>
      ))}
    </TableRow>
  );
}
