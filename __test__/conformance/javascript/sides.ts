// Two providers behind one interface: ours and that of OpenTelemetry's JavaScript SDK.
import { createTestMetrics } from '@nativestage/metrics/testing';
import type {
  Attributes,
  MeterProvider as ApiProvider,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { sdkView, type View } from '../sdkView';

export interface Options {
  views?: View[];
  cardinalityLimit?: number;
  temporality?: 'cumulative' | 'delta';
}

/** What a histogram's point has, with the counts of its buckets. */
export interface Buckets {
  count: number;
  sum?: number;
  min?: number;
  max?: number;
  bounds: number[];
  counts: number[];
}

/** A metric as an exporter would see it. */
export interface Seen {
  scope: (string | undefined)[];
  name: string;
  unit: string;
  description: string;
  kind: string;
  monotonic?: boolean;
  points: { attributes: Attributes; value: number | Buckets }[];
}

export interface Side {
  provider: ApiProvider & {
    shutdown(): Promise<void>;
    forceFlush?(): Promise<void>;
  };
  /** Metrics of the program, without those that the SDK has about itself. */
  collect(): Promise<Seen[]>;
}

export function ours(options: Options): Side {
  const metrics = createTestMetrics(options);
  return {
    provider: metrics.provider as Side['provider'],
    async collect() {
      const collection = await metrics.collect();
      return collection.metrics
        .filter(({ scope }) => scope.name !== '@nativestage/metrics')
        .map(({ scope, name, unit, description, kind, monotonic, points }) => ({
          scope: [scope.name, scope.version, scope.schemaUrl],
          name,
          unit,
          description,
          kind,
          ...(kind === 'sum' && { monotonic: monotonic ?? false }),
          points: points.map(point => ({
            attributes: point.attributes,
            value:
              point.value ??
              tidy({
                count: point.count!,
                sum: point.sum,
                min: point.min,
                max: point.max,
                bounds: point.bounds ?? [],
                counts: point.bucketCounts ?? [point.count!],
              }),
          })),
        }));
    },
  };
}

export function theirs(options: Options): Side {
  const reader = new Reader(options);
  const provider = new MeterProvider({
    readers: [reader],
    views: options.views?.map(sdkView),
  });
  return {
    provider,
    async collect() {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics.flatMap(({ scope, metrics }) =>
        metrics.map((metric): Seen => {
          const { name, unit, description } = metric.descriptor;
          const common = {
            scope: [scope.name, scope.version, scope.schemaUrl],
            name,
            unit,
            description,
          };
          switch (metric.dataPointType) {
            case DataPointType.SUM:
              return {
                ...common,
                kind: 'sum',
                monotonic: metric.isMonotonic,
                points: metric.dataPoints.map(valueOf),
              };
            case DataPointType.GAUGE:
              return {
                ...common,
                kind: 'gauge',
                points: metric.dataPoints.map(valueOf),
              };
            case DataPointType.HISTOGRAM:
              return {
                ...common,
                kind: 'histogram',
                points: metric.dataPoints.map(({ attributes, value }) => ({
                  attributes,
                  value: tidy({
                    count: value.count,
                    sum: value.sum,
                    min: value.min,
                    max: value.max,
                    bounds: value.buckets.boundaries,
                    counts: value.buckets.counts,
                  }),
                })),
              };
            default:
              return {
                ...common,
                kind: 'exponentialHistogram',
                points: metric.dataPoints.map(({ attributes, value }) => ({
                  attributes,
                  value: value.count,
                })),
              };
          }
        }),
      );
    },
  };
}

const valueOf = ({ attributes, value }: DataPoint<number>) => ({
  attributes,
  value,
});

class Reader extends MetricReader {
  constructor({ temporality, cardinalityLimit }: Options) {
    super({
      // As OTLP's preference for deltas has it: not of what goes up and down.
      aggregationTemporalitySelector: type =>
        temporality === 'delta' && !type.includes('UP_DOWN')
          ? AggregationTemporality.DELTA
          : AggregationTemporality.CUMULATIVE,
      ...(cardinalityLimit && {
        cardinalitySelector: () => cardinalityLimit,
      }),
    });
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Without what is not there, and with one zero. */
function tidy(buckets: Buckets): Buckets {
  return Object.fromEntries(
    Object.entries(buckets)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, value === 0 ? 0 : (value as unknown)]),
  ) as unknown as Buckets;
}
