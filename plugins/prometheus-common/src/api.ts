// What the backend answers. Errors are those of `@backstage/errors`: `{ error: { name, message },
// request, response }`.
import type { AnnotationProblem } from './annotations/AnnotationError';
import type { PanelOptions } from './panels/PanelOptions';

/** A graph that an entity has. */
export interface PanelSummary extends PanelOptions {
  /** Names the panel in requests, within its entity. */
  id: string;
  title: string;
  /** As its author wrote it, with variables filled in. */
  query: string;
}

/** All graphs of an entity. */
export interface EntityPanels {
  /** The name of the Prometheus instance that serves the entity. */
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
  /** One for each timestamp; `null` is a gap: no sample, staleness, NaN or an infinity. */
  values: (number | null)[];
}

/** That an answer had more series than are shown. */
export interface Truncated {
  shown: number;
  /** How many the server sent; it may have had more still. */
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
  /** Seconds since 1970: `start`, `start + step`, … `end`. */
  timestamps: number[];
  series: RangeSeries[];
  /** Prometheus' warnings: the answer may be incomplete or wrong. */
  warnings: string[];
  /** Prometheus' notes on the query. */
  infos: string[];
  truncated?: Truncated;
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

export type AlertState = 'inactive' | 'pending' | 'firing';

/** An alert of a rule, or a rule that has none at the moment. */
export interface Alert {
  name: string;
  state: AlertState;
  /** Missing while inactive, and for NaN and infinities. */
  value?: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Since when it is pending or firing, in ISO 8601. */
  activeAt?: string;
  /** When its rule was last evaluated, in ISO 8601. */
  lastEvaluation?: string;
  /** The rule's `for`, in seconds. */
  duration?: number;
  /** The rule's expression. */
  query?: string;
  /** The annotation `runbook_url`, if it is an HTTP address. */
  runbookUrl?: string;
  /** Known only where an Alertmanager is configured. */
  silenced?: boolean;
  /** Why the rule could not be evaluated. */
  lastError?: string;
}

export interface AlertsResult {
  /** Of the instance's own web page. */
  uiUrl?: string;
  /** Firing first, then pending, then inactive; each by name. */
  alerts: Alert[];
  warnings: string[];
  truncated?: Truncated;
}
