import type { AlignedRange } from '../range';

/**
 * A query for as many of another's series: those whose values over the range add up to most. It takes
 * the query twice and selects nothing by itself, so that enforced labels hold.
 */
export function largestOf(
  query: string,
  { start, end, step }: AlignedRange,
  count: number,
): string {
  // One step more takes in the start. A comment ends with its line.
  const range = `${end - start + step}s`;
  const whole = `(${query}\n)`;
  return `${whole} and topk(${count}, sum_over_time(${whole}[${range}:${step}s] @ ${end}))`;
}
