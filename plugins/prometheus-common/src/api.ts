// What the backend answers. Errors are those of `@backstage/errors`: `{ error: { name, message },
// request, response }`.
import type { AnnotationProblem } from './annotations/AnnotationError';
import type { NonFinite, NonFiniteValue } from './nonFinite';
import type { PanelOptions } from './panels/PanelOptions';
import type { Intervals } from './promql/intervals';
import type { Unit } from './units/Unit';

/** A graph that an entity has. */
export interface PanelSummary extends PanelOptions {
  /** Names the panel in requests, within its entity. */
  id: string;
  title: string;
  /** As its author wrote it, with variables filled in. */
  query: string;
  /** The instance that it asks, where the entity has several. */
  instance?: string;
  /** Of that instance's own web page. */
  uiUrl?: string;
}

/** All graphs of an entity. */
export interface EntityPanels {
  /** The name of the Prometheus instance that serves the entity; of several, the first. */
  instance: string;
  /** Of the instance's own web page. */
  uiUrl?: string;
  /** Where a trace is shown: `https://traces.example/trace/{{trace_id}}`, by the labels of an exemplar. */
  traceUrl?: string;
  panels: PanelSummary[];
  /** What could not be read of the entity's annotations; other panels are there all the same. */
  problems: AnnotationProblem[];
}

/** One line of a graph. */
export interface RangeSeries {
  labels: Record<string, string>;
  /** One for each timestamp; `null` is a gap: no sample, staleness, or what `nonFinite` has. */
  values: (number | null)[];
  /** Where the value is NaN or an infinity, if it is anywhere. */
  nonFinite?: NonFinite;
}

/** That an answer had more series than are shown. */
export interface Truncated {
  shown: number;
  /** How many were received. Of series no more are than tell that there are more. */
  received: number;
}

/** The series of a range, column by column: they all share the timestamps. */
export interface RangeResult {
  /** Seconds since 1970, a multiple of `step`. */
  start: number;
  /** Seconds since 1970, a multiple of `step`. */
  end: number;
  /** Seconds. */
  step: number;
  /** What `$__interval` and the like of the query stood for, if it has any. */
  intervals?: Intervals;
  /** Seconds since 1970: `start`, `start + step`, … `end`. */
  timestamps: number[];
  series: RangeSeries[];
  /** What the server knows of the query's metric, where the panel has no unit. */
  unit?: Unit;
  /** Prometheus' warnings: the answer may be incomplete or wrong. */
  warnings: string[];
  /** Prometheus' notes on the query. */
  infos: string[];
  truncated?: Truncated;
  /** Which series were kept of more: those that add up to most, or those that the server sent first. */
  kept?: 'largest' | 'first';
}

/** A trace or the like that stands for a sample. */
export interface Exemplar {
  /** Its own, such as `trace_id`. */
  labels: Record<string, string>;
  /** `null` for NaN and infinities. */
  value: number | null;
  /** Seconds since 1970. */
  timestamp: number;
}

/** Exemplars of one series. */
export interface ExemplarSeries {
  labels: Record<string, string>;
  exemplars: Exemplar[];
}

export interface InstantSample {
  labels: Record<string, string>;
  /** `null` for NaN and infinities. */
  value: number | null;
  /** Seconds since 1970. */
  timestamp: number;
}

/** The values of one moment. A scalar is one sample without labels. */
export interface InstantResult {
  samples: InstantSample[];
  warnings: string[];
  infos: string[];
  truncated?: Truncated;
}

/**
 * `unknown` is whatever is not known to be one of the others: a rule that could not be evaluated or
 * was not yet, and a state that only its server has.
 */
export type AlertState = 'inactive' | 'pending' | 'firing' | 'unknown';

/** An alert of a rule, or a rule that has none at the moment. */
export interface Alert {
  name: string;
  /** Names its rule in requests, within its entity; alerts of one rule have the same. */
  ruleId?: string;
  state: AlertState;
  /** Missing while inactive, and for NaN and infinities. */
  value?: number;
  /** Which of those it is. */
  nonFiniteValue?: NonFiniteValue;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Since when it is pending or firing, in ISO 8601. */
  activeAt?: string;
  /** When its rule was last evaluated, in ISO 8601. */
  lastEvaluation?: string;
  /**
   * That its rule should have been evaluated many times since: it is `unknown` then, unless it fired.
   */
  isStalled?: boolean;
  /** Seconds from one evaluation of a rule that is stalled to the next. */
  interval?: number;
  /** The rule's `for`, in seconds. */
  duration?: number;
  /** The rule's expression. */
  query?: string;
  /** The same, by the name that the plugin which this replaces had for it. */
  expr?: string;
  /** The instance that it is of, where the entity has several. */
  instance?: string;
  /** Of that instance's own web page. */
  uiUrl?: string;
  /** The annotation `runbook_url`, if it is an HTTP address. */
  runbookUrl?: string;
  /** Known only where an Alertmanager is configured. */
  silenced?: boolean;
  /** Who silenced it, as far as the Alertmanager says. */
  silences?: AlertSilence[];
  /** How the rule's last evaluation went: `ok`, `err`, `unknown`, or what else the server says. */
  health?: string;
  /** The server's own word for a state that is unknown. */
  reportedState?: string;
  /** Why the rule could not be evaluated. */
  lastError?: string;
}

/** A silence of an Alertmanager. */
export interface AlertSilence {
  createdBy: string;
  comment: string;
  /** In ISO 8601. */
  endsAt: string;
}

export interface AlertsResult {
  /** Of the instance's own web page. */
  uiUrl?: string;
  /** Firing first, then unknown, then pending, then inactive; each by name. */
  alerts: Alert[];
  /** Names that were asked for and that no alerting rule has. */
  missing?: string[];
  /** Names that were asked for, and whose rules have other labels than were asked for. */
  mismatched?: string[];
  warnings: string[];
  truncated?: Truncated;
}
