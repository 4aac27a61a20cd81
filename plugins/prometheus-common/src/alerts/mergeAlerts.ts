import type { Alert, AlertsResult } from '../api';
import { compareAlerts } from './toAlerts';

/** The alerts that one of an entity's instances has, or why they are not known. */
export type InstanceAlerts = { instance: string } & (
  | { result: AlertsResult; error?: undefined }
  | { result?: undefined; error: Error }
);

/**
 * The alerts of several instances as one list, each with the name of its instance. What one of them
 * does not answer is a warning: the others are shown all the same.
 *
 * @throws the first error where no instance answered
 */
export function mergeAlerts(parts: InstanceAlerts[]): AlertsResult {
  const known = parts.flatMap(({ instance, result }) =>
    result ? [{ instance, result }] : [],
  );
  const [failed] = parts.flatMap(({ error }) => (error ? [error] : []));
  if (known.length === 0 && failed) {
    throw failed;
  }
  const cut = known.filter(({ result }) => result.truncated);
  const alerts = known.flatMap(({ instance, result }) =>
    result.alerts.map(alert => onInstance(alert, instance, result.uiUrl)),
  );
  return {
    uiUrl: known[0]?.result.uiUrl,
    alerts: alerts.sort(compareAlerts),
    warnings: parts.flatMap(warningsOf),
    ...(failed ? {} : namesWithout(known.map(({ result }) => result))),
    ...(cut.length > 0 && {
      truncated: {
        shown: alerts.length,
        received: known.reduce(
          (sum, { result }) =>
            sum + (result.truncated?.received ?? result.alerts.length),
          0,
        ),
      },
    }),
  };
}

/** The names that no instance found an alert for: one that did not answer may have one. */
function namesWithout(
  results: AlertsResult[],
): Pick<AlertsResult, 'missing' | 'mismatched'> {
  const [first, ...others] = results.map(
    ({ missing = [], mismatched = [] }) => [...missing, ...mismatched],
  );
  const without = (first ?? []).filter(name =>
    others.every(names => names.includes(name)),
  );
  const mismatched = without.filter(name =>
    results.some(result => result.mismatched?.includes(name)),
  );
  const missing = without.filter(name => !mismatched.includes(name));
  return {
    ...(missing.length > 0 && { missing }),
    ...(mismatched.length > 0 && { mismatched }),
  };
}

/** One that several results were merged into already says its instance itself. */
function onInstance(alert: Alert, instance: string, uiUrl?: string): Alert {
  return { instance, uiUrl, ...alert };
}

function warningsOf({ instance, result, error }: InstanceAlerts): string[] {
  return result
    ? result.warnings.map(warning => `${instance}: ${warning}`)
    : [`The alerts of "${instance}" are not known: ${error.message}`];
}
