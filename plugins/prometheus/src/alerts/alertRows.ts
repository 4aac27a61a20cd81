import {
  type Alert,
  ALERT_STATES,
  type AlertState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { severityRank } from './severity';
import { searchAlerts } from './searchAlerts';

export interface AlertSort {
  /** A key of {@link Alert}, or a path into one such as `labels.team`. */
  by: string;
  direction: 'asc' | 'desc';
}

export interface RowsOptions {
  /** As {@link searchAlerts} reads it. */
  search: string;
  showInactive: boolean;
  sort: AlertSort;
}

/** An alert in the table. */
export interface Row {
  /** Stays the same when the alerts are asked for again. */
  key: string;
  alert: Alert;
}

/** The alerts that are shown, in the order of the table. */
export function alertRows(alerts: Alert[], options: RowsOptions): Row[] {
  const { search, showInactive, sort } = options;
  const isFound = searchAlerts(alerts, search);
  const shown = alerts.filter(
    alert => (showInactive || alert.state !== 'inactive') && isFound(alert),
  );
  return withKeys(shown.sort((a, b) => compare(a, b, sort)));
}

/** How many alerts have each state. */
export function countStates(alerts: Alert[]): Record<AlertState, number> {
  const counts = { firing: 0, unknown: 0, pending: 0, inactive: 0 };
  for (const { state } of alerts) {
    counts[state] += 1;
  }
  return counts;
}

/** `2 firing, 1 pending`; states without alerts are left out. */
export function summaryOf(alerts: Alert[]): string {
  const counts = countStates(alerts);
  return ALERT_STATES.filter(state => counts[state] > 0)
    .map(state => `${counts[state]} ${state}`)
    .join(', ');
}

/** What of an alert is under a path such as `labels.team`. */
export function valueAt(alert: Alert, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      alert,
    );
}

/** Any value of an alert, for a cell. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Labels that tell alerts apart; their name has a place of its own. */
export function shownLabels({
  labels,
}: Alert): [label: string, value: string][] {
  return Object.entries(labels)
    .filter(([label]) => label !== 'alertname')
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** The severity is what people look for first. */
function rank(label: string): number {
  return label === 'severity' ? 0 : 1;
}

function compare(a: Alert, b: Alert, { by, direction }: AlertSort): number {
  const factor = direction === 'asc' ? 1 : -1;
  const order =
    by === 'state'
      ? urgency(a) - urgency(b) || severityRank(a) - severityRank(b)
      : compareValues(valueAt(a, by), valueAt(b, by), factor);
  return (
    factor * order ||
    urgency(a) - urgency(b) ||
    severityRank(a) - severityRank(b) ||
    compareValues(a.name, b.name, 1)
  );
}

/** A silenced alert is less of a worry than any other of its state. */
function urgency({ state, silenced }: Alert): number {
  return ALERT_STATES.indexOf(state) + (silenced ? 0.5 : 0);
}

/** What is missing comes last in both directions. */
function compareValues(a: unknown, b: unknown, factor: number): number {
  if (a === undefined || b === undefined) {
    return factor * (Number(a === undefined) - Number(b === undefined));
  }
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : toText(a).localeCompare(toText(b), 'en', { numeric: true });
}

function withKeys(alerts: Alert[]): Row[] {
  const seen = new Map<string, number>();
  return alerts.map(alert => {
    const key = JSON.stringify([
      alert.instance,
      alert.name,
      Object.entries(alert.labels),
    ]);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return { key: `${key} ${count}`, alert };
  });
}
