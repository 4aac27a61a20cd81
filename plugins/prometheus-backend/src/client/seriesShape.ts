import { ENOUGH, type Shape } from './JsonReader';

/**
 * The answer to a query, of which so many series are read. Histograms are only counted.
 *
 * @param skipped - what else of a series is not read
 */
export function seriesShape(maxSeries: number, skipped: string[] = []): Shape {
  let series = 0;
  const isSeries = (element: unknown) =>
    typeof element === 'object' && element !== null;
  const keys = ['histogram', 'histograms', ...skipped];
  const result: Shape = {
    each: element =>
      isSeries(element) && ++series > maxSeries ? ENOUGH : element,
    elements: {
      keys: Object.fromEntries(keys.map(key => [key, { skip: true }])),
    },
  };
  return { keys: { data: { keys: { result } } } };
}
