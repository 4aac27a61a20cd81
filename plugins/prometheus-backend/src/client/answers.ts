import type {
  AlignedRange,
  InstantResult,
  InstantSample,
  RangeResult,
  Truncated,
} from '@nativestage/backstage-plugin-prometheus-common';
import { timestampsOf } from '@nativestage/backstage-plugin-prometheus-common';
import { InputError } from '@backstage/errors';
import { z } from 'zod';
import type { Scanned } from './RangeScanner';
import { publicText } from './upstreamErrors';

/** Prometheus' own note on `limit`, which `truncated` says better. */
const LIMIT_WARNING = 'results truncated due to limit';

const labels = z.record(z.string(), z.string());
const texts = z
  .array(z.string())
  .nullish()
  .transform(list => (list ?? []).map(text => publicText(text)));
const sample = z.tuple([z.number(), z.coerce.string()]);

/** What every answer to a query has; Thanos and VictoriaMetrics leave parts of it out. */
const envelope = z.object({
  warnings: texts,
  infos: texts,
  /** VictoriaMetrics' cluster: some of its storage did not answer. */
  isPartial: z.boolean().optional(),
});

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
  { skeleton, columns }: Scanned,
  range: AlignedRange,
): RangeResult {
  const answer = rangeAnswer.parse(skeleton);
  const found = answer.data.result ?? [];
  const drawn = found.flatMap(({ metric, values }) =>
    values === undefined || values >= columns.length
      ? []
      : [{ labels: metric, values: columns[values] }],
  );
  const scanned = found.filter(({ values }) => values !== undefined).length;
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
    ...notes(answer, histograms, truncation(drawn.length, scanned)),
  };
}

/**
 * @throws ZodError for an answer of another shape
 * @throws InputError for a query whose answer is a range or a string
 */
export function toInstantResult(
  json: unknown,
  maxSeries: number,
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
  const shown = samples.slice(0, maxSeries);
  return {
    samples: shown,
    ...notes(
      answer,
      found.length - samples.length,
      truncation(shown.length, samples.length),
    ),
  };
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

function truncation(shown: number, received: number): Truncated | undefined {
  return received > shown ? { shown, received } : undefined;
}

function notes(
  { warnings, infos, isPartial }: z.infer<typeof envelope>,
  histograms: number,
  truncated: Truncated | undefined,
): { warnings: string[]; infos: string[]; truncated?: Truncated } {
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
