import {
  formatValue,
  type RangeSeries,
  type Unit,
  type ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { METRIC_NAME } from './labels';

/** Metrics of which everyone knows what 0 and 1 mean. */
const UP = ['up', 'probe_success'];

const UP_STATES: ValueState[] = [
  { value: 0, label: 'down', severity: 'critical' },
  { value: 1, label: 'up', severity: 'ok' },
];

/** What the values of a graph stand for: as its author says, or as the metric is known for. */
export function statesOf(
  series: Pick<RangeSeries, 'labels'>[],
  states?: ValueState[],
): ValueState[] {
  const isUp =
    series.length > 0 &&
    series.every(({ labels }) => UP.includes(labels[METRIC_NAME]));
  return states ?? (isUp ? UP_STATES : []);
}

/** What a value is called where it stands for something, and else the value with its unit. */
export function valueText(
  value: number,
  unit: Unit | undefined,
  states: ValueState[] = [],
): string {
  const state = states.find(each => each.value === value);
  return state?.label ?? formatValue(value, unit);
}
