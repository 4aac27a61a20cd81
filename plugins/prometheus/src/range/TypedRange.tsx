import { makeStyles } from '@material-ui/core/styles';
import TextField from '@material-ui/core/TextField';
import { type FormEvent, useState } from 'react';
import { parseSpan, type TimeSpan } from './TimeSpan';

const useStyles = makeStyles({ root: { width: '11em' } });

const ALLOWED = 'now-6h, now-2d to now-1d, 90m, or two moments of ISO 8601';

/** Takes a range as one types it; Enter shows it. */
export function TypedRange({ onSpan }: { onSpan: (span: TimeSpan) => void }) {
  const classes = useStyles();
  const [text, setText] = useState('');
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const span = parseSpan(text);
    setWrong(!span);
    if (span) {
      onSpan(span);
      setText('');
    }
  };
  return (
    <form onSubmit={submit} className={classes.root}>
      <TextField
        id="prometheus-typed-range"
        fullWidth
        size="small"
        variant="outlined"
        label="Type a range"
        placeholder="now-6h"
        InputLabelProps={{ shrink: true }}
        title={ALLOWED}
        value={text}
        onChange={event => {
          setText(event.target.value);
          setWrong(false);
        }}
        error={isWrong}
        helperText={isWrong && `"${text}" is none of: ${ALLOWED}`}
      />
    </form>
  );
}
