import { useEffect } from 'react';
import { AlertGraph } from '../alerts/AlertGraph';
import { AlertTable, type AlertTableProps } from '../alerts/AlertTable';
import { ContentCard } from '../state/ContentCard';
import { Failure } from '../state/Failure';
import { Note, StaleNote } from '../state/Note';
import { Loading } from '../state/StateMessage';
import { useAlertGraphs } from './useAlertGraphs';
import { useAlerts } from './useAlerts';

const TITLE = 'Prometheus Alerts';
const HEIGHT = 160;

/** How alerts are shown. */
export type AlertOptions = Partial<
  Pick<
    AlertTableProps,
    | 'title'
    | 'extraColumns'
    | 'onRowClick'
    | 'showAnnotations'
    | 'showLabels'
    | 'showInactiveAlerts'
  >
>;

export interface AlertsCardProps extends AlertOptions {
  /** Those of the entity's annotation where they are left out. */
  names?: 'all' | string[];
  /** Seconds since 1970; asks again when it changes. */
  now: number;
  onRetry: () => void;
  search?: AlertTableProps['search'];
  /** There are alerts, or an error in their place. */
  onSettled?: () => void;
}

/** The table of alerts, or what stands in its place. */
export function AlertsCard({
  names,
  now,
  onRetry,
  onSettled,
  ...table
}: AlertsCardProps) {
  const { data, error, isLoading } = useAlerts(names, now);
  const graphs = useAlertGraphs(names, now, onRetry);
  const isSettled = Boolean(data ?? error);
  useEffect(() => {
    if (isSettled) {
      onSettled?.();
    }
  }, [isSettled, onSettled]);
  const title = table.title ?? TITLE;
  if (!data) {
    return (
      <ContentCard title={title}>
        {error ? (
          <Failure error={error} height={HEIGHT} onRetry={onRetry} />
        ) : (
          <Loading title="Asking for alerts" height={HEIGHT} />
        )}
      </ContentCard>
    );
  }
  const { alerts, uiUrl, warnings, truncated, missing, mismatched } = data;
  return (
    <>
      <AlertTable
        {...table}
        title={title}
        alerts={alerts}
        uiUrl={uiUrl}
        graphOf={
          graphs && (alert => <AlertGraph alert={alert} graphs={graphs} />)
        }
        isLoading={isLoading}
      />
      {error && <StaleNote error={error} />}
      {truncated && (
        <Note>
          {`${truncated.shown} of ${truncated.received} alerts are shown; the annotations can ask for fewer.`}
        </Note>
      )}
      {missing && (
        <Note>{`No alerting rule has the name ${quoted(missing)}.`}</Note>
      )}
      {mismatched && (
        <Note>
          {`The labels that are asked for exclude ${quoted(mismatched)}.`}
        </Note>
      )}
      {warnings.map(warning => (
        <Note key={warning}>{warning}</Note>
      ))}
    </>
  );
}

function quoted(names: string[]): string {
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(
    names.map(name => `“${name}”`),
  );
}
