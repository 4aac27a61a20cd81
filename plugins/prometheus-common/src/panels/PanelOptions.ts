import type { Unit } from '../units/Unit';

/**
 * How a panel is drawn. `area` fills each series down to zero, `stacked` puts them on top of one
 * another, `step` keeps a value until the next, `timeline` has a bar for each series with its states,
 * and `stat` the newest value of each in large.
 */
export const GRAPH_TYPES = [
  'line',
  'area',
  'stacked',
  'step',
  'timeline',
  'stat',
] as const;

export type GraphType = (typeof GRAPH_TYPES)[number];

/** How the value axis counts. */
export const SCALES = ['linear', 'log'] as const;

export type ValueScale = (typeof SCALES)[number];

/** How much of the page's width a panel takes. */
export const WIDTHS = ['half', 'full'] as const;

export type PanelWidth = (typeof WIDTHS)[number];

/** A value worth knowing, drawn as a line across the graph. */
export interface Threshold {
  /** In the unit of the query's samples. */
  value: number;
  label?: string;
  severity?: 'warning' | 'critical';
}

/** What a value stands for, as `0` for `down`. */
export interface ValueState {
  value: number;
  label?: string;
  severity?: 'ok' | 'warning' | 'critical';
}

/** How a panel looks; all of it may be left out. */
export interface PanelOptions {
  /** The label that names the series. */
  dimension?: string;
  /** What a series is called, with its labels: `{{path}} in {{region}}`. Goes before `dimension`. */
  legend?: string;
  graphType?: GraphType;
  unit?: Unit;
  /** Not of a stack, whose layers would not have the height of their values. */
  scale?: ValueScale;
  width?: PanelWidth;
  thresholds?: Threshold[];
  /** Of a timeline. */
  states?: ValueState[];
  /** Whether the traces that stand for samples are drawn as dots. */
  exemplars?: boolean;
}
