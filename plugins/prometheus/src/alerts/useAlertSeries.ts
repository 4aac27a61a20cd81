import type {
  Alert,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useMemo, useState } from 'react';
import { identify, METRIC_NAME } from '../chart/labels';
import type { LegendState } from '../chart/useVisibility';

/** Of the series of a rule those that the alert is of, until somebody chooses others. */
export function useAlertSeries(
  alert: Alert,
  data: RangeResult | undefined,
): LegendState {
  const [chosen, setChosen] = useState<ReadonlySet<string>>();
  const others = useMemo(
    () => othersOf(alert, data?.series ?? []),
    [alert, data],
  );
  return useMemo(() => {
    const hidden = chosen ?? others;
    return { isHidden: key => hidden.has(key), onHidden: setChosen };
  }, [chosen, others]);
}

/** The series of the rule's other alerts; none where it cannot be told whose they are. */
export function othersOf(
  { activeAt, labels }: Pick<Alert, 'activeAt' | 'labels'>,
  series: RangeResult['series'],
): ReadonlySet<string> {
  // A rule that is quiet is about all of its series.
  const isOwn = (own: Record<string, string>) =>
    activeAt === undefined ||
    Object.entries(own).every(
      ([label, value]) =>
        label === METRIC_NAME || (labels[label] ?? '') === value,
    );
  const keys = identify(series);
  const others = keys.filter((_, index) => !isOwn(series[index].labels));
  return new Set(others.length < keys.length ? others : []);
}
