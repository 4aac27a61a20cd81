import Button from '@material-ui/core/Button';
import Dialog from '@material-ui/core/Dialog';
import DialogActions from '@material-ui/core/DialogActions';
import DialogContent from '@material-ui/core/DialogContent';
import DialogTitle from '@material-ui/core/DialogTitle';
import MenuItem from '@material-ui/core/MenuItem';
import { makeStyles } from '@material-ui/core/styles';
import TextField from '@material-ui/core/TextField';
import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { type FormEvent, useState } from 'react';
import { fromLocal, momentsOf, offsetOf, toLocal } from './localTime';

const useStyles = makeStyles(theme => ({
  fields: { display: 'grid', gap: theme.spacing(2) },
  moment: {
    display: 'flex',
    alignItems: 'flex-start',
    gap: theme.spacing(1),
    '& > :first-child': { flexGrow: 1 },
  },
}));

export interface CustomRangeProps {
  range: TimeRange;
  /** Seconds since 1970: there is nothing behind it. */
  now: number;
  /** Whether moments are those of UTC, and not of whoever looks. */
  isUtc?: boolean;
  onRange: (range: TimeRange) => void;
  onClose: () => void;
}

/** Asks for two moments, in the time of whoever looks. */
export function CustomRange(props: CustomRangeProps) {
  const { range, now, isUtc, onRange, onClose } = props;
  const classes = useStyles();
  const [start, setStart] = useState(range.start);
  const [end, setEnd] = useState(range.end);
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
          <Moment
            id="from"
            label="From"
            initial={range.start}
            isUtc={isUtc}
            onChange={setStart}
            problem={start >= now ? 'This is in the future' : undefined}
          />
          <Moment
            id="to"
            label="To"
            initial={range.end}
            isUtc={isUtc}
            onChange={setEnd}
            problem={
              end <= start ? 'This has to be after the start' : undefined
            }
          />
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            color="primary"
            disabled={!(start < end && start < now)}
          >
            Show
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** A local time, and which of two it is in the hour that comes twice. */
function Moment(props: {
  id: string;
  label: string;
  /** Seconds since 1970; it stays as it is until somebody changes it. */
  initial: number;
  isUtc?: boolean;
  onChange: (moment: number) => void;
  problem?: string;
}) {
  const { id, label, initial, isUtc, onChange, problem } = props;
  const classes = useStyles();
  const [text, setText] = useState(() => toLocal(initial, isUtc));
  const [moment, setMoment] = useState(initial);
  const choose = (next: number) => {
    setMoment(next);
    onChange(next);
  };
  const moments = momentsOf(text, isUtc);
  return (
    <div className={classes.moment}>
      <TextField
        id={`prometheus-range-${id}`}
        type="datetime-local"
        label={label}
        value={text}
        onChange={event => {
          const { value } = event.target;
          setText(value);
          const near = Number.isNaN(moment) ? initial : moment;
          choose(fromLocal(value, near, isUtc));
        }}
        error={problem !== undefined}
        helperText={problem}
        inputProps={{ step: 1 }}
        InputLabelProps={{ shrink: true }}
        required
      />
      {moments.length > 1 && (
        <TextField
          select
          label="Offset"
          value={Math.floor(moment)}
          onChange={event => choose(Number(event.target.value))}
          SelectProps={{
            SelectDisplayProps: {
              'aria-label': `Offset of “${label}”: ${offsetOf(moment)}`,
            },
          }}
        >
          {moments.map(one => (
            <MenuItem key={one} value={one}>
              {offsetOf(one)}
            </MenuItem>
          ))}
        </TextField>
      )}
    </div>
  );
}
