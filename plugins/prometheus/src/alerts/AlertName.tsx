import ButtonBase from '@material-ui/core/ButtonBase';
import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import OpenInNewIcon from '@material-ui/icons/OpenInNew';
import WarningIcon from '@material-ui/icons/Warning';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { ExternalLink } from './ExternalLink';
import { expressionUrl } from '../links';
import { reasonOf } from './reasonOf';

interface AlertNameProps {
  alert: Alert;
  uiUrl?: string;
  onRowClick?: (alert: Alert) => void;
}

const useStyles = makeStyles(
  theme => ({
    name: {
      font: 'inherit',
      fontWeight: 'bold',
      overflowWrap: 'anywhere',
      textAlign: 'left',
    },
    button: {
      borderRadius: theme.shape.borderRadius,
      verticalAlign: 'baseline',
      '&:focus-visible': { outline: '2px solid currentColor' },
    },
    iconLink: {
      display: 'inline-flex',
      marginLeft: theme.spacing(0.5),
      verticalAlign: 'middle',
    },
    icon: { verticalAlign: 'text-bottom' },
    instance: {
      marginLeft: theme.spacing(1),
      color: theme.palette.text.secondary,
    },
    error: { overflowWrap: 'anywhere' },
  }),
  { name: 'PrometheusAlertName' },
);

/**
 * An alert's name. It leads to the rule's expression in Prometheus, or it is the button by which the
 * keyboard reaches what a click on the row does.
 */
export function AlertName({ alert, uiUrl, onRowClick }: AlertNameProps) {
  const classes = useStyles();
  return (
    <>
      {onRowClick ? (
        <ButtonBase
          className={`${classes.name} ${classes.button}`}
          disableRipple
          onClick={() => onRowClick(alert)}
        >
          <Words name={alert.name} />
        </ButtonBase>
      ) : (
        <span className={classes.name}>
          <Words name={alert.name} />
        </span>
      )}
      <PrometheusLink alert={alert} uiUrl={alert.uiUrl ?? uiUrl} />
      {alert.instance !== undefined && (
        <Typography variant="caption" className={classes.instance}>
          on {alert.instance}
        </Typography>
      )}
    </>
  );
}

/** Why nobody knows, or why what is shown may be out of date. */
export function AlertReason({ alert }: { alert: Alert }) {
  const classes = useStyles();
  const reason = reasonOf(alert);
  return reason ? (
    <Typography variant="caption" className={classes.error}>
      <WarningIcon fontSize="inherit" color="error" className={classes.icon} />{' '}
      {reason}
    </Typography>
  ) : null;
}

/** A name that a narrow column breaks between its words, and within one only where that is too long. */
function Words({ name }: { name: string }) {
  const words = name.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[-_.:])/);
  return (
    <span>
      {words.flatMap((word, at) => (at > 0 ? [<wbr key={at} />, word] : word))}
    </span>
  );
}

function PrometheusLink({ alert, uiUrl }: Omit<AlertNameProps, 'onRowClick'>) {
  const classes = useStyles();
  const url = expressionUrl(uiUrl, alert.query);
  return url ? (
    <ExternalLink
      href={url}
      label={`${alert.name} in Prometheus`}
      className={classes.iconLink}
    >
      <OpenInNewIcon fontSize="inherit" />
    </ExternalLink>
  ) : null;
}
