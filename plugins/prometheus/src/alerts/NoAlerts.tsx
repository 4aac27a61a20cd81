import Button from '@material-ui/core/Button';
import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import CheckCircleIcon from '@material-ui/icons/CheckCircleOutlined';
import InfoIcon from '@material-ui/icons/InfoOutlined';
import SearchIcon from '@material-ui/icons/Search';

interface NoAlertsProps {
  /** How many alerts there are, all of them inactive unless a search hides some. */
  count: number;
  search: string;
  onClearSearch: () => void;
  onShowInactive: () => void;
}

const useStyles = makeStyles(
  theme => ({
    root: {
      display: 'flex',
      flexDirection: 'column',
      alignItems: 'center',
      gap: theme.spacing(1),
      padding: theme.spacing(5, 2),
      textAlign: 'center',
    },
    quiet: { color: theme.palette.success.main },
    neutral: { color: theme.palette.text.secondary },
  }),
  { name: 'PrometheusNoAlerts' },
);

/** What stands in the place of rows: why there are none, and what can be done. */
export function NoAlerts(props: NoAlertsProps) {
  const { count, search, onClearSearch, onShowInactive } = props;
  const classes = useStyles();
  if (count === 0) {
    return (
      <div className={classes.root}>
        <InfoIcon fontSize="large" className={classes.neutral} />
        <Typography variant="subtitle1">There are no alerts</Typography>
        <Typography variant="body2" color="textSecondary">
          No alerting rule has the names and labels that are asked for.
        </Typography>
      </div>
    );
  }
  if (search !== '') {
    return (
      <div className={classes.root}>
        <SearchIcon fontSize="large" className={classes.neutral} />
        <Typography variant="subtitle1">No alert has “{search}”</Typography>
        <Button onClick={onClearSearch}>Clear the search</Button>
      </div>
    );
  }
  return (
    <div className={classes.root}>
      <CheckCircleIcon fontSize="large" className={classes.quiet} />
      <Typography variant="subtitle1">
        {count === 1
          ? 'The one alert is quiet'
          : `All ${count} alerts are quiet`}
      </Typography>
      <Button onClick={onShowInactive}>Show inactive</Button>
    </div>
  );
}
