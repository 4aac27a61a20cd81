import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import type { AlignedData } from 'uplot';
import type { GraphType } from './GraphType';
import { type Layer, stack } from './stack';

/** What uPlot draws. */
export interface PlotData {
  /** The timestamps, then the heights of each series: where a series is in the data, plus one. */
  aligned: AlignedData;
  /** For stacked series, where each begins and ends; without the timestamps. */
  layers?: Layer[];
}

export function toUplotData(
  { timestamps, series }: Pick<RangeResult, 'timestamps' | 'series'>,
  graphType: GraphType,
  isShown: (index: number) => boolean = () => true,
): PlotData {
  const values = series.map(each => each.values);
  if (graphType !== 'stacked') {
    return { aligned: [timestamps, ...values] };
  }
  const layers = stack(values, isShown);
  return { aligned: [timestamps, ...layers.map(({ tops }) => tops)], layers };
}
