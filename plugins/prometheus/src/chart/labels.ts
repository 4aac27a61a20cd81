import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';

export type Labels = Record<string, string>;

/** The label that holds a metric's name. */
export const METRIC_NAME = '__name__';

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_:]*$/;

/**
 * As PromQL writes it: `http_requests_total{code="200", method="GET"}`. A label with an empty value
 * is none, as in Prometheus.
 *
 * @param names - which labels, instead of all
 */
export function formatLabels(labels: Labels, names?: string[]): string {
  const shown = (names ?? Object.keys(labels)).filter(name => labels[name]);
  const metric = shown.includes(METRIC_NAME) ? labels[METRIC_NAME] : '';
  const matchers = shown
    .filter(name => name !== METRIC_NAME || !PLAIN_NAME.test(metric))
    .sort()
    .map(name => `${name}=${JSON.stringify(labels[name])}`);
  const prefix = PLAIN_NAME.test(metric) ? metric : '';
  return matchers.length > 0 ? `${prefix}{${matchers.join(', ')}}` : prefix;
}

/**
 * What a series is known by from one answer to the next. Prometheus sends a label set once; should
 * one come twice, its place tells the two apart.
 */
export function identify(series: Pick<RangeSeries, 'labels'>[]): string[] {
  const seen = new Map<string, number>();
  return series.map(({ labels }) => {
    const key = formatLabels(labels);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? key : `${key}#${count}`;
  });
}
