import TableCell from '@material-ui/core/TableCell';
import TableRow from '@material-ui/core/TableRow';
import Typography from '@material-ui/core/Typography';
import type { MouseEvent } from 'react';
import { type CellContext, type Column, widthOf } from './alertColumns';
import { ROW_HEIGHT, useRowStyles } from './AlertRow';
import { AlertLabels } from './AlertLabels';
import { summaryOf } from './alertRows';
import { commonLabels, type RowGroup } from './groupRows';
import { OpenButton } from './OpenButton';
import { severityOf } from './severity';

interface AlertGroupRowProps {
  group: RowGroup;
  columns: Column[];
  context: CellContext;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
}

/** Many alerts of one rule on one line. */
export function AlertGroupRow(props: AlertGroupRowProps) {
  const { group, columns, context, isOpen, onOpen } = props;
  const classes = useRowStyles();
  const [{ alert: first }] = group.rows;
  const severity = first.state === 'inactive' ? undefined : severityOf(first);
  const cell = `${classes.cell} ${severity ? classes[severity] : ''}`;
  const onClick = ({ target }: MouseEvent) => {
    if (!(target as Element).closest('a, button')) {
      onOpen(!isOpen);
    }
  };
  const [state, ...others] = columns;
  return (
    <TableRow
      hover
      className={classes.row}
      style={{ height: ROW_HEIGHT }}
      onClick={onClick}
    >
      <TableCell className={cell}>
        <div className={classes.first}>
          <OpenButton
            label={`The ${group.rows.length} alerts`}
            isOpen={isOpen}
            onOpen={onOpen}
          />
          {state.cell(first, context)}
        </div>
      </TableCell>
      {others.map(column => {
        const { id } = column;
        return (
          <TableCell key={id} className={classes.cell} style={widthOf(column)}>
            {id === 'name' && (
              <strong>{`${group.name} (${group.rows.length})`}</strong>
            )}
            {id === 'labels' && (
              <AlertLabels
                alert={{ ...first, labels: commonLabels(group) }}
                isOneLine
              />
            )}
            {id === 'annotations' && (
              <Typography variant="body2" component="span">
                {`${group.rows.length} alerts: ${summaryOf(group.rows.map(({ alert }) => alert))}`}
              </Typography>
            )}
          </TableCell>
        );
      })}
    </TableRow>
  );
}
