import Typography from '@material-ui/core/Typography';
import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { formatDuration } from '../range/TimeSpan';
import { Note } from '../state/Note';

/** What has to be known about a picture: its step, Prometheus' warnings and infos, and what is left out. */
export function PanelNotes({
  warnings,
  infos,
  truncated,
  step,
}: Pick<RangeResult, 'warnings' | 'infos' | 'truncated' | 'step'>) {
  return (
    <>
      <Typography variant="caption" color="textSecondary" component="div">
        {`Step ${formatDuration(step)}`}
      </Typography>
      {truncated && (
        <Note>
          {`${truncated.shown} of ${truncated.received} series are shown; aggregate or select fewer.`}
        </Note>
      )}
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
