import Chip from '@material-ui/core/Chip';
import { makeStyles } from '@material-ui/core/styles';
import CheckCircleIcon from '@material-ui/icons/CheckCircleOutlined';
import ErrorIcon from '@material-ui/icons/Error';
import NotificationsOffIcon from '@material-ui/icons/NotificationsOffOutlined';
import HelpIcon from '@material-ui/icons/HelpOutline';
import ScheduleIcon from '@material-ui/icons/Schedule';
import type {
  Alert,
  AlertState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { severityOf } from './severity';

const STATES: Record<AlertState, { label: string; Icon: typeof ErrorIcon }> = {
  firing: { label: 'Firing', Icon: ErrorIcon },
  unknown: { label: 'Unknown', Icon: HelpIcon },
  pending: { label: 'Pending', Icon: ScheduleIcon },
  inactive: { label: 'Inactive', Icon: CheckCircleIcon },
};

const useStyles = makeStyles(
  theme => ({
    chips: { display: 'inline-flex', gap: theme.spacing(0.5) },
    chip: {
      display: 'flex',
      width: 'max-content',
      margin: 0,
      fontWeight: 'bold',
    },
    // Whichever colour the chip has, its icon has too.
    icon: { '&&': { color: 'inherit', fontSize: '1rem' } },
    firing: {
      backgroundColor: theme.palette.error.dark,
      color: theme.palette.getContrastText(theme.palette.error.dark),
    },
    pending: {
      border: `1px solid ${theme.palette.text.secondary}`,
      backgroundColor: 'transparent',
      color: theme.palette.text.primary,
    },
    warning: {
      backgroundColor: theme.palette.warning.light,
      color: theme.palette.getContrastText(theme.palette.warning.light),
    },
    info: {
      backgroundColor: theme.palette.info.dark,
      color: theme.palette.getContrastText(theme.palette.info.dark),
    },
    unknown: {
      backgroundColor: theme.palette.text.secondary,
      color: theme.palette.background.paper,
    },
    inactive: { fontWeight: 'normal' },
    silenced: { fontWeight: 'normal' },
  }),
  { name: 'PrometheusAlertStateChip' },
);

/** An alert's state, in words and with an icon; a silenced one is not loud. */
export function AlertStateChip({ alert }: { alert: Alert }) {
  const classes = useStyles();
  const { label, Icon } = STATES[alert.state];
  const isLoud = alert.state !== 'inactive' && !alert.silenced;
  const severity = severityOf(alert);
  // One without a severity may be as bad as any.
  const look =
    alert.state === 'firing' && severity && severity !== 'critical'
      ? severity
      : alert.state;
  return (
    <span className={classes.chips}>
      <Chip
        size="small"
        variant={isLoud ? 'default' : 'outlined'}
        className={`${classes.chip} ${isLoud ? classes[look] : classes.inactive}`}
        icon={<Icon className={classes.icon} />}
        label={label}
      />
      {alert.silenced && (
        <Chip
          size="small"
          variant="outlined"
          className={`${classes.chip} ${classes.silenced}`}
          icon={<NotificationsOffIcon className={classes.icon} />}
          label="Silenced"
        />
      )}
    </span>
  );
}
