/**
 * Metrics whose value is a moment: seconds since 1970, by the names that Prometheus, its exporters and
 * Kubernetes give them. Others that end with `_time_seconds` are durations.
 */
const MOMENT =
  /(?:^|_)(?:timestamp_seconds|mtime_seconds|created|last_seen|earliest_cert_expiry|not_(?:after|before)|push(?:_failure)?_time_seconds|(?:start|boot|end|finish|completion|creation|modification|expiry|expiration|deletion)_time(?:_seconds)?|last_\w+_time_seconds)$|^node_time_seconds$/;

/** Whether a metric's values are moments, and not durations. */
export function isMoment(metric: string): boolean {
  return MOMENT.test(metric);
}
