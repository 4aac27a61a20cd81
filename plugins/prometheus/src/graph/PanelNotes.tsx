import Typography from '@material-ui/core/Typography';
import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { formatDuration } from '../range/TimeSpan';
import { Note } from '../state/Note';
import { nonFiniteNotes } from './nonFiniteNotes';
import type { PanelView } from './PanelMenu';

/** What has the values themselves. */
const WITHOUT_MARKS: PanelView[] = ['table', 'stat', 'timeline'];

/** What has to be known about a picture: its step, Prometheus' warnings and infos, and what is left out. */
export function PanelNotes({
  warnings,
  infos,
  truncated,
  step,
  kept,
  series,
  view,
}: RangeResult & { view: PanelView }) {
  const isStacked = view === 'stacked';
  const hasMarks = !WITHOUT_MARKS.includes(view);
  return (
    <>
      <Typography variant="caption" color="textSecondary" component="div">
        {`Step ${formatDuration(step)}`}
      </Typography>
      {truncated && (
        <Note>
          {`The ${kept === 'largest' ? 'largest' : 'first'} ${truncated.shown} series are shown; there are more${isStacked ? ', and the stack lacks them' : ''}. Aggregate or select fewer.`}
        </Note>
      )}
      {nonFiniteNotes(series, hasMarks).map(note => (
        <Note key={note} severity="info">
          {note}
        </Note>
      ))}
      {warnings.map(warning => (
        <Note key={warning}>{warning}</Note>
      ))}
      {infos.map(info => (
        <Note key={info} severity="info">
          {info}
        </Note>
      ))}
    </>
  );
}
