import type {
  Exemplar,
  ExemplarSeries,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';

/**
 * Of many exemplars the largest and the smallest of each stretch of time: the slowest request is worth
 * a look, and one that was fast beside it. Nothing is moved or made up.
 *
 * @param most - how many are left; 2 and more
 */
export function thinExemplars(
  series: ExemplarSeries[],
  { start, end }: TimeRange,
  most: number,
): ExemplarSeries[] {
  const all = series.flatMap(({ exemplars }) => exemplars);
  if (all.length <= most) {
    return series;
  }
  const columns = Math.max(1, Math.floor(most / 2));
  const width = (end - start) / columns || 1;
  const extremes = new Map<number, { low: Exemplar; high: Exemplar }>();
  for (const exemplar of all) {
    const column = Math.max(
      0,
      Math.min(columns - 1, Math.floor((exemplar.timestamp - start) / width)),
    );
    const known = extremes.get(column);
    const { low = exemplar, high = exemplar } = known ?? {};
    extremes.set(column, {
      low: sizeOf(exemplar) < sizeOf(low) ? exemplar : low,
      high: sizeOf(exemplar) > sizeOf(high) ? exemplar : high,
    });
  }
  const kept = new Set(
    [...extremes.values()].flatMap(({ low, high }) => [low, high]),
  );
  return series.flatMap(({ labels, exemplars }) => {
    const left = exemplars.filter(exemplar => kept.has(exemplar));
    return left.length > 0 ? [{ labels, exemplars: left }] : [];
  });
}

function sizeOf({ value }: Exemplar): number {
  return value ?? -Infinity;
}
