import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { formatDuration } from '../range/TimeSpan';

/** The page of Prometheus' own interface that graphs a query; `undefined` for what is no web address. */
export function exploreUrl(
  uiUrl: string | undefined,
  query: string,
  { start, end }: TimeRange,
): string | undefined {
  if (!uiUrl || !URL.canParse(uiUrl)) {
    return undefined;
  }
  const url = new URL(uiUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return undefined;
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/graph`;
  url.search = new URLSearchParams({
    'g0.expr': query,
    'g0.tab': '0',
    'g0.range_input': formatDuration(Math.round(end - start)),
    'g0.end_input': new Date(end * 1000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' '),
  }).toString();
  return url.href;
}
