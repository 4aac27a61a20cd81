import type {
  RangeResult,
  TimeRange,
  Unit,
  ValueScale,
  ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { ReactNode } from 'react';
import type { SeriesStyle } from './colors';
import type { GraphType } from './GraphType';
import type { Threshold } from './Threshold';

/** What the axes of a plot reach to. */
export interface Extent {
  over: HTMLElement;
  x: [from: number, to: number];
  /** The value's place from 0, at the bottom, to 1. */
  heightOf: (value: number) => number;
}

export interface PlotProps {
  title: string;
  data: RangeResult;
  names: string[];
  styles: SeriesStyle[];
  graphType: GraphType;
  unit?: Unit;
  scale?: ValueScale;
  thresholds: Threshold[];
  hasAllThresholds?: boolean;
  states?: ValueState[];
  width: number;
  height: number;
  syncKey?: string;
  isShown: (series: number) => boolean;
  /** The series to point out; where it is in the data. */
  highlighted?: number;
  /** Whether `children` draws anything. */
  hasExemplars?: boolean;
  /** What stands above the plot, where its axes are. */
  children?: (extent: Extent) => ReactNode;
  onZoom?: (range: TimeRange) => void;
  onZoomOut?: () => void;
}
