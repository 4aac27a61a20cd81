import type {
  RangeResult,
  ValueScale,
} from '@nativestage/backstage-plugin-prometheus-common';
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
  scale: ValueScale = 'linear',
): PlotData {
  const values = series.map(each => each.values);
  if (graphType !== 'stacked' && scale === 'log') {
    return { aligned: [timestamps, ...values.map(aboveZero)] };
  }
  if (graphType !== 'stacked') {
    return { aligned: [timestamps, ...values] };
  }
  const layers = stack(values, isShown);
  return { aligned: [timestamps, ...layers.map(({ tops }) => tops)], layers };
}

/** A logarithmic axis has no place for zero and what is below. */
function aboveZero(values: (number | null)[]): (number | null)[] {
  return values.map(value => (value !== null && value > 0 ? value : null));
}
