import {
  formatValue,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';

/** A value worth knowing, drawn as a line across the plot. */
export interface Threshold {
  value: number;
  label?: string;
  severity?: 'warning' | 'critical';
}

/** What stands at its line. */
export function thresholdText(
  { value, label }: Threshold,
  unit: Unit | undefined,
): string {
  return label ?? formatValue(value, unit);
}
