import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { Note } from '../state/Note';

/** What has to be known about a picture: Prometheus' warnings and infos, and what is left out. */
export function PanelNotes({
  warnings,
  infos,
  truncated,
}: Pick<RangeResult, 'warnings' | 'infos' | 'truncated'>) {
  return (
    <>
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
