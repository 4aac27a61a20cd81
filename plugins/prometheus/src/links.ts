import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { formatDuration } from './range/TimeSpan';

/** A link that a browser may follow; annotations may hold anything, `javascript:` too. */
export function httpUrl(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\//i.test(text) && URL.canParse(text)
    ? text
    : undefined;
}

/**
 * Where a Prometheus shows an expression, as a graph of the range or as a table: in version 3 too,
 * which redirects to `/query`.
 */
export function expressionUrl(
  uiUrl: string | undefined,
  expression: string | undefined,
  range?: TimeRange,
): string | undefined {
  const base = httpUrl(uiUrl)?.replace(/\/+$/, '');
  if (base === undefined || expression === undefined) {
    return undefined;
  }
  const parameters = new URLSearchParams({
    'g0.expr': expression,
    ...(range ? graphOf(range) : { 'g0.tab': '1' }),
  });
  return `${base}/graph?${parameters.toString()}`;
}

function graphOf({ start, end }: TimeRange): Record<string, string> {
  return {
    'g0.tab': '0',
    'g0.range_input': formatDuration(Math.round(end - start)),
    // As Prometheus' own page writes it, in UTC.
    'g0.end_input': new Date(end * 1000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' '),
  };
}
