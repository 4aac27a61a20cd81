import {
  quote,
  type RangeSeries,
} from '@nativestage/backstage-plugin-prometheus-common';

export type Labels = Record<string, string>;

/** The label that holds a metric's name. */
export const METRIC_NAME = '__name__';

const PLAIN_METRIC = /^[A-Za-z_:][\w:]*$/;
const PLAIN_LABEL = /^[A-Za-z_]\w*$/;

/** Words of PromQL that Prometheus does not take for a metric's name where one may stand. */
const RESERVED =
  /^(?:and|or|unless|atan2|bool|on|ignoring|group_(?:left|right)|fill(?:_left|_right)?|inf|nan)$/i;

/**
 * As PromQL writes it: `http_requests_total{code="200", "http.method"="GET"}`. A label with an empty
 * value is none, as in Prometheus.
 *
 * @param names - which labels, instead of all
 */
export function formatLabels(labels: Labels, names?: string[]): string {
  const shown = (names ?? Object.keys(labels)).filter(name => labels[name]);
  const metric = shown.includes(METRIC_NAME) ? labels[METRIC_NAME] : '';
  const prefix =
    PLAIN_METRIC.test(metric) && !RESERVED.test(metric) ? metric : '';
  const matchers = shown
    .filter(name => name !== METRIC_NAME || prefix === '')
    .sort()
    .map(name => `${labelName(name)}=${quote(labels[name])}`);
  return matchers.length > 0 ? `${prefix}{${matchers.join(', ')}}` : prefix;
}

/** In quotes where Prometheus wants them. */
function labelName(name: string): string {
  return PLAIN_LABEL.test(name) ? name : quote(name);
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
