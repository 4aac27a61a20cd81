import Divider from '@material-ui/core/Divider';
import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { ReactNode } from 'react';
import { AlertDetails } from './AlertDetails';
import { AlertLabels } from './AlertLabels';
import { AlertName, AlertReason } from './AlertName';
import { AlertStateChip } from './AlertStateChip';
import type { CellContext, Column } from './alertColumns';
import { type Row, summaryOf } from './alertRows';
import { commonLabels, isGroup, type RowGroup } from './groupRows';
import { OpenButton } from './OpenButton';
import { severityOf } from './severity';
import { TimeAgo } from './TimeAgo';

const useStyles = makeStyles(
  theme => ({
    list: { listStyle: 'none', margin: 0, padding: 0 },
    // Those of a group stand below it.
    inner: { marginLeft: theme.spacing(1.5) },
    card: {
      padding: theme.spacing(1, 2, 1, 1.5),
      borderLeft: '4px solid transparent',
    },
    critical: { borderLeftColor: theme.palette.error.main },
    warning: { borderLeftColor: theme.palette.warning.main },
    info: { borderLeftColor: theme.palette.info.main },
    head: { display: 'flex', alignItems: 'center', gap: theme.spacing(1) },
    name: { flexGrow: 1, minWidth: 0, overflowWrap: 'anywhere' },
    text: { overflowWrap: 'anywhere' },
    columns: {
      display: 'flex',
      flexWrap: 'wrap',
      columnGap: theme.spacing(2),
      margin: 0,
      fontFamily: theme.typography.fontFamily,
      fontSize: theme.typography.body2.fontSize,
      overflowWrap: 'anywhere',
      '& dt': { display: 'inline', color: theme.palette.text.secondary },
      '& dd': { display: 'inline', margin: 0 },
    },
  }),
  { name: 'PrometheusAlertCards' },
);

export interface AlertCardsProps {
  entries: (Row | RowGroup)[];
  /** Of an app's own; what is of the table's stands in a card in its own way. */
  columns: Column[];
  context: CellContext;
  isOpen: (key: string) => boolean;
  onOpen: (key: string, isOpen: boolean) => void;
  /** Whether they are those of a group. */
  isInGroup?: boolean;
}

/** Alerts below one another, where a table has no room; many of one rule are one until it is opened. */
export function AlertCards({
  entries,
  columns,
  context,
  isOpen,
  onOpen,
  isInGroup,
}: AlertCardsProps) {
  const classes = useStyles();
  return (
    <ul className={`${classes.list} ${isInGroup ? classes.inner : ''}`}>
      {entries.map(entry => {
        const { key } = entry;
        const common = {
          isOpen: isOpen(key),
          onOpen: (next: boolean) => onOpen(key, next),
        };
        return isGroup(entry) ? (
          <Group key={key} group={entry} {...common}>
            <AlertCards
              entries={entry.rows}
              {...{ columns, context, isOpen, onOpen }}
              isInGroup
            />
          </Group>
        ) : (
          <Single
            key={key}
            alert={entry.alert}
            {...{ columns, context }}
            {...common}
          />
        );
      })}
    </ul>
  );
}

interface OpenState {
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
}

function Group({
  group,
  isOpen,
  onOpen,
  children,
}: OpenState & { group: RowGroup; children: ReactNode }) {
  const alerts = group.rows.map(({ alert }) => alert);
  const [first] = alerts;
  const labels = commonLabels(group);
  return (
    <Card
      alert={first}
      name={<strong>{`${group.name} (${alerts.length})`}</strong>}
      button={
        <OpenButton
          label={`The ${alerts.length} alerts`}
          isOpen={isOpen}
          onOpen={onOpen}
        />
      }
      below={isOpen && children}
    >
      <Text>{`${alerts.length} alerts: ${summaryOf(alerts)}`}</Text>
      <AlertLabels alert={{ ...first, labels }} />
    </Card>
  );
}

function Single({
  alert,
  columns,
  context,
  isOpen,
  onOpen,
}: OpenState & { alert: Alert } & Pick<
    AlertCardsProps,
    'columns' | 'context'
  >) {
  const { summary, description } = alert.annotations;
  const text = [alert.labels.severity, summary ?? description].filter(Boolean);
  return (
    <Card
      alert={alert}
      name={<AlertName alert={alert} {...context} />}
      button={<OpenButton label="Details" isOpen={isOpen} onOpen={onOpen} />}
    >
      <Text>
        {text.join(' · ')}
        {alert.activeAt && (
          <>
            {text.length > 0 && ' · '}
            <TimeAgo time={alert.activeAt} now={context.now} />
          </>
        )}
      </Text>
      <AlertReason alert={alert} />
      <OwnColumns {...{ alert, columns, context }} />
      {isOpen && <AlertDetails alert={alert} {...context} />}
    </Card>
  );
}

/** What an app adds to the table, each with its title; what is empty here is left out. */
function OwnColumns({
  alert,
  columns,
  context,
}: { alert: Alert } & Pick<AlertCardsProps, 'columns' | 'context'>) {
  const classes = useStyles();
  const cells = columns
    .map(column => ({ column, content: column.cell(alert, context) }))
    .filter(({ content }) => content || content === 0);
  return cells.length === 0 ? null : (
    <dl className={classes.columns}>
      {cells.map(({ column: { id, title }, content }) => (
        <div key={id}>
          {title && (
            <>
              <dt>{title}:</dt>{' '}
            </>
          )}
          <dd>{content}</dd>
        </div>
      ))}
    </dl>
  );
}

interface CardProps {
  /** Whose state and severity it has. */
  alert: Alert;
  name: ReactNode;
  button: ReactNode;
  /** What is not in the card. */
  below?: ReactNode;
  children: ReactNode;
}

function Card({ alert, name, button, below, children }: CardProps) {
  const classes = useStyles();
  const severity = alert.state === 'inactive' ? undefined : severityOf(alert);
  return (
    <li>
      <Divider />
      <div className={`${classes.card} ${severity ? classes[severity] : ''}`}>
        <div className={classes.head}>
          <AlertStateChip alert={alert} />
          <Typography variant="body2" component="h3" className={classes.name}>
            {name}
          </Typography>
          {button}
        </div>
        {children}
      </div>
      {below}
    </li>
  );
}

function Text({ children }: { children: ReactNode }) {
  const classes = useStyles();
  return (
    <Typography
      variant="body2"
      color="textSecondary"
      component="div"
      className={classes.text}
    >
      {children}
    </Typography>
  );
}
