import type { Theme } from '@material-ui/core/styles';
import type { Threshold } from '@nativestage/backstage-plugin-prometheus-common';
import { STATUS_COLORS } from '../chart/statusColors';

/** The color of a value by the highest threshold that it has reached; none below all of them. */
export function severityColor(
  { palette }: Theme,
  value: number | null | undefined,
  thresholds: Threshold[] = [],
): string | undefined {
  if (value === null || value === undefined) {
    return undefined;
  }
  const [reached] = thresholds
    .filter(threshold => value >= threshold.value)
    .sort((a, b) => b.value - a.value);
  const { warning, error } = STATUS_COLORS[palette.type];
  return reached && (reached.severity === 'critical' ? error : warning);
}
