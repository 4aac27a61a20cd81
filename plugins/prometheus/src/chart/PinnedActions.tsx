import IconButton from '@material-ui/core/IconButton';
import { makeStyles } from '@material-ui/core/styles';
import CloseIcon from '@material-ui/icons/Close';
import CopyIcon from '@material-ui/icons/FileCopyOutlined';
import DoneIcon from '@material-ui/icons/Done';
import { useState } from 'react';
import { copyText } from './copyText';

const useStyles = makeStyles(
  theme => ({
    root: {
      float: 'right',
      display: 'flex',
      margin: theme.spacing(-0.5, -1, 0, 1),
    },
    icon: { padding: 4, '& svg': { fontSize: 16 } },
  }),
  { name: 'PrometheusPinnedActions' },
);

export interface PinnedActionsProps {
  text: () => string;
  /** Whether who pinned it is at the keyboard, and goes on here. */
  hasFocus: boolean;
  onClose: () => void;
}

/** What can be done with a tooltip that stays. */
export function PinnedActions({ text, hasFocus, onClose }: PinnedActionsProps) {
  const classes = useStyles();
  const [state, setState] = useState<'copied' | 'refused'>();
  const copy = async () =>
    setState((await copyText(text())) ? 'copied' : 'refused');
  const label = {
    copied: 'Copied',
    refused: 'The browser does not allow copying',
  };
  return (
    <div className={classes.root}>
      <IconButton
        className={classes.icon}
        disableRipple
        autoFocus={hasFocus}
        aria-label={state ? label[state] : 'Copy values'}
        title={state ? label[state] : 'Copy'}
        color={state === 'refused' ? 'secondary' : 'default'}
        onClick={() => void copy()}
      >
        {state === 'copied' ? <DoneIcon /> : <CopyIcon />}
      </IconButton>
      <IconButton
        className={classes.icon}
        aria-label="Close values"
        title="Close"
        onClick={onClose}
      >
        <CloseIcon />
      </IconButton>
    </div>
  );
}
