import { CopyTextButton } from '@backstage/core-components';
import Button from '@material-ui/core/Button';
import Dialog from '@material-ui/core/Dialog';
import DialogActions from '@material-ui/core/DialogActions';
import DialogContent from '@material-ui/core/DialogContent';
import DialogTitle from '@material-ui/core/DialogTitle';
import { makeStyles } from '@material-ui/core/styles';

const useStyles = makeStyles(theme => ({
  query: {
    margin: 0,
    padding: theme.spacing(1.5),
    borderRadius: theme.shape.borderRadius,
    background: theme.palette.background.default,
    fontFamily: 'monospace',
    fontSize: 13,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
}));

export interface QueryDialogProps {
  title: string;
  query: string;
  onClose: () => void;
}

/** What a panel asks, to be read and copied. */
export function QueryDialog({ title, query, onClose }: QueryDialogProps) {
  const classes = useStyles();
  return (
    <Dialog
      open
      fullWidth
      maxWidth="md"
      onClose={onClose}
      aria-labelledby="prometheus-query-title"
    >
      <DialogTitle id="prometheus-query-title">Query of {title}</DialogTitle>
      <DialogContent>
        <pre className={classes.query} tabIndex={0}>
          {query}
        </pre>
      </DialogContent>
      <DialogActions>
        <CopyTextButton text={query} aria-label="Copy query" />
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  );
}
