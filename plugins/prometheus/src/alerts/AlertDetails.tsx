import { makeStyles } from '@material-ui/core/styles';
import {
  type Alert,
  formatValue,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { ReactNode } from 'react';
import { AlertAnnotations } from './AlertAnnotations';
import { AlertLabels } from './AlertLabels';
import { ExternalLink } from './ExternalLink';
import { expressionUrl } from '../links';
import { reasonOf } from './reasonOf';
import { TimeAgo } from './TimeAgo';

const useStyles = makeStyles(
  theme => ({
    list: {
      display: 'grid',
      gridTemplateColumns: 'max-content minmax(0, 1fr)',
      gap: theme.spacing(1, 2),
      margin: 0,
      padding: theme.spacing(1, 0),
      fontFamily: theme.typography.fontFamily,
      fontSize: theme.typography.body2.fontSize,
      whiteSpace: 'normal',
      [theme.breakpoints.down('xs')]: { gridTemplateColumns: 'minmax(0, 1fr)' },
      '& dt': { color: theme.palette.text.secondary },
      '& dd': { margin: 0, overflowWrap: 'anywhere' },
    },
    query: {
      margin: 0,
      fontFamily: 'monospace',
      whiteSpace: 'pre-wrap',
    },
  }),
  { name: 'PrometheusAlertDetails' },
);

export interface AlertDetailsProps {
  alert: Alert;
  /** Seconds since 1970. */
  now: number;
  uiUrl?: string;
  /** Missing where there are none to be had. */
  graphOf?: (alert: Alert) => ReactNode;
}

/** All that is known of an alert. */
export function AlertDetails({
  alert,
  now,
  uiUrl,
  graphOf,
}: AlertDetailsProps) {
  const classes = useStyles();
  const { query, ruleId, duration, activeAt, lastEvaluation } = alert;
  const reason = reasonOf(alert);
  const url = expressionUrl(alert.uiUrl ?? uiUrl, query);
  const entries: [title: string, content: ReactNode][] = [
    ['Unknown because', reason],
    ['Expression', query && <pre className={classes.query}>{query}</pre>],
    ['Graph', ruleId !== undefined && query !== undefined && graphOf?.(alert)],
    ['For', Boolean(duration) && formatValue(duration, 'seconds')],
    ['Active since', activeAt && <TimeAgo time={activeAt} now={now} />],
    [
      'Evaluated',
      lastEvaluation && <TimeAgo time={lastEvaluation} now={now} />,
    ],
    ['Labels', <AlertLabels key="labels" alert={alert} />],
    [
      'Annotations',
      Object.keys(alert.annotations).length > 0 && (
        <AlertAnnotations alert={alert} />
      ),
    ],
    ...(alert.silences ?? []).map(
      ({ createdBy, comment, endsAt }): [string, ReactNode] => [
        'Silenced',
        `by ${createdBy || 'somebody'} until ${endOf(endsAt)}: ${comment || 'no reason given'}`,
      ],
    ),
    [
      'Links',
      url && <ExternalLink href={url}>Expression in Prometheus</ExternalLink>,
    ],
  ];
  return (
    <dl className={classes.list}>
      {entries.map(
        ([title, content], index) =>
          content && (
            <Entry key={index} title={title}>
              {content}
            </Entry>
          ),
      )}
    </dl>
  );
}

function Entry({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}

const MOMENT = new Intl.DateTimeFormat('en', {
  dateStyle: 'medium',
  timeStyle: 'short',
});

function endOf(time: string): string {
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? 'an unknown time' : MOMENT.format(parsed);
}
