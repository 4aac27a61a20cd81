import { AnswerError } from '../AnswerError';

/** An alert of a rule, as `/api/v1/rules` has it. */
export interface ActiveAlert {
  /** `firing` or `pending`, and whatever else a server knows. */
  state: string;
  value?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  activeAt?: string;
}

/** A rule, as `/api/v1/rules` has it. */
export interface Rule {
  name: string;
  /** `alerting` or `recording`; some servers leave it out. */
  type?: string;
  query?: string;
  /** Seconds. */
  duration?: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Of all its alerts together, where a server says it: the worst. */
  state?: string;
  /** `ok`, `err`, `unknown`, and whatever else a server knows. */
  health?: string;
  lastEvaluation?: string;
  /** `false` where the server says that there was no evaluation yet. */
  isEvaluated?: boolean;
  lastError?: string;
  alerts: ActiveAlert[];
}

/** A group of rules as `/api/v1/rules` has it, whichever server wrote it. */
export interface RuleGroup {
  name: string;
  /** Where the server has it from; a namespace with some. */
  file?: string;
  /** Seconds from one evaluation to the next. */
  interval?: number;
  rules: Rule[];
}

type Json = Record<string, unknown>;

/** Warnings of one answer. */
const MAX_WARNINGS = 100;

/** Go's zero time, for what has not happened. */
const NEVER = /^0001-/;

/**
 * Reads an answer of `/api/v1/rules`. VictoriaMetrics leaves lists out, or says `null`, where they
 * are empty; what a rule has to have is its name.
 *
 * @param read - reads a rule; `at` is its place, for errors
 * @throws AnswerError for an answer of another shape, naming the place
 */
export function toRuleGroups(
  answer: unknown,
  read: (rule: unknown, at: string) => Rule = toRule,
): RuleGroup[] {
  const data = object(answer, 'the answer').data ?? {};
  const { groups } = object(data, 'data');
  return list(groups, 'data.groups').map((each, index) => {
    const at = `data.groups[${index}]`;
    const { name, file, interval, rules } = object(each, at);
    return {
      name: text(name, `${at}.name`),
      file: optionalText(file),
      interval:
        typeof interval === 'number' && interval > 0 ? interval : undefined,
      rules: list(rules, `${at}.rules`).map((rule, nth) =>
        read(rule, `${at}.rules[${nth}]`),
      ),
    };
  });
}

/**
 * What an answer of `/api/v1/rules` warns of: Thanos' says there which of its rulers did not answer.
 *
 * @throws AnswerError for an answer of another shape
 */
export function toRuleWarnings(answer: unknown): string[] {
  const { warnings } = object(answer, 'the answer');
  return list(warnings, 'warnings')
    .slice(0, MAX_WARNINGS)
    .map((warning, index) => text(warning, `warnings[${index}]`));
}

/**
 * Reads one rule of an answer of `/api/v1/rules`.
 *
 * @param at - where it is, for errors
 * @throws AnswerError for a rule of another shape
 */
export function toRule(json: unknown, at = 'the rule'): Rule {
  const rule = object(json, at);
  return {
    name: text(rule.name, `${at}.name`),
    type: optionalText(rule.type),
    query: optionalText(rule.query),
    duration: typeof rule.duration === 'number' ? rule.duration : undefined,
    labels: texts(rule.labels, `${at}.labels`),
    annotations: texts(rule.annotations, `${at}.annotations`),
    state: optionalText(rule.state),
    health: optionalText(rule.health),
    lastEvaluation: time(rule.lastEvaluation),
    ...(isNever(rule.lastEvaluation) && { isEvaluated: false }),
    lastError: optionalText(rule.lastError),
    alerts: list(rule.alerts, `${at}.alerts`).map((alert, nth) =>
      toActiveAlert(alert, `${at}.alerts[${nth}]`),
    ),
  };
}

function toActiveAlert(json: unknown, at: string): ActiveAlert {
  const alert = object(json, at);
  const { value } = alert;
  return {
    state: text(alert.state, `${at}.state`),
    value: typeof value === 'number' ? String(value) : optionalText(value),
    labels: texts(alert.labels, `${at}.labels`),
    annotations: texts(alert.annotations, `${at}.annotations`),
    activeAt: time(alert.activeAt),
  };
}

function object(json: unknown, at: string): Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? (json as Json)
    : fail(at, 'an object', json);
}

function list(json: unknown, at: string): unknown[] {
  return Array.isArray(json ?? [])
    ? ((json ?? []) as unknown[])
    : fail(at, 'a list', json);
}

function texts(json: unknown, at: string): Record<string, string> {
  const entries = Object.entries(object(json ?? {}, at));
  for (const [key, value] of entries) {
    text(value, `${at}.${key}`);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function text(json: unknown, at: string): string {
  return typeof json === 'string' ? json : fail(at, 'a text', json);
}

function optionalText(json: unknown): string | undefined {
  return typeof json === 'string' ? json : undefined;
}

function time(json: unknown): string | undefined {
  return isNever(json) ? undefined : optionalText(json);
}

function isNever(json: unknown): boolean {
  return NEVER.test(optionalText(json) ?? '');
}

function fail(at: string, expected: string, found: unknown): never {
  throw new AnswerError(
    `${at} has to be ${expected}, found ${JSON.stringify(found)?.slice(0, 40)}`,
  );
}
