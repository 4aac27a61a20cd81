// Every difference between the two SDKs that is not ours to mend, one function each, named after
// what the JS SDK does wrong. Nothing else may differ.
import type { ViewStream } from '@nativestage/metrics/sdk';
import {
  type AttributeInput,
  type InstrumentPlan,
  isObservable,
  isSum,
  type Observation,
  type ViewPlan,
  type Workload,
} from './workload';
import { attributeText, type Metric, type Point } from './points';

/** NaN and the infinities poison sums for good: they are kept from the JS SDK. */
export function nanPoisonsCounters(value: unknown): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}

/**
 * BigInt values throw into the application's code; `null` and `undefined` collide with each other
 * and are exported; symbols and functions, which are no attribute values, are exported too. The JS
 * SDK gets the set without them, which is what the specification makes of it.
 */
export function oddAttributesThrowOrCollide(
  attributes: AttributeInput,
): Record<string, unknown> | undefined {
  return (
    attributes &&
    Object.fromEntries(
      Object.entries(attributes).filter(
        ([, value]) =>
          value !== null &&
          value !== undefined &&
          !['bigint', 'symbol', 'function'].includes(typeof value),
      ),
    )
  );
}

/**
 * A view without an aggregation uses the instrument's default and not the reader's (Metrics SDK
 * specification, "Stream configuration": MUST): the JS SDK's views are told it.
 */
export function viewsForgetTheReadersDefault(
  histogram: Workload['histogram'],
  { selector, stream }: ViewPlan,
): ViewStream['aggregation'] {
  const { aggregation } = stream;
  const ofReader = !aggregation || 'default' in aggregation;
  return ofReader &&
    histogram === 'exponential' &&
    selector.instrument_name?.startsWith('histogram.')
    ? { base2_exponential_bucket_histogram: {} }
    : aggregation;
}

/** The limit counts the overflow series: one set too early. */
export function overflowBeginsOneSetEarly(limit: number): number {
  return limit + 1;
}

/**
 * The limit holds for each interval on its own, so cumulative points grow without bound, and which
 * sets overflow changes from one collection to the next. (Under delta temporality the specification
 * leaves open which sets are kept.) Past the limit only totals can be compared.
 */
export function limitAppliesPerInterval(
  limit: number | undefined,
  setsSoFar: number,
  collections: number,
): boolean {
  return limit !== undefined && collections > 1 && setsSoFar > limit;
}

/**
 * Attribute sets that callbacks observe no more are exported for ever under cumulative temporality
 * (Metrics SDK specification, "Observations inside asynchronous callbacks": SHOULD NOT).
 */
export function staleObservationsStay(
  instrument: InstrumentPlan,
  metric: Metric,
  point: Point,
  before: Point | undefined,
): boolean {
  return (
    isObservable(instrument.kind) &&
    metric.temporality !== 'delta' &&
    before?.value === point.value
  );
}

/**
 * Where a view makes the sets of an observable sum equal, the last one wins instead of the sum
 * (Metrics supplementary guidelines, "Asynchronous example: attribute removal in a view"): the JS
 * SDK is given the sum.
 */
export function filtersLoseObservations(
  instrument: InstrumentPlan,
  keys: ViewStream['attribute_keys'],
  observations: Observation[],
): Observation[] {
  if (!keys || !isSum(instrument.kind)) {
    return observations;
  }
  const sums = new Map<string, Observation>();
  for (const observation of observations) {
    const kept = Object.fromEntries(
      Object.entries(
        oddAttributesThrowOrCollide(observation.attributes) ?? {},
      ).filter(
        ([key]) =>
          (keys.included?.includes(key) ?? true) &&
          !keys.excluded?.includes(key),
      ),
    );
    const text = attributeText(kept);
    const truncated = instrument.int
      ? Math.trunc(observation.value as number)
      : (observation.value as number);
    const sum = ((sums.get(text)?.value as number) ?? 0) + truncated;
    sums.set(text, { ...observation, attributes: kept, value: sum });
  }
  return [...sums.values()];
}

/**
 * Merging two intervals, the JS SDK takes a side without buckets for one with bucket 0, and an
 * interval of zeros for one of scale 0: the scale becomes coarser than the data needs (Metrics SDK
 * specification, "Maintain the ideal scale": SHOULD). Ours must keep to the size and be the same when
 * brought to the coarser scale.
 */
export function mergingCoarsensTheScale(
  ours: Point,
  theirs: Point,
  maxSize: number,
): Point {
  const steps = (ours.scale ?? 0) - (theirs.scale ?? 0);
  const fits = [ours.positive!, ours.negative!].every(
    buckets => buckets.size === 0 || width(buckets) <= maxSize,
  );
  if (steps <= 0 || !fits) {
    return ours;
  }
  const coarser = (buckets: Map<number, number>) => {
    const merged = new Map<number, number>();
    for (const [index, count] of buckets) {
      const at = index >> steps;
      merged.set(at, (merged.get(at) ?? 0) + count);
    }
    return merged;
  };
  return {
    ...ours,
    scale: theirs.scale,
    positive: coarser(ours.positive!),
    negative: coarser(ours.negative!),
  };
}

function width(buckets: Map<number, number>): number {
  const indices = [...buckets.keys()];
  return Math.max(...indices) - Math.min(...indices) + 1;
}
