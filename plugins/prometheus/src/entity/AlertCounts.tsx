import { Link } from '@backstage/core-components';
import { makeStyles, type Theme, useTheme } from '@material-ui/core/styles';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { STATUS_COLORS } from '../chart/statusColors';
import { problemOf } from '../state/problemOf';
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
  const counts = data ? countStates(data.alerts) : [];
  const problem = error && problemOf(error);
  return (
    <div className={classes.root} role="group" aria-label="Alerts">
      {counts.map(([state, count]) => (
        <Link key={state} to={link} className={classes.count}>
          <span
            className={classes.dot}
            style={{ background: colorOf(theme, state) }}
          />
          {`${count} ${state === 'inactive' ? 'quiet' : state}`}
        </Link>
      ))}
      {data && counts.length === 0 && 'No alerts'}
      {problem && (
        <span title={problem.detail}>
          {data
            ? `${problem.title}; this is what was known before`
            : problem.title}
        </span>
      )}
    </div>
  );
}

const ORDER = ['firing', 'failing', 'pending'];

/** A rule that cannot be evaluated is not a quiet one. */
function countStates(alerts: Alert[]): [state: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { state, lastError } of alerts) {
    const shown = lastError && state === 'inactive' ? 'failing' : state;
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  const place = (state: string) =>
    state === 'inactive' ? Infinity : (ORDER.indexOf(state) + 5) % 5;
  return [...counts].sort(([a], [b]) => place(a) - place(b));
}

/** Only what is known to be fine is not in the color of a warning. */
function colorOf({ palette }: Theme, state: string): string {
  const { error, warning, neutral } = STATUS_COLORS[palette.type];
  return state === 'firing' ? error : state === 'inactive' ? neutral : warning;
}
