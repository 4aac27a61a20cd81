import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import CircularProgress from '@material-ui/core/CircularProgress';
import HourglassIcon from '@material-ui/icons/HourglassEmpty';
import InfoIcon from '@material-ui/icons/InfoOutlined';
import type { ReactNode } from 'react';

const useStyles = makeStyles(theme => ({
  root: {
    boxSizing: 'border-box',
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(3),
    textAlign: 'center',
    color: theme.palette.text.secondary,
  },
  title: { color: theme.palette.text.primary },
  detail: {
    maxWidth: '80ch',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
  // The place of a mistake in an annotation is shown by a caret below it.
  code: { fontFamily: 'monospace', textAlign: 'left' },
}));

export interface StateMessageProps {
  title: string;
  detail?: string;
  /** Whether places and lines of the detail have to stay where they are. */
  isCode?: boolean;
  icon?: ReactNode;
  action?: ReactNode;
  /** Pixels at the least, so that a page does not jump when there is more. */
  height?: number;
  role?: 'alert' | 'status';
}

/** What stands where a picture would be: nothing yet, nothing at all, or why not. */
export function StateMessage({
  title,
  detail,
  isCode,
  icon,
  action,
  height,
  role = 'status',
}: StateMessageProps) {
  const classes = useStyles();
  const detailClass = isCode
    ? `${classes.detail} ${classes.code}`
    : classes.detail;
  return (
    <div className={classes.root} style={{ minHeight: height }} role={role}>
      {icon}
      <Typography variant="subtitle1" component="p" className={classes.title}>
        {title}
      </Typography>
      {detail && (
        <Typography variant="body2" component="div" className={detailClass}>
          {detail}
        </Typography>
      )}
      {action}
    </div>
  );
}

export interface LoadingProps {
  title: string;
  height?: number;
  /** Out of sight nothing turns: it would take the processor all the same. */
  isStill?: boolean;
}

/** A request that goes on. */
export function Loading({ title, height, isStill }: LoadingProps) {
  return (
    <StateMessage
      title={title}
      height={height}
      icon={
        isStill ? (
          <HourglassIcon color="disabled" />
        ) : (
          <CircularProgress size={24} aria-hidden />
        )
      }
    />
  );
}

/** That there is nothing to draw. */
export function Empty(props: Omit<StateMessageProps, 'icon' | 'role'>) {
  return <StateMessage {...props} icon={<InfoIcon color="disabled" />} />;
}
