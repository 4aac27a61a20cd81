import type { Attributes, Context, HrTime } from '@opentelemetry/api';
import type { Aggregation } from './streams';

/** A value that stands for those of its series. */
export interface Exemplar {
  value: number;
  /** When it was recorded: seconds since the epoch, and nanoseconds. */
  timestamp: HrTime;
  /** Attributes it was recorded with. Those that its point has are left out. */
  filteredAttributes?: Attributes;
  /** 32 hexadecimal digits. What is no id counts as none. */
  traceId?: string;
  /** 16 hexadecimal digits. */
  spanId?: string;
}

/**
 * Chooses the exemplars of one series (Metrics SDK specification, "ExemplarReservoir"). Its functions run
 * on the event loop, the first within a record: what it throws or returns and may not is logged and
 * counted in `nativestage.metrics.exemplar_reservoirs.failed`, and its series has no exemplars from then on.
 */
export interface ExemplarReservoir {
  /**
   * Gets every value that the exemplar filter lets through.
   *
   * @param attributes - All that it was recorded with, those that the view drops too.
   * @param context - The one that was passed, or the active one.
   */
  offer(
    value: number,
    timestamp: HrTime,
    attributes: Attributes,
    context: Context,
  ): void;
  /**
   * Called for a collection when a value was offered since the last one: what it returns, 1 000 at most,
   * takes the place of what it returned then. Under delta temporality that is exported once.
   *
   * @param pointAttributes - Those of the series.
   */
  collect(pointAttributes: Attributes): Exemplar[];
}

/** What a reservoir is for. */
export interface ReservedSeries {
  /** The name of the metric. */
  name: string;
  aggregation: Aggregation;
  /** Those of the series. */
  attributes: Attributes;
}

/** Makes the reservoir of a series when its first value is offered. */
export type ExemplarReservoirFactory = (
  series: ReservedSeries,
) => ExemplarReservoir;
