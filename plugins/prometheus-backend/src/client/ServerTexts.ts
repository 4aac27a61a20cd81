import type { LoggerService } from '@backstage/backend-plugin-api';
import type { PrometheusInstance } from './PrometheusInstance';
import { Redactor } from './Redactor';

/** UTF-16 code units of a server's text that are passed on. */
const MAX_TEXT = 1000;

/** Of a longer one nothing is passed on: no query's error takes that much. */
const MAX_READ = 65_536;

/** Milliseconds in which a text is logged once, and texts that are remembered for that. */
const LOG_PAUSE = 60_000;
const MAX_LOGGED = 100;

/** An error of Prometheus' API, https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview. */
export interface ApiError {
  errorType: string;
  error: string;
}

/** What Prometheus calls errors of queries, and VictoriaMetrics, which says the status again. */
const QUERY_ERRORS = ['bad_data', 'execution', '400', '422'];

/** How notes begin that Prometheus' engine makes, in whichever server it runs. */
const ENGINE = /^PromQL (?:info|warning): /;

/** Prometheus' own note on `limit`, which `truncated` says better. */
export const LIMIT_WARNING = 'results truncated due to limit';

/** What errors of evaluating an expression begin with, or say, in Prometheus and VictoriaMetrics. */
const EVALUATION =
  /parse error|invalid (?:parameter|expression|destination label|regular expression|label)|duplicate (?:series|time series)|many-to-many|many-to-one|one-to-many|multiple matches for labels|same labelset|grouping labels must ensure unique matches|query (?:timed out|was canceled|processing would load too many samples)|exceeded (?:limit|maximum)|must be|expected type|cannot (?:compile regex|evaluate|parse)|error (?:executing template|parsing regexp)|too many (?:points|samples|series)/i;

/** The labels of a series, which are what a query finds. */
const LABELS =
  /\{(?:\s*(?:[\w.:]+|"[^"\\]*")[=!]~?"(?:[^"\\]|\\[^])*",?)*\s*\}/g;

/** What tells where servers are or with what they were asked; not in errors of queries. */
const INTERNAL = [
  /\b[a-z][a-z0-9+.-]*:\/\/(?!(?:[\w-]+\.)*(?:prometheus\.io|thanos\.io|grafana\.com|victoriametrics\.com|github\.com)(?![\w.@:-]))\S+/gi,
  /\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?/g,
  /(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?|::[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})(?![\w:])/gi,
  /\b(?=[\w.-]{0,255}[a-z])[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}:\d{2,5}\b/gi,
  /\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.(?:svc|local|localdomain|internal|intranet|lan|corp|consul)\b(?:\.[\w.-]{1,255})?/gi,
  /\b(?:(?:dial|read|write) (?:tcp|udp|unix)|i\/o timeout|lookup \S+|no such host|connection (?:refused|reset)|rpc error|x509:|tls:|remote ?addr\w*|request ?uri)/gi,
  /\b(?:authorization|(?:set-)?cookie|x-scope-orgid|x-api-key)\b|\b(?:bearer|basic) [\w+/=.~-]{6,}/gi,
  /(?<![\w/.)\]}])~?\/(?:[\w.@-]{1,255}\/)+[\w.@-]*|\b[a-z]:\\[\w\\.-]+/gi,
];

/**
 * What of a server's texts may be shown. That is errors and notes of a query, which name nothing
 * but what its author wrote and may see; where a proxy, a storage or a file speaks, the log has the
 * text, without secrets, and the page a sentence of ours.
 */
export class ServerTexts {
  private readonly redactor: Redactor;
  /** When texts were logged, in milliseconds since 1970; the oldest first. */
  private readonly logged = new Map<string, number>();

  constructor(
    instance: PrometheusInstance,
    private readonly logger?: Pick<LoggerService, 'warn'>,
  ) {
    const { queries, ruler, alertmanager, uiUrl } = instance;
    this.redactor = new Redactor(
      [queries, ruler, ...(alertmanager ? [alertmanager] : [])],
      uiUrl,
    );
  }

