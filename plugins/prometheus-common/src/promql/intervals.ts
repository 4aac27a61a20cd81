import type { TimeRange } from '../range';

// Grafana's variables of a graph's range and step,
// https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/

/** Seconds between scrapes where nobody says it; Grafana takes the same. */
export const DEFAULT_SCRAPE_INTERVAL = 15;

/** What the variables of a query stand for, in seconds. */
export interface Intervals {
  /** `$__interval`: the step. */
  interval: number;
  /** `$__rate_interval`: enough for a rate to look at all samples, and at four at the least. */
  rateInterval: number;
  /** `$__range`: from the graph's start to its end. */
  range: number;
}

const NAMES: Record<string, keyof Intervals> = {
  interval: 'interval',
  rate_interval: 'rateInterval',
  range: 'range',
};

/** `$__interval` or `${__interval}`; with `_s` and `_ms` a number, and without a duration. */
const VARIABLE =
  /\$(?:__(interval|rate_interval|range)(_m?s)?\b|\{__(interval|rate_interval|range)(_m?s)?\})/g;

/** All of them, for errors. */
export const INTERVAL_VARIABLES = Object.keys(NAMES).map(name => `$__${name}`);

export interface IntervalsOptions extends TimeRange {
  /** Seconds. */
  step: number;
  /** Seconds. Defaults to {@link DEFAULT_SCRAPE_INTERVAL}. */
  scrapeInterval?: number;
}

/** What the variables stand for, as Grafana defines them. */
export function intervalsOf({
  start,
  end,
  step,
  scrapeInterval = DEFAULT_SCRAPE_INTERVAL,
}: IntervalsOptions): Intervals {
  return {
    interval: step,
    rateInterval: Math.max(step + scrapeInterval, 4 * scrapeInterval),
    range: Math.round(end - start),
  };
}

/** Whether a query has any of the variables. */
export function usesIntervals(query: string): boolean {
  return query.search(VARIABLE) !== -1;
}

/** Puts durations and numbers in the place of `$__interval`, `$__rate_interval` and `$__range`. */
export function fillIntervals(query: string, intervals: Intervals): string {
  return replace(query, (name, form) => {
    const milliseconds = Math.round(intervals[NAMES[name]] * 1000);
    switch (form) {
      case '_ms':
        return String(milliseconds);
      case '_s':
        return String(milliseconds / 1000);
      default:
        return milliseconds % 1000 === 0
          ? `${milliseconds / 1000}s`
          : `${milliseconds}ms`;
    }
  });
}

/** A query that parses, with everything at its place: what stands for the variables is as long. */
export function maskIntervals(query: string): string {
  return replace(query, (_, form, written) => {
    const text = form ? '1' : '1s';
    return text.padStart(written.length, '0');
  });
}

function replace(
  query: string,
  toText: (name: string, form: string | undefined, written: string) => string,
): string {
  return query.replace(
    VARIABLE,
    (
      written: string,
      plain: string | undefined,
      plainForm: string | undefined,
      braced: string,
      bracedForm: string | undefined,
    ) => toText(plain ?? braced, plainForm ?? bracedForm, written),
  );
}
