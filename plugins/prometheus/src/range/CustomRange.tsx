import Button from '@material-ui/core/Button';
import Dialog from '@material-ui/core/Dialog';
import DialogActions from '@material-ui/core/DialogActions';
import DialogContent from '@material-ui/core/DialogContent';
import DialogTitle from '@material-ui/core/DialogTitle';
import { makeStyles } from '@material-ui/core/styles';
import TextField from '@material-ui/core/TextField';
import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { type FormEvent, useState } from 'react';

const useStyles = makeStyles(theme => ({
  fields: { display: 'grid', gap: theme.spacing(2) },
}));

export interface CustomRangeProps {
  range: TimeRange;
  /** Whether moments are those of UTC, and not of whoever looks. */
  isUtc?: boolean;
  onRange: (range: TimeRange) => void;
  onClose: () => void;
}

/** Asks for two moments, in the time of whoever looks. */
export function CustomRange({
  range,
  isUtc,
  onRange,
  onClose,
}: CustomRangeProps) {
  const classes = useStyles();
  const [from, setFrom] = useState(() => toLocal(range.start, isUtc));
  const [to, setTo] = useState(() => toLocal(range.end, isUtc));
  const start = Date.parse(isUtc ? `${from}Z` : from) / 1000;
  const end = Date.parse(isUtc ? `${to}Z` : to) / 1000;
  const isInverted = end <= start;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onRange({ start, end });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} aria-labelledby="prometheus-custom-range">
      <form onSubmit={submit}>
        <DialogTitle id="prometheus-custom-range">
          {isUtc ? 'Time range in UTC' : 'Time range'}
        </DialogTitle>
        <DialogContent className={classes.fields}>
          <Moment id="from" label="From" value={from} onChange={setFrom} />
          <Moment
            id="to"
            label="To"
            value={to}
            onChange={setTo}
            problem={isInverted ? 'This has to be after the start' : undefined}
          />
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" color="primary" disabled={!(start < end)}>
            Show
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Moment(props: {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string;
}) {
  return (
    <TextField
      id={`prometheus-range-${props.id}`}
      type="datetime-local"
      label={props.label}
      value={props.value}
      onChange={event => props.onChange(event.target.value)}
      error={props.problem !== undefined}
      helperText={props.problem}
      inputProps={{ step: 1 }}
      InputLabelProps={{ shrink: true }}
      required
    />
  );
}

/** As an input of the type `datetime-local` holds it. */
function toLocal(seconds: number, isUtc = false): string {
  const date = new Date(seconds * 1000);
  const offset = isUtc ? 0 : date.getTimezoneOffset() * 60_000;
  const shifted = date.getTime() - offset;
  return new Date(shifted).toISOString().slice(0, 19);
}