  /**
   * The text of an error that is the query's, or `undefined`, after it was logged.
   *
   * What the query says itself, as it was sent, may be said again.
   */
  queryError({
    title,
    text,
    status,
    query,
  }: {
    title: string;
    text: string;
    status: number;
    query?: string;
  }): string | undefined {
    const answer = toApiError(text);
    const shown =
      answer && (status === 400 || status === 422)
        ? this.ofQuery(answer, query)
        : undefined;
    if (shown === undefined && text.trim() !== '') {
      this.log(title, `answered HTTP ${status}`, text);
    }
    return shown;
  }

  /** The warnings or notes of an answer; those that are not shown are one of ours. */
  notes(title: string, texts: string[], query: string, ours: string): string[] {
    const shown = texts.flatMap(text => {
      const isKnown = ENGINE.test(text) || text === LIMIT_WARNING;
      const note = isKnown ? this.shown(text, query) : undefined;
      if (note === undefined) {
        this.log(title, 'noted', text);
        return [];
      }
      return [note];
    });
    return shown.length < texts.length ? [...shown, ours] : shown;
  }

  /** Why a rule could not be evaluated. */
  ruleError(title: string, text: string, query = ''): string {
    // vmalert passes on the whole answer of the server that it asked.
    const answer = toApiError(/ Response body (\{[^]*)$/.exec(text)?.[1] ?? '');
    const shown = answer
      ? this.ofQuery(answer, query)
      : EVALUATION.test(text)
        ? this.shown(text, query)
        : undefined;
    if (shown === undefined) {
      this.log(title, 'could not evaluate a rule', text);
    }
    return (
      shown ?? 'The rule could not be evaluated; the backend’s log says why'
    );
  }

  /** The warnings of an answer about rules: who did not answer is said to the log. */
  ruleWarnings(title: string, texts: string[]): string[] {
    texts.forEach(text => this.log(title, 'warned of its rules', text));
    return texts.length > 0
      ? [
          `The ${title} gave a warning about its rules, and some may be missing; the backend’s log has it`,
        ]
      : [];
  }

  /** What people wrote into a rule. */
  annotation(text: string): string {
    return this.redactor.withoutOriginInProse(text);
  }

  /** Logs what is nobody's but the operator's. */
  failure(title: string, what: string, error: unknown): void {
    this.log(title, what, String(error));
  }

  private ofQuery(answer: ApiError, query?: string): string | undefined {
    return QUERY_ERRORS.includes(answer.errorType)
      ? this.shown(answer.error, query)
      : undefined;
  }

  /** A text of a query, or `undefined` if it is of something else too. */
  private shown(text: string, query?: string): string | undefined {
    if (text.length > MAX_READ) {
      return undefined;
    }
    // Before it is cut, so that no half of a secret is left.
    const clean = clip(this.redactor.withoutOrigin(text));
    return isInternal(clip(text), query) || isInternal(clean, query)
      ? undefined
      : clean;
  }

  private log(title: string, what: string, text: string): void {
    const now = Date.now();
    const line = `The ${title} ${what}: ${JSON.stringify(clip(this.redactor.withoutSecrets(text.slice(0, MAX_READ))))}`;
    const last = this.logged.get(line);
    if (last !== undefined && last <= now && now < last + LOG_PAUSE) {
      return;
    }
    this.logged.delete(line);
    this.logged.set(line, now);
    for (const oldest of this.logged.keys()) {
      if (this.logged.size <= MAX_LOGGED) {
        break;
      }
      this.logged.delete(oldest);
    }
    this.logger?.warn(line);
  }
}

/** The error of an answer, if that is one of Prometheus' API. */
export function toApiError(text: string): ApiError | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy's page.
    return undefined;
  }
  const { status, errorType, error } = (answer ?? {}) as Record<
    string,
    unknown
  >;
  return (status === 'error' || status === undefined) &&
    typeof errorType === 'string' &&
    typeof error === 'string'
    ? { errorType, error }
    : undefined;
}

/** Whether a text says more than its query and the series that this finds. */
function isInternal(text: string, query = ''): boolean {
  const outside = text.replace(LABELS, '{}');
  return INTERNAL.some(pattern =>
    [...outside.matchAll(pattern)].some(([found]) => !query.includes(found)),
  );
}

/** What is wrong may be at either end: VictoriaMetrics repeats the query first. */
function clip(text: string): string {
  const half = MAX_TEXT / 2;
  return text.length > MAX_TEXT
    ? `${text.slice(0, half).replace(/\S{1,500}$/, '')}…${text.slice(-half).replace(/^\S{1,500}/, '')}`
    : text;
}
