import type { ChartProps } from './pages/chartPage';

/** 2025-11-22, an hour and a half before midnight in UTC. */
export const START = Date.parse('2025-11-22T22:30:00Z') / 1000;
export const STEP = 60;

export type Labels = Record<string, string>;

/** An answer with so many points, of a function for each series. */
export function range(
  points: number,
  ...series: [Labels, (at: number) => number | null][]
): ChartProps['data'] {
  const timestamps = Array.from(
    { length: points },
    (_, at) => START + at * STEP,
  );
  return {
    start: START,
    end: START + (points - 1) * STEP,
    step: STEP,
    timestamps,
    series: series.map(([labels, valueAt]) => ({
      labels,
      values: timestamps.map((_, at) => valueAt(at)),
    })),
    warnings: [],
    infos: [],
  };
}

/** So many series of one value each. */
export function many(
  count: number,
  labelsOf: (index: number) => Labels = index => ({ pod: `pod-${index}` }),
): ChartProps['data'] {
  return range(
    20,
    ...Array.from({ length: count }, (_, index): [Labels, () => number] => [
      labelsOf(index),
      () => index,
    ]),
  );
}
