import { InputError } from '@backstage/errors';
import {
  alignRange,
  type AlignedRange,
  chooseStep,
  MAX_POINTS,
} from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';

const seconds = z.number().finite().nonnegative();

const rangeBody = z
  .object({
    /** Seconds since 1970. */
    start: seconds,
    end: seconds,
    /** Whole seconds; chosen by the range where it is left out. */
    step: z.number().int().positive().optional(),
    /** How many points a series is drawn with. */
    maxPoints: z.number().int().min(3).max(MAX_POINTS).optional(),
  })
  .strict();

const instantBody = z
  .object({
    /** Seconds since 1970; now where it is left out. */
    time: seconds.optional(),
  })
  .strict();

const queryBody = { query: z.string().min(1), instance: z.string().optional() };

/** Free PromQL over a range. */
const rangeQueryBody = rangeBody.extend(queryBody).strict();

/** Free PromQL at one moment. */
const instantQueryBody = instantBody.extend(queryBody).strict();

export const bodies = {
  range: rangeBody,
  instant: instantBody,
  rangeQuery: rangeQueryBody,
  instantQuery: instantQueryBody,
};

/**
 * Reads what a client sent. Unknown keys are errors: a misspelt `step` would change the answer.
 *
 * @throws InputError naming the key
 */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new InputError(`${path.join('.') || 'body'}: ${message}`);
  }
  return parsed.data;
}

/**
 * The range on a grid.
 *
 * @throws InputError for a range that ends before it starts
 */
export function toAlignedRange({
  start,
  end,
  step,
  maxPoints,
}: z.infer<typeof rangeBody>): AlignedRange {
  try {
    return alignRange({
      start,
      end,
      step: step ?? chooseStep({ start, end, maxPoints }),
    });
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}
