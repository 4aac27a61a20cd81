import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import {
  type AlignedRange,
  largestOf,
  type RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';

/**
 * The answer to a query; where there are too many series, those that add up to most, and the first ones
 * if the server will not say which those are.
 *
 * @param ask - its failure ends the first question, and of the second one only what it is for
 */
export async function queryLargest(
  ask: (query: string) => Promise<RangeResult>,
  {
    query,
    range,
    maxSeries,
  }: { query: string; range: AlignedRange; maxSeries: number },
  logger?: Pick<LoggerService, 'warn'>,
): Promise<RangeResult> {
  const first = await ask(query);
  const { truncated, warnings, infos } = first;
  if (!truncated) {
    return first;
  }
  try {
    const largest = await ask(largestOf(query, range, maxSeries));
    if (largest.series.length >= truncated.shown) {
      return { ...largest, warnings, infos, truncated, kept: 'largest' };
    }
  } catch (error) {
    logger?.warn(
      `Of too many series the largest are not known: ${toError(error).message}`,
    );
  }
  return { ...first, kept: 'first' };
}
