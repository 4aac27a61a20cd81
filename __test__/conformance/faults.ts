// Every difference between the two SDKs that is a known fault of the JS SDK and not ours to mend, one
// function each, named after what it does wrong. Nothing else may differ: see workload.ts for where
// programs do not go.
import { type AttributeInput, copyAttributes, isDelta } from './workload';
import type { InstrumentPlan, Temporality } from './workload';

/** NaN poisons counters, whose sum it is from then on: it is kept from the JS SDK. */
export function nanPoisonsCounters(value: unknown): boolean {
  return Number.isNaN(value);
}

/**
 * BigInt and circular values, and `null` for attributes, throw into the application's code; the values
 * `null` and `undefined` collide with each other. The JS SDK gets the set without them, which is what
 * the specification makes of it.
 */
export function oddAttributesThrowOrCollide(
  attributes: AttributeInput,
): AttributeInput {
  const isOdd = (value: unknown) =>
    value === null ||
    value === undefined ||
    typeof value === 'bigint' ||
    (typeof value === 'object' && !Array.isArray(value));
  return attributes
    ? Object.fromEntries(
        Object.entries(attributes).filter(([, value]) => !isOdd(value)),
      )
    : undefined;
}

/**
 * Attribute objects are kept by reference, so that two points have the same attributes when a program
 * changes its objects: the JS SDK gets copies.
 */
export function attributesAreKeptByReference(
  attributes: AttributeInput,
): AttributeInput {
  return copyAttributes(attributes);
}

/**
 * A limit of 2000 is 1999 sets and the overflow series, though nothing may overflow at or below the
 * limit: the JS SDK is asked for one more.
 */
export function overflowBeginsOneSetEarly(limit: number): number {
  return limit + 1;
}

/**
 * Under cumulative temporality the limit applies to every collection interval on its own: points grow
 * without bound, and which sets overflow changes from one collection to the next. Past the limit only
 * totals can be compared.
 */
export function limitAppliesPerInterval(
  { kind }: InstrumentPlan,
  temporality: Temporality,
  limit: number | undefined,
  setsSoFar: number,
): boolean {
  return (
    limit !== undefined && setsSoFar > limit && !isDelta(kind, temporality)
  );
}
