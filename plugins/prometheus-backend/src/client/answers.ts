import type {
  AlignedRange,
  InstantResult,
  InstantSample,
  NonFinite,
  RangeResult,
  RangeSeries,
  Truncated,
} from '@nativestage/backstage-plugin-prometheus-common';
import { timestampsOf } from '@nativestage/backstage-plugin-prometheus-common';
import { InputError } from '@backstage/errors';
import { z } from 'zod';
import type { Scanned } from './RangeScanner';
import { LIMIT_WARNING, type ServerTexts } from './ServerTexts';

/** Says which of a server's notes may be shown, and how. */
type Notes = Pick<ServerTexts, 'notes'>;

/** Notes of one answer. */
const MAX_NOTES = 100;

const labels = z.record(z.string(), z.string());
const texts = z
  .array(z.string())
  .nullish()
  .transform(list => (list ?? []).slice(0, MAX_NOTES));
const sample = z.tuple([z.number(), z.coerce.string()]);

/** What every answer to a query has; Thanos and VictoriaMetrics leave parts of it out. */
const envelope = z.object({
  warnings: texts,
  infos: texts,
  /** VictoriaMetrics' cluster: some of its storage did not answer. */
  isPartial: z.boolean().optional(),
});

type Envelope = z.infer<typeof envelope>;
type Noted = Pick<Envelope, 'warnings' | 'infos'>;

const rangeAnswer = envelope.extend({
  data: z.object({
    resultType: z.literal('matrix'),
    result: z
      .array(
        z.object({
          metric: labels,
          values: z.number().optional(),
          histograms: z.unknown().optional(),
        }),
      )
      .nullable(),
  }),
});

const instantAnswer = envelope.extend({
  data: z.discriminatedUnion('resultType', [
    z.object({
      resultType: z.literal('vector'),
      result: z
        .array(z.object({ metric: labels, value: sample.optional() }))
        .nullable(),
    }),
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({ resultType: z.literal('string'), result: z.unknown() }),
    z.object({ resultType: z.literal('matrix'), result: z.unknown() }),
  ]),
});

/** @throws ZodError for an answer of another shape */
export function toRangeResult(
  { skeleton, columns, nonFinite, isCut }: Scanned,
  range: AlignedRange,
  toNotes: (notes: Envelope) => Noted,
): RangeResult {
  const answer = rangeAnswer.parse(skeleton);
  const found = answer.data.result ?? [];
  const drawn = found.flatMap(({ metric, values }) =>
    values === undefined || values >= columns.length
      ? []
      : [toSeries(metric, columns[values], nonFinite[values])],
  );
  const histograms = found.filter(
    ({ histograms: own }) => own !== undefined,
  ).length;
  const { start, end, step } = range;
  return {
    start,
    end,
    step,
    timestamps: timestampsOf(range),
    series: drawn,
    ...notes(
      toNotes(answer),
      answer,
      histograms,
      truncation(drawn.length, isCut),
    ),
  };
}

/**
 * @param isCut - whether there were more samples
 * @throws ZodError for an answer of another shape
 * @throws InputError for a query whose answer is a range or a string
 */
export function toInstantResult(
  json: unknown,
  isCut: boolean,
  toNotes: (notes: Envelope) => Noted,
): InstantResult {
  const answer = instantAnswer.parse(json);
  const { data } = answer;
  if (data.resultType === 'matrix' || data.resultType === 'string') {
    throw new InputError(
      `The query gives a ${data.resultType}, and a vector or a scalar was expected`,
    );
  }
  const found =
    data.resultType === 'scalar'
      ? [{ metric: {}, value: data.result }]
      : (data.result ?? []);
  const samples = found.flatMap(({ metric, value }) =>
    value === undefined ? [] : [toSample(metric, value)],
  );
  return {
    samples,
    ...notes(
      toNotes(answer),
      answer,
      found.length - samples.length,
      truncation(samples.length, isCut),
    ),
  };
}

/** What of an answer's notes may be shown. */
export function noted(
  texts: Notes,
  title: string,
  query: string,
): (notes: Envelope) => Noted {
  return ({ warnings, infos }) => ({
    warnings: texts.notes(
      title,
      warnings,
      query,
      'The server gave a warning that is not about the query itself, and the answer may be incomplete; the backend’s log has it',
    ),
    infos: texts.notes(
      title,
      infos,
      query,
      'The server gave a note that is not about the query itself; the backend’s log has it',
    ),
  });
}

function toSeries(
  metric: Record<string, string>,
  values: (number | null)[],
  nonFinite?: NonFinite,
): RangeSeries {
  return { labels: metric, values, ...(nonFinite && { nonFinite }) };
}

function toSample(
  metric: Record<string, string>,
  [timestamp, text]: [number, string],
): InstantSample {
  const value = Number(text);
  return {
    labels: metric,
    value: Number.isFinite(value) ? value : null,
    timestamp,
  };
}

/** What is more was not read, so nobody knows how many there are. */
function truncation(shown: number, isCut: boolean): Truncated | undefined {
  return isCut ? { shown, received: shown + 1 } : undefined;
}

function notes(
  { warnings, infos }: Noted,
  { isPartial }: Envelope,
  histograms: number,
  truncated: Truncated | undefined,
): Noted & { truncated?: Truncated } {
  return {
    warnings: [
      ...warnings.filter(text => !truncated || text !== LIMIT_WARNING),
      ...(isPartial
        ? ['The answer is partial: some of the storage did not answer']
        : []),
    ],
    infos: [
      ...infos,
      ...(histograms > 0
        ? [
            `${histograms} series are native histograms, which cannot be drawn as they are; histogram_quantile() and histogram_avg() give values of them`,
          ]
        : []),
    ],
    ...(truncated && { truncated }),
  };
}
