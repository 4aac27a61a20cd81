import FormControlLabel from '@material-ui/core/FormControlLabel';
import IconButton from '@material-ui/core/IconButton';
import InputAdornment from '@material-ui/core/InputAdornment';
import { makeStyles } from '@material-ui/core/styles';
import Switch from '@material-ui/core/Switch';
import TextField from '@material-ui/core/TextField';
import Typography from '@material-ui/core/Typography';
import ClearIcon from '@material-ui/icons/Clear';
import SearchIcon from '@material-ui/icons/Search';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { countStates, summaryOf } from './alertRows';

interface AlertTableToolbarProps {
  alerts: Alert[];
  title?: string;
  /** How many of the alerts the search leaves. */
  found: number;
  search: string;
  onSearch: (search: string) => void;
  showInactive: boolean;
  onShowInactive: (showInactive: boolean) => void;
}

const useStyles = makeStyles(
  theme => ({
    root: {
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      gap: theme.spacing(1, 3),
      padding: theme.spacing(2, 2, 2, 2.5),
    },
    title: { flexGrow: 1 },
    // As in the cards of Backstage's UI.
    heading: {
      fontFamily: 'var(--bui-font-regular, inherit)',
      fontSize: '1.25rem',
      fontWeight: 'bold',
    },
    switch: { marginRight: 0 },
    search: { width: '16rem', maxWidth: '100%' },
  }),
  { name: 'PrometheusAlertTableToolbar' },
);

/** The table's title, how many alerts there are of each state, and what is shown of them. */
export function AlertTableToolbar(props: AlertTableToolbarProps) {
  const { alerts, title, found, search, onSearch } = props;
  const { showInactive, onShowInactive } = props;
  const classes = useStyles();
  const { inactive } = countStates(alerts);
  return (
    <div className={classes.root}>
      <div className={classes.title}>
        {title && (
          <Typography variant="h5" component="h2" className={classes.heading}>
            {title}
          </Typography>
        )}
        <Typography variant="body2" color="textSecondary" role="status">
          {search === ''
            ? summaryOf(alerts)
            : `${found} of ${countAlerts(alerts.length)} found`}
        </Typography>
      </div>
      {inactive > 0 && (
        <FormControlLabel
          className={classes.switch}
          control={
            <Switch
              color="primary"
              checked={showInactive}
              onChange={(_, isChecked) => onShowInactive(isChecked)}
            />
          }
          label="Show inactive"
        />
      )}
      {alerts.length > 0 && (
        <TextField
          className={classes.search}
          size="small"
          variant="outlined"
          placeholder="Search"
          value={search}
          onChange={event => onSearch(event.target.value)}
          inputProps={{ 'aria-label': 'Search alerts' }}
          InputProps={{
            startAdornment: (
              <InputAdornment position="start">
                <SearchIcon fontSize="small" />
              </InputAdornment>
            ),
            endAdornment: search !== '' && (
              <IconButton
                size="small"
                edge="end"
                aria-label="Clear the search"
                onClick={() => onSearch('')}
              >
                <ClearIcon fontSize="small" />
              </IconButton>
            ),
          }}
        />
      )}
    </div>
  );
}

function countAlerts(count: number): string {
  return count === 1 ? '1 alert' : `${count} alerts`;
}
