import { sharedStyles } from '../sharedStyles';
import TableCell from '@material-ui/core/TableCell';
import TableRow from '@material-ui/core/TableRow';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { MouseEvent } from 'react';
import { AlertDetails } from './AlertDetails';
import { type CellContext, type Column, widthOf } from './alertColumns';
import { OpenButton } from './OpenButton';
import { severityOf } from './severity';

export interface AlertRowProps {
  alert: Alert;
  columns: Column[];
  context: CellContext;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  /** Whether it is one of a group. */
  isInGroup?: boolean;
}

/** Pixels. */
export const ROW_HEIGHT = 40;

export const useRowStyles = sharedStyles(
  theme => ({
    row: { cursor: 'pointer', height: ROW_HEIGHT },
    cell: {
      height: ROW_HEIGHT,
      paddingTop: 0,
      paddingBottom: 0,
      // One line, and the details have the rest.
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
      '&:first-child': { borderLeft: '4px solid transparent', paddingLeft: 4 },
    },
    inGroup: { '&:first-child': { paddingLeft: theme.spacing(3) } },
    critical: {
      '&:first-child': { borderLeftColor: theme.palette.error.main },
    },
    warning: {
      '&:first-child': { borderLeftColor: theme.palette.warning.main },
    },
    info: { '&:first-child': { borderLeftColor: theme.palette.info.main } },
    first: { display: 'flex', alignItems: 'center', gap: theme.spacing(0.5) },
    // A wide graph would make the table as wide, and then never narrower.
    inRow: { contain: 'inline-size' },
    details: { padding: theme.spacing(1, 2, 1, 6) },
  }),
  { name: 'PrometheusAlertRow' },
);

/** A row of one line, and below it the details if they are asked for. */
export function AlertRow(props: AlertRowProps) {
  const { alert, columns, context, isOpen, onOpen, isInGroup } = props;
  const classes = useRowStyles();
  const { onRowClick } = context;
  const onClick = ({ target }: MouseEvent) => {
    if ((target as Element).closest('a, button')) {
      return;
    }
    if (onRowClick) {
      onRowClick(alert);
    } else {
      onOpen(!isOpen);
    }
  };
  const severity = alert.state === 'inactive' ? undefined : severityOf(alert);
  const cell = [
    classes.cell,
    severity && classes[severity],
    isInGroup && classes.inGroup,
  ]
    .filter(Boolean)
    .join(' ');
  return (
    <>
      <TableRow hover className={classes.row} onClick={onClick}>
        {columns.map(column => (
          <TableCell
            key={column.id}
            align={column.isNumeric ? 'right' : 'left'}
            className={cell}
            style={widthOf(column)}
          >
            {column.id === 'state' ? (
              <div className={classes.first}>
                <OpenButton label="Details" isOpen={isOpen} onOpen={onOpen} />
                {column.cell(alert, context)}
              </div>
            ) : (
              column.cell(alert, context)
            )}
          </TableCell>
        ))}
      </TableRow>
      {isOpen && (
        <TableRow>
          <TableCell colSpan={columns.length} className={classes.details}>
            <div className={classes.inRow}>
              <AlertDetails alert={alert} {...context} />
            </div>
          </TableCell>
        </TableRow>
      )}
    </>
  );
}
