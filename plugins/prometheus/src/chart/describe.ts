import type {
  RangeResult,
  Unit,
  ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { valueText } from './statesOf';
import { fullTime } from './timeAxis';
import { tooltipRows } from './tooltipRows';

export interface PlotDescription {
  data: RangeResult;
  /** What stands at the lines across the plot. */
  lines: string[];
  isSelectable: boolean;
  /** IANA. */
  timeZone?: string;
}

/** What a screen reader says of a plot before it is read. */
export function describePlot({
  data: { timestamps, series },
  lines,
  isSelectable,
  timeZone,
}: PlotDescription): string {
  const count = series.length === 1 ? '1 series' : `${series.length} series`;
  if (timestamps.length === 0) {
    return `${count}, no points.`;
  }
  const from = fullTime(timestamps[0], { timeZone });
  const to = fullTime(timestamps[timestamps.length - 1], { timeZone });
  return [
    `${count} from ${from} to ${to}.`,
    lines.length > 0 && `Lines across it: ${lines.join(', ')}.`,
    'Left and right arrows read the values, Home and End go to the oldest and newest, Enter pins them.',
    isSelectable &&
      'Shift with these selects, Enter zooms into the selection, Backspace zooms out.',
  ]
    .filter(Boolean)
    .join(' ');
}

export interface Place {
  data: RangeResult;
  names: string[];
  unit?: Unit;
  isShown: (series: number) => boolean;
  /** Where in the timestamps. */
  at: number;
  /** What values stand for. */
  states?: ValueState[];
  /** IANA. */
  timeZone?: string;
}

/** What a screen reader says of one place: the time and the largest values. */
export function describeReading({
  data,
  names,
  unit,
  isShown,
  at,
  states,
  timeZone,
}: Place): string {
  if (at >= data.timestamps.length) {
    return '';
  }
  const { rows, more } = tooltipRows(data.series, at, isShown);
  const values = rows.map(
    ({ index, value }) => `${names[index]} ${valueText(value, unit, states)}`,
  );
  if (more > 0) {
    values.push(`and ${more} more`);
  }
  return `${fullTime(data.timestamps[at], { timeZone })}: ${values.join(', ') || 'no values'}`;
}
