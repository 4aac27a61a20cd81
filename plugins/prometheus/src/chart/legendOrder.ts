import {
  type RangeSeries,
  samplesOf,
} from '@nativestage/backstage-plugin-prometheus-common';
import { formatLabels } from './labels';
import { summarise, type Summary } from './summarise';

export type LegendColumn = 'name' | keyof Summary;

export interface LegendSort {
  by: LegendColumn;
  isDescending: boolean;
}

type Column = Pick<RangeSeries, 'values' | 'nonFinite'>;

const summaries = new WeakMap<(number | null)[], Summary>();

/** As {@link summarise}, once for each column of an answer. */
export function summaryOf(series: Column): Summary {
  const { values } = series;
  const summary = summaries.get(values) ?? summarise(samplesOf(series));
  summaries.set(values, summary);
  return summary;
}

/** What a click on a column's title leads to: names begin at the first, figures at the largest. */
export function nextSort(
  sort: LegendSort | undefined,
  by: LegendColumn,
): LegendSort | undefined {
  const first = { by, isDescending: by !== 'name' };
  if (sort?.by !== by) {
    return first;
  }
  return sort.isDescending === first.isDescending
    ? { by, isDescending: !first.isDescending }
    : undefined;
}

/**
 * Which series a legend has, in which order: places in the data. Series without a value come last.
 *
 * @param filter words that a name or its labels have to have, in any case
 */
export function legendOrder(
  series: RangeSeries[],
  names: string[],
  { sort, filter = '' }: { sort?: LegendSort; filter?: string } = {},
): number[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const order = series
    .map((_, index) => index)
    .filter(index => {
      if (words.length === 0) {
        return true;
      }
      const text =
        `${names[index]} ${formatLabels(series[index].labels)}`.toLowerCase();
      return words.every(word => text.includes(word));
    });
  if (!sort) {
    return order;
  }
  const { by } = sort;
  const direction = sort.isDescending ? -1 : 1;
  if (by === 'name') {
    const { compare } = new Intl.Collator(undefined, { numeric: true });
    return order.sort((a, b) => direction * compare(names[a], names[b]));
  }
  const valueOf = (index: number) => summaryOf(series[index])[by];
  return order.sort((a, b) => compareValues(valueOf(a), valueOf(b), direction));
}

function compareValues(
  a: number | undefined,
  b: number | undefined,
  direction: number,
): number {
  if (a === undefined || b === undefined) {
    return Number(a === undefined) - Number(b === undefined);
  }
  return a === b ? 0 : direction * (a < b ? -1 : 1);
}
