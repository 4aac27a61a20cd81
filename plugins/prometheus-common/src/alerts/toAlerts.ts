import type { AlertLabel } from '../annotations/labels';
import type { Alert } from '../api';
import { nonFiniteName, parseSample } from '../nonFinite';
import { ALERT_STATES, stateOfQuietRule, toAlertState } from './alertState';
import type { ActiveAlert, Rule, RuleGroup } from './RuleGroup';
import { isStalled, serverTimeOf } from './stalled';

export interface AlertFilter {
  /** Of the rules. */
  names: 'all' | string[];
  /**
   * That an alert has, all of them. A rule without active alerts is there unless its own labels say
   * something else: the series that it reads may have the label.
   */
  labels?: AlertLabel[];
  /** That an alert or a rule has for certain; what has not is as if it did not exist. */
  enforced?: AlertLabel[];
  /** Makes a short text of what tells a rule from all others: {@link Alert.ruleId}. */
  idOf?: (identity: string) => string;
  /** When the server answered by its own clock, in seconds since 1970. */
  answered?: number;
}

export interface FoundAlerts {
  alerts: Alert[];
  /** Names of the filter that no rule has. */
  missing: string[];
  /** Names of the filter whose rules all have other labels. */
  mismatched: string[];
}

/** A label's value that the server makes of each series. */
const TEMPLATE = /\{\{/;

/**
 * The alerts of alerting rules: those that are active, and for a rule without any the rule itself,
 * as inactive or unknown. Firing ones first, then unknown and pending ones; each by name.
 */
export function toAlerts(groups: RuleGroup[], filter: AlertFilter): Alert[] {
  return findAlerts(groups, filter).alerts;
}

/** As {@link toAlerts}, and which names nothing was found for. */
export function findAlerts(
  groups: RuleGroup[],
  { names, labels = [], enforced = [], idOf, answered }: AlertFilter,
): FoundAlerts {
  const wanted = names === 'all' ? undefined : new Set(names);
  const unseen = new Set(wanted);
  const unmatched = new Set<string>();
  const alerts: Alert[] = [];
  const now = serverTimeOf(groups, answered);
  for (const { rule, group } of rulesOf(groups)) {
    if (rule.type === 'recording' || (wanted && !wanted.has(rule.name))) {
      continue;
    }
    const found = alertsOf(rule, labels, enforced);
    if (found.length > 0) {
      const ruleId = idOf?.(identityOf(rule, group));
      const isOld = isStalled(rule, group, now);
      const { interval } = group;
      alerts.push(
        ...found.map(alert => ({
          ...(isOld ? { ...asStalled(alert), interval } : alert),
          ...(ruleId && { ruleId }),
        })),
      );
    }
    if (found.length > 0) {
      unseen.delete(rule.name);
    } else if (alertsOf(rule, [], enforced).length > 0) {
      unmatched.add(rule.name);
    }
  }
  return {
    alerts: alerts.sort(compareAlerts),
    missing: [...unseen].filter(name => !unmatched.has(name)),
    mismatched: [...unseen].filter(name => unmatched.has(name)),
  };
}

/** What fired when somebody looked last may go on; nothing else is known any more. */
function asStalled(alert: Alert): Alert {
  const state = alert.state === 'firing' ? 'firing' : 'unknown';
  return { ...alert, state, isStalled: true };
}

function rulesOf(groups: RuleGroup[]): { rule: Rule; group: RuleGroup }[] {
  return groups.flatMap(group => group.rules.map(rule => ({ rule, group })));
}

/** What a rule is and where it is from; one that changes is another. */
function identityOf(
  { name, query, labels }: Rule,
  { name: group, file }: RuleGroup,
): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([file, group, name, query, sorted]);
}

/** The order of alerts: by state, then by name. */
export function compareAlerts(a: Alert, b: Alert): number {
  return (
    ALERT_STATES.indexOf(a.state) - ALERT_STATES.indexOf(b.state) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}

/** The active alerts of a rule that have the labels, or the rule itself. */
function alertsOf(
  rule: Rule,
  labels: AlertLabel[],
  enforced: AlertLabel[],
): Alert[] {
  const active = rule.alerts.filter(
    alert =>
      toAlertState(alert.state) !== 'inactive' &&
      hasLabels(alert.labels, labels) &&
      hasLabels(alert.labels, enforced),
  );
  if (active.length > 0) {
    return active.map(alert => toActive(rule, alert));
  }
  const own = ownLabels(rule);
  return mayHaveLabels(own, labels) && hasLabels(own, enforced)
    ? [toQuiet(rule)]
    : [];
}

function toActive(rule: Rule, alert: ActiveAlert): Alert {
  const { value, activeAt, labels, annotations } = alert;
  const state = toAlertState(alert.state);
  return {
    ...describe(rule),
    state,
    ...(state === 'unknown' && { reportedState: alert.state }),
    ...valueOf(value),
    labels,
    annotations,
    activeAt,
    runbookUrl: runbookOf(annotations),
  };
}

function toQuiet(rule: Rule): Alert {
  const { annotations } = rule;
  // Its state is that of alerts that other labels have.
  const isOthers = rule.alerts.length > 0;
  const own = isOthers ? { ...rule, state: undefined } : rule;
  const state = stateOfQuietRule(own);
  const isForeign = own.state && toAlertState(own.state) === 'unknown';
  return {
    ...describe(rule),
    state,
    ...(isForeign && { reportedState: own.state }),
    labels: ownLabels(rule),
    annotations,
    runbookUrl: runbookOf(annotations),
  };
}

function describe(rule: Rule) {
  const { name, query, duration, health, lastEvaluation, lastError } = rule;
  return {
    name,
    query,
    expr: query,
    duration,
    lastEvaluation,
    ...(health && { health }),
    ...(lastError && { lastError }),
  };
}

function valueOf(
  text: string | undefined,
): Pick<Alert, 'value' | 'nonFiniteValue'> {
  if (text === undefined || text === '') {
    return { value: undefined };
  }
  const value = parseSample(text);
  const name = nonFiniteName(value);
  return name ? { value: undefined, nonFiniteValue: name } : { value };
}

/** A link that a browser may follow; annotations may hold anything, `javascript:` too. */
function runbookOf(annotations: Record<string, string>): string | undefined {
  const text = annotations.runbook_url ?? annotations.runbook ?? '';
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? text : undefined;
}

function ownLabels({ name, labels }: Rule): Record<string, string> {
  return { alertname: name, ...labels };
}

/** As in PromQL, an empty value is that of a label that is not there. */
function hasLabels(
  labels: Record<string, string>,
  wanted: AlertLabel[],
): boolean {
  return wanted.every(
    ({ label, value }) =>
      (Object.hasOwn(labels, label) ? labels[label] : '') === value,
  );
}

function mayHaveLabels(
  labels: Record<string, string>,
  wanted: AlertLabel[],
): boolean {
  return wanted.every(
    one =>
      !Object.hasOwn(labels, one.label) ||
      TEMPLATE.test(labels[one.label]) ||
      hasLabels(labels, [one]),
  );
}
