import {
  type RangeResult,
  samplesOf,
  type ValueScale,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { AlignedData } from 'uplot';
import type { GraphType } from './GraphType';
import { type Infinite, infinitiesOf } from './infinities';
import { type Layer, stack } from './stack';

/** What uPlot draws. */
export interface PlotData {
  /**
   * The timestamps, then the heights of each series: where a series is in the data, plus one. A
   * timeline has no heights, and so infinities and NaN as well.
   */
  aligned: AlignedData;
  /** For stacked series, where each begins and ends; without the timestamps. */
  layers?: Layer[];
  /** What has no height. */
  infinities: Infinite[];
}

export function toUplotData(
  { timestamps, series }: Pick<RangeResult, 'timestamps' | 'series'>,
  graphType: GraphType,
  isShown: (index: number) => boolean = () => true,
  scale: ValueScale = 'linear',
): PlotData {
  if (graphType === 'timeline') {
    return { aligned: [timestamps, ...series.map(samplesOf)], infinities: [] };
  }
  const values = series.map(each => each.values);
  const infinities = infinitiesOf(series);
  if (graphType !== 'stacked' && scale === 'log') {
    return { aligned: [timestamps, ...values.map(aboveZero)], infinities };
  }
  if (graphType !== 'stacked') {
    return { aligned: [timestamps, ...values], infinities };
  }
  const layers = stack(values, isShown);
  const tops = layers.map(layer => layer.tops);
  return { aligned: [timestamps, ...tops], layers, infinities };
}

/** A logarithmic axis has no place for zero and what is below. */
function aboveZero(values: (number | null)[]): (number | null)[] {
  return values.map(value => (value !== null && value > 0 ? value : null));
}
