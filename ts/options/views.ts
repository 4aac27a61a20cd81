import type { ExemplarReservoirFactory } from './exemplarReservoir';
import type { Aggregation, InstrumentType } from './streams';

/** Which instruments a view is for; every criterion that is set must match. */
export interface ViewSelector {
  /** May hold `*` and `?`. */
  instrument_name?: string;
  instrument_type?: InstrumentType;
  unit?: string;
  meter_name?: string;
  meter_version?: string;
  meter_schema_url?: string;
}

/** What a view makes of them. */
export interface ViewStream {
  name?: string;
  description?: string;
  aggregation?: Aggregation;
  /** 1 to 1000000. */
  aggregation_cardinality_limit?: number;
  /**
   * How the exemplars of a series are chosen: the last of each explicit bucket, or some of all its
   * values, 1 to 1000. Or, in code, a function that makes a reservoir of your own for each series; it runs
   * on the thread that has it, and is offered what that records. Not in the declarative configuration.
   */
  exemplar_reservoir?:
    | { aligned_histogram_bucket: object | null }
    | { simple_fixed_size: { size?: number } | null }
    | ExemplarReservoirFactory;
  /** Keys with `*` and `?`. */
  attribute_keys?: { included?: string[]; excluded?: string[] };
}
