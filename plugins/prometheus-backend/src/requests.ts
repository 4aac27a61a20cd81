import { InputError } from '@backstage/errors';
import { MAX_POINTS } from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';

/** Seconds since 1970. */
const moment = z.number().finite().nonnegative();

const ends = { start: moment, end: moment };

const range = {
  ...ends,
  /** Whole seconds; chosen by the range where it is left out. */
  step: z.number().int().positive().optional(),
  /** How many points a series is drawn with. */
  maxPoints: z.number().int().min(3).max(MAX_POINTS).optional(),
};

/** Of alerting rules. */
const names = z.union([z.literal('all'), z.array(z.string().min(1))]);

/** PromQL of one's own. */
const query = { query: z.string().min(1) };
const instance = { instance: z.string().optional() };

/** What requests may hold. Unknown keys are errors: a misspelt `step` would change the answer. */
export const bodies = {
  alerts: z.strictObject({ names }),
  /** With the names that the alert was asked for by, where they are not the annotation's. */
  alertRange: z.strictObject({ ...range, names: names.optional() }),
  range: z.strictObject(range),
  exemplars: z.strictObject(ends),
  instant: z.strictObject({}),
  entityRangeQuery: z.strictObject({ ...query, ...range }),
  entityInstantQuery: z.strictObject(query),
  rangeQuery: z.strictObject({ ...query, ...instance, ...range }),
  instantQuery: z.strictObject({ ...query, ...instance }),
};

/**
 * Reads what a client sent.
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
