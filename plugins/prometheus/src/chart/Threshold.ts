/** A value worth knowing, drawn as a line across the plot. */
export interface Threshold {
  value: number;
  label?: string;
  severity?: 'warning' | 'critical';
}
