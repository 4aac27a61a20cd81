import Chip from '@material-ui/core/Chip';
import { makeStyles } from '@material-ui/core/styles';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { shownLabels } from './alertRows';

const useStyles = makeStyles(
  theme => ({
    list: {
      display: 'flex',
      flexWrap: 'wrap',
      gap: theme.spacing(0.5),
      listStyle: 'none',
      margin: 0,
      padding: 0,
      '& li': { display: 'flex', maxWidth: '100%' },
    },
    oneLine: {
      flexWrap: 'nowrap',
      overflow: 'hidden',
      '&& li': { flex: 'none', maxWidth: 'none' },
      '&& li + li': { flex: '0 1 auto', minWidth: 48 },
      '& $label': { whiteSpace: 'nowrap' },
    },
    chip: {
      height: 'auto',
      maxWidth: '100%',
      margin: 0,
    },
    // Values may be long, and have no space to break at.
    label: {
      whiteSpace: 'normal',
      overflowWrap: 'anywhere',
      paddingTop: theme.spacing(0.25),
      paddingBottom: theme.spacing(0.25),
    },
  }),
  { name: 'PrometheusAlertLabels' },
);

/** An alert's labels but for its name. */
export function AlertLabels({
  alert,
  isOneLine = false,
}: {
  alert: Alert;
  /** What has no room is cut off. */
  isOneLine?: boolean;
}) {
  const classes = useStyles();
  return (
    <ul className={`${classes.list} ${isOneLine ? classes.oneLine : ''}`}>
      {shownLabels(alert).map(([label, value]) => (
        <li key={label}>
          <Chip
            size="small"
            classes={{ root: classes.chip, label: classes.label }}
            label={`${label}: ${value}`}
          />
        </li>
      ))}
    </ul>
  );
}
