import {
  addNonFinite,
  type AlignedRange,
  AnswerError,
  countPoints,
  type NonFinite,
  parseSample,
  type RangeResult,
  type RangeSeries,
  timestampsOf,
} from '@nativestage/backstage-plugin-prometheus-common';

/** What Prometheus sends for a range; other servers leave parts of it out. */
interface RangeAnswer {
  data?: {
    resultType?: string;
    result?: MatrixSeries[] | null;
  } | null;
  warnings?: string[] | null;
  infos?: string[] | null;
  /** VictoriaMetrics' cluster: some of its storage did not answer. */
  isPartial?: boolean;
}

interface MatrixSeries {
  metric?: Record<string, string>;
  values?: [timestamp: number, value: string][];
  /** Native histograms, which have no one value. */
  histograms?: unknown[];
}

/** Prometheus' own note on `limit`, which `truncated` says better. */
const LIMIT_WARNING = 'results truncated due to limit';

/**
 * The columns of an answer to `query_range`.
 *
 * @param maxSeries - what is more is left out, and the result says so
 * @throws AnswerError for an answer of another shape
 */
export function toRangeResult(
  json: unknown,
  range: AlignedRange,
  maxSeries: number,
): RangeResult {
  const answer = json as RangeAnswer;
  const found = answer.data?.result ?? [];
  if (answer.data?.resultType !== 'matrix' || !Array.isArray(found)) {
    throw new AnswerError(
      `A matrix was expected of query_range, found ${String(answer.data?.resultType)}`,
    );
  }
  const drawable = found.filter(({ values }) => values !== undefined);
  const shown = drawable.slice(0, maxSeries);
  const isTruncated = shown.length < drawable.length;
  const { start, end, step } = range;
  return {
    start,
    end,
    step,
    timestamps: timestampsOf(range),
    series: shown.map(series => toSeries(series, range)),
    warnings: warningsOf(answer, isTruncated),
    infos: infosOf(answer, found.length - drawable.length),
    ...(isTruncated && {
      truncated: { shown: shown.length, received: drawable.length },
    }),
  };
}

function toSeries(
  { metric, values: samples }: MatrixSeries,
  range: AlignedRange,
): RangeSeries {
  let nonFinite: NonFinite | undefined;
  const values = new Array<number | null>(countPoints(range)).fill(null);
  for (const [timestamp, text] of samples ?? []) {
    const index = Math.round((timestamp - range.start) / range.step);
    const value = parseSample(text);
    if (!(index >= 0 && index < values.length)) {
      continue;
    }
    if (Number.isFinite(value)) {
      values[index] = value;
    } else {
      nonFinite = addNonFinite(nonFinite, value, index);
    }
  }
  return { labels: metric ?? {}, values, ...(nonFinite && { nonFinite }) };
}

function warningsOf(answer: RangeAnswer, isTruncated: boolean): string[] {
  return [
    ...(answer.warnings ?? []).filter(
      text => !isTruncated || text !== LIMIT_WARNING,
    ),
    ...(answer.isPartial
      ? ['The answer is partial: some of the storage did not answer']
      : []),
  ];
}

function infosOf({ infos }: RangeAnswer, histograms: number): string[] {
  return [
    ...(infos ?? []),
    ...(histograms > 0
      ? [
          `${histograms} series are native histograms, which cannot be drawn as they are; histogram_quantile() and histogram_avg() give values of them`,
        ]
      : []),
  ];
}
