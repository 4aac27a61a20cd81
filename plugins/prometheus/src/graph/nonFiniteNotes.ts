import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';

/**
 * What is said of values that have no height in a graph.
 *
 * @param hasMarks - whether the picture marks them
 */
export function nonFiniteNotes(
  series: RangeSeries[],
  hasMarks: boolean,
): string[] {
  const count = (isMeant: (one: RangeSeries) => unknown) =>
    series.filter(isMeant).length;
  const infinite = count(
    ({ nonFinite }) => nonFinite?.['+Inf'] ?? nonFinite?.['-Inf'],
  );
  const undefinedOnes = count(({ nonFinite }) => nonFinite?.NaN);
  return [
    ...(infinite > 0
      ? [
          `${ofSeries(infinite)} infinite at times${hasMarks ? ', marked at the edge of the graph' : ''}.`,
        ]
      : []),
    ...(undefinedOnes > 0
      ? [
          `${ofSeries(undefinedOnes)} not a number (NaN) at times${hasMarks ? ': there the graph has gaps' : ''}.`,
        ]
      : []),
  ];
}

function ofSeries(count: number): string {
  return count === 1 ? '1 series is' : `${count} series are`;
}
