import { Link } from '@backstage/core-components';
import { makeStyles, type Theme, useTheme } from '@material-ui/core/styles';
import {
  ALERT_STATES,
  type AlertState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { countStates } from '../alerts/alertRows';
import { STATUS_COLORS } from '../chart/statusColors';
import { useOutage } from '../state/useOutage';
import { useAlerts } from './useAlerts';

const useStyles = makeStyles(
  theme => ({
    root: {
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      gap: theme.spacing(0.5, 2),
      minHeight: 40,
      fontFamily: theme.typography.fontFamily,
      fontSize: 14,
    },
    count: { display: 'inline-flex', alignItems: 'center', gap: 6 },
    dot: { width: 10, height: 10, borderRadius: '50%', flex: 'none' },
  }),
  { name: 'PrometheusAlertCounts' },
);

/** How many alerts of the entity there are in each state, the worst first. */
export function AlertCounts({ now, link }: { now: number; link: string }) {
  const classes = useStyles();
  const theme = useTheme();
  const { data, error } = useAlerts(undefined, now);
  const counts = data && countStates(data.alerts);
  const missing = [...(data?.missing ?? []), ...(data?.mismatched ?? [])];
  return (
    <div className={classes.root} role="group" aria-label="Alerts">
      {ALERT_STATES.filter(state => counts?.[state]).map(state => (
        <Link key={state} to={link} className={classes.count}>
          <span
            className={classes.dot}
            style={{ background: colorOf(theme, state) }}
          />
          {`${counts![state]} ${state === 'inactive' ? 'quiet' : state}`}
        </Link>
      ))}
      {missing.length > 0 && (
        <span>{`No alerts are found for ${missing.join(', ')}`}</span>
      )}
      {data?.alerts.length === 0 && missing.length === 0 && 'No alerts'}
      {error && <CountsProblem error={error} hasCounts={Boolean(data)} />}
    </div>
  );
}

function CountsProblem({
  error,
  hasCounts,
}: {
  error: Error;
  hasCounts: boolean;
}) {
  const { problem, saidBy } = useOutage(error);
  const title = saidBy ? undefined : problem.title;
  return (
    <span title={problem.detail}>
      {hasCounts
        ? [title, 'this is what was known before'].filter(Boolean).join('; ')
        : (title ?? 'It is not known how many alerts there are')}
    </span>
  );
}

/** Only what is known to be fine is not in the color of a warning. */
function colorOf({ palette }: Theme, state: AlertState): string {
  const { error, warning, neutral } = STATUS_COLORS[palette.type];
  return state === 'firing' ? error : state === 'inactive' ? neutral : warning;
}
