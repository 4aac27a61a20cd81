import Divider from '@material-ui/core/Divider';
import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import { AlertDetails } from './AlertDetails';
import { AlertStateChip } from './AlertStateChip';
import type { CellContext } from './alertColumns';
import type { Row } from './alertRows';
import { OpenButton } from './OpenButton';
import { severityOf } from './severity';
import { TimeAgo } from './TimeAgo';

const useStyles = makeStyles(
  theme => ({
    list: { listStyle: 'none', margin: 0, padding: 0 },
    card: {
      padding: theme.spacing(1, 2, 1, 1.5),
      borderLeft: '4px solid transparent',
    },
    critical: { borderLeftColor: theme.palette.error.main },
    warning: { borderLeftColor: theme.palette.warning.main },
    info: { borderLeftColor: theme.palette.info.main },
    head: { display: 'flex', alignItems: 'center', gap: theme.spacing(1) },
    name: { flexGrow: 1, minWidth: 0, overflowWrap: 'anywhere' },
  }),
  { name: 'PrometheusAlertCards' },
);

export interface AlertCardsProps {
  rows: Row[];
  context: CellContext;
  isOpen: (key: string) => boolean;
  onOpen: (key: string, isOpen: boolean) => void;
}

/** Alerts below one another, where a table has no room. */
export function AlertCards({ rows, context, isOpen, onOpen }: AlertCardsProps) {
  const classes = useStyles();
  return (
    <ul className={classes.list}>
      {rows.map(({ key, alert }) => {
        const severity =
          alert.state === 'inactive' ? undefined : severityOf(alert);
        const { summary, description } = alert.annotations;
        return (
          <li key={key}>
            <Divider />
            <div
              className={`${classes.card} ${severity ? classes[severity] : ''}`}
            >
              <div className={classes.head}>
                <AlertStateChip alert={alert} />
                <Typography
                  variant="body2"
                  component="h3"
                  className={classes.name}
                >
                  <strong>{alert.name}</strong>
                </Typography>
                <OpenButton
                  label="Details"
                  isOpen={isOpen(key)}
                  onOpen={next => onOpen(key, next)}
                />
              </div>
              <Typography variant="body2" color="textSecondary">
                {[
                  alert.labels.severity,
                  alert.instance && `on ${alert.instance}`,
                  summary ?? description,
                ]
                  .filter(Boolean)
                  .join(' · ')}{' '}
                <TimeAgo time={alert.activeAt} now={context.now} />
              </Typography>
              {isOpen(key) && <AlertDetails alert={alert} {...context} />}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
