import type { TestMetricsOptions } from '@nativestage/metrics/testing';
import type { ViewStream } from '@nativestage/metrics/sdk';
import {
  type AggregationOption,
  AggregationType,
  createAllowListAttributesProcessor,
  createDenyListAttributesProcessor,
  InstrumentType,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';

export type View = NonNullable<TestMetricsOptions['views']>[number];

/** The kinds of instruments by their words in the declarative configuration. */
export const INSTRUMENT_TYPES = {
  counter: InstrumentType.COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
  histogram: InstrumentType.HISTOGRAM,
  gauge: InstrumentType.GAUGE,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
};

/** A view of the declarative configuration as the JS SDK's own. */
export function sdkView({ selector, stream = {} }: View): ViewOptions {
  const keys = stream.attribute_keys;
  return {
    instrumentName: selector.instrument_name,
    instrumentType:
      selector.instrument_type && INSTRUMENT_TYPES[selector.instrument_type],
    instrumentUnit: selector.unit,
    meterName: selector.meter_name,
    meterVersion: selector.meter_version,
    meterSchemaUrl: selector.meter_schema_url,
    name: stream.name,
    description: stream.description,
    aggregation: sdkAggregation(stream.aggregation),
    aggregationCardinalityLimit: stream.aggregation_cardinality_limit,
    attributesProcessors: [
      ...(keys?.included
        ? [createAllowListAttributesProcessor(keys.included)]
        : []),
      ...(keys?.excluded
        ? [createDenyListAttributesProcessor(keys.excluded)]
        : []),
    ],
  };
}

function sdkAggregation(
  aggregation: ViewStream['aggregation'],
): AggregationOption | undefined {
  if (!aggregation || 'default' in aggregation) {
    return undefined;
  }
  if ('drop' in aggregation) {
    return { type: AggregationType.DROP };
  }
  if ('sum' in aggregation) {
    return { type: AggregationType.SUM };
  }
  if ('last_value' in aggregation) {
    return { type: AggregationType.LAST_VALUE };
  }
  if ('explicit_bucket_histogram' in aggregation) {
    const options = aggregation.explicit_bucket_histogram;
    return {
      type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
      options: {
        boundaries: options?.boundaries ?? [],
        recordMinMax: options?.record_min_max,
      },
    };
  }
  const options = aggregation.base2_exponential_bucket_histogram;
  return {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: {
      maxSize: options?.max_size,
      recordMinMax: options?.record_min_max,
    },
  };
}
