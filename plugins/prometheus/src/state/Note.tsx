import { makeStyles } from '@material-ui/core/styles';
import Typography from '@material-ui/core/Typography';
import InfoIcon from '@material-ui/icons/InfoOutlined';
import WarningIcon from '@material-ui/icons/ReportProblemOutlined';
import type { ReactNode } from 'react';
import { useOutage } from './useOutage';

const useStyles = makeStyles(theme => ({
  note: {
    display: 'flex',
    alignItems: 'flex-start',
    gap: theme.spacing(1),
    padding: theme.spacing(0.5, 0),
    color: theme.palette.text.secondary,
    overflowWrap: 'anywhere',
  },
}));

export interface NoteProps {
  severity?: 'warning' | 'info';
  children: ReactNode;
}

/** A line below a picture that whoever reads it should know. */
export function Note({ severity = 'warning', children }: NoteProps) {
  const classes = useStyles();
  const Icon = severity === 'info' ? InfoIcon : WarningIcon;
  return (
    <Typography
      variant="caption"
      component="div"
      role="note"
      className={classes.note}
    >
      <Icon fontSize="small" aria-hidden />
      <span>{children}</span>
    </Typography>
  );
}

/** That a picture is an old one, because there is no new one. */
export function StaleNote({ error }: { error: Error }) {
  const { problem, saidBy } = useOutage(error);
  return saidBy ? (
    <Note>This is what was known before.</Note>
  ) : (
    <Note>{`${problem.title}; this is what was known before. ${problem.detail}`}</Note>
  );
}
