import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { ExternalLink } from './ExternalLink';
import { httpUrl } from '../links';

/** What has a place of its own. */
const KNOWN = ['summary', 'description', 'runbook_url', 'runbook'];

const useStyles = makeStyles(
  {
    oneLine: {
      display: 'flex',
      gap: 8,
      '&& > *': {
        // The first text gives way last, but for the link to the runbook, which is short.
        flex: '0 1000 auto',
        overflow: 'hidden',
        textOverflow: 'ellipsis',
        whiteSpace: 'nowrap',
      },
      '&& > :first-child': { flexShrink: 1 },
      '&& > $runbook': { flexShrink: 0 },
    },
    runbook: {},
    text: {
      overflowWrap: 'anywhere',
      whiteSpace: 'pre-line',
    },
  },
  { name: 'PrometheusAlertAnnotations' },
);

/** What the rule's author says of an alert: summary, description, runbook and the rest. */
export function AlertAnnotations({
  alert,
  isOneLine = false,
}: {
  alert: Alert;
  /** What has no room is cut off. */
  isOneLine?: boolean;
}) {
  const classes = useStyles();
  const { summary, description } = alert.annotations;
  const runbook = httpUrl(alert.runbookUrl);
  const others = Object.entries(alert.annotations).filter(
    ([name]) => !KNOWN.includes(name),
  );
  return (
    <div className={isOneLine ? classes.oneLine : undefined}>
      {summary && (
        <Typography variant="body2" className={classes.text}>
          {summary}
        </Typography>
      )}
      {description && (
        <Typography
          variant="body2"
          color={summary ? 'textSecondary' : 'textPrimary'}
          className={classes.text}
        >
          {description}
        </Typography>
      )}
      {others.map(([name, value]) => (
        <Typography
          key={name}
          variant="body2"
          color="textSecondary"
          className={classes.text}
        >
          {name}:{' '}
          {httpUrl(value) ? (
            <ExternalLink href={value}>{value}</ExternalLink>
          ) : (
            value
          )}
        </Typography>
      ))}
      {runbook && (
        <Typography variant="body2" className={classes.runbook}>
          <ExternalLink href={runbook} label={`Runbook of ${alert.name}`}>
            Runbook
          </ExternalLink>
        </Typography>
      )}
    </div>
  );
}
