import type {
  Alert,
  AlertLabel,
  AlertState,
} from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';
import { publicText } from './upstreamErrors';

/** Go's zero time, for what has not happened. */
const NEVER = /^0001-/;

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform(own => own ?? {});
const time = z
  .string()
  .optional()
  .catch(undefined)
  .transform(text => (text && NEVER.test(text) ? undefined : text));

const activeAlert = z.object({
  state: z.string(),
  value: z.coerce.string().optional(),
  labels,
  annotations: labels,
  activeAt: time,
});

const rule = z.object({
  type: z.string().optional(),
  name: z.string(),
  query: z.string().optional(),
  state: z.string().optional(),
  duration: z.number().optional().catch(undefined),
  labels,
  annotations: labels,
  lastEvaluation: time,
  lastError: z.string().optional().catch(undefined),
  // Missing or null in vmalert's rules that have none.
  alerts: z
    .array(activeAlert)
    .nullish()
    .transform(list => list ?? []),
});

const group = z.object({
  name: z.string(),
  rules: z
    .array(rule)
    .nullish()
    .transform(list => list ?? []),
});

const rulesAnswer = z.object({
  data: z
    .object({
      groups: z
        .array(group)
        .nullish()
        .transform(list => list ?? []),
    })
    .nullish()
    .transform(data => data?.groups ?? []),
});

/** A group of rules as `/api/v1/rules` has it, whichever server wrote it. */
export type RuleGroup = z.infer<typeof group>;

/** @throws ZodError for an answer of another shape */
export function toRuleGroups(json: unknown): RuleGroup[] {
  return rulesAnswer.parse(json).data;
}

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
  return groups
    .flatMap(({ rules }) => rules)
    .filter(
      ({ type, name }) =>
        type !== 'recording' &&
        (filter.names === 'all' || filter.names.includes(name)),
    )
    .flatMap(alertsOf)
    .filter(alert => hasLabels(alert, filter.labels ?? []))
    .sort(
      (a, b) =>
        ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
        (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
    );
}

function alertsOf(own: RuleGroup['rules'][number]): Alert[] {
  const { name, query, duration, lastEvaluation, lastError } = own;
  const common = { name, query, duration, lastEvaluation };
  const withError = {
    ...common,
    ...(lastError && { lastError: publicText(lastError) }),
  };
  const active = own.alerts.filter(
    ({ state }) => stateOf(state) !== 'inactive',
  );
  if (active.length === 0) {
    return [
      {
        ...withError,
        state: 'inactive',
        labels: { alertname: name, ...own.labels },
        annotations: own.annotations,
        runbookUrl: runbookOf(own.annotations),
      },
    ];
  }
  return active.map(({ state, value, activeAt, ...alert }) => ({
    ...withError,
    state: stateOf(state),
    value: toFinite(value),
    labels: alert.labels,
    annotations: alert.annotations,
    activeAt,
    runbookUrl: runbookOf(alert.annotations),
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
