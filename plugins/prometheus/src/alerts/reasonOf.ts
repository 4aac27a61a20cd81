import {
  type Alert,
  formatValue,
} from '@nativestage/backstage-plugin-prometheus-common';

/** Why an alert's state is not known, or may be out of date; `undefined` where it is known. */
export function reasonOf(alert: Alert): string | undefined {
  const { state, lastError, health, reportedState, interval } = alert;
  if (lastError) {
    return `The rule cannot be evaluated: ${lastError}`;
  }
  if (/^err(?:or)?$/i.test(health ?? '')) {
    return 'The rule cannot be evaluated';
  }
  if (alert.isStalled) {
    return `The rule is not evaluated any more; it should be every ${formatValue(interval, 'seconds')}`;
  }
  if (state !== 'unknown') {
    return undefined;
  }
  if (reportedState) {
    return `The server reports the state “${reportedState}”`;
  }
  return health === undefined || /^(?:ok|unknown)$/i.test(health)
    ? 'The rule has not been evaluated yet'
    : `The server reports the rule's health as “${health}”`;
}
