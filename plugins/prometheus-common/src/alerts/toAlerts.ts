import type { AlertLabel } from '../annotations/labels';
import type { Alert, AlertState } from '../api';
import type { Rule, RuleGroup } from './RuleGroup';

export interface AlertFilter {
  /** Of the rules. */
  names: 'all' | string[];
  /** That an alert has, all of them. */
  labels?: AlertLabel[];
}

const ORDER: AlertState[] = ['firing', 'pending', 'inactive'];

/**
 * The alerts of alerting rules: those that are pending or firing, and for a rule without any the
 * rule itself as inactive. Firing ones first, then by name.
 */
export function toAlerts(groups: RuleGroup[], filter: AlertFilter): Alert[] {
  const names = filter.names === 'all' ? undefined : new Set(filter.names);
  return groups
    .flatMap(({ rules }) => rules)
    .filter(
      ({ type, name }) =>
        type !== 'recording' && (names === undefined || names.has(name)),
    )
    .flatMap(alertsOf)
    .filter(alert => hasLabels(alert, filter.labels ?? []))
    .sort(compareAlerts);
}

/** The order of alerts: by state, then by name. */
export function compareAlerts(a: Alert, b: Alert): number {
  return (
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}

function alertsOf(rule: Rule): Alert[] {
  const { name, query, duration, lastEvaluation, lastError } = rule;
  const common = {
    name,
    query,
    expr: query,
    duration,
    lastEvaluation,
    ...(lastError && { lastError }),
  };
  const active = rule.alerts.filter(
    ({ state }) => stateOf(state) !== 'inactive',
  );
  if (active.length === 0) {
    return [
      {
        ...common,
        state: 'inactive',
        labels: { alertname: name, ...rule.labels },
        annotations: rule.annotations,
        runbookUrl: runbookOf(rule.annotations),
      },
    ];
  }
  return active.map(({ state, value, activeAt, labels, annotations }) => ({
    ...common,
    state: stateOf(state),
    value: toFinite(value),
    labels,
    annotations,
    activeAt,
    runbookUrl: runbookOf(annotations),
  }));
}

/** vmalert also knows `nomatch`, and a new Prometheus `unknown` before the first evaluation. */
function stateOf(state: string): AlertState {
  return state === 'firing' || state === 'pending' ? state : 'inactive';
}

function toFinite(text: string | undefined): number | undefined {
  const value = text === undefined || text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** A link that a browser may follow; annotations may hold anything, `javascript:` too. */
function runbookOf(annotations: Record<string, string>): string | undefined {
  const text = annotations.runbook_url ?? annotations.runbook ?? '';
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? text : undefined;
}

function hasLabels(alert: Alert, wanted: AlertLabel[]): boolean {
  return wanted.every(
    ({ label, value }) =>
      Object.hasOwn(alert.labels, label) && alert.labels[label] === value,
  );
}
