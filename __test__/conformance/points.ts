// One form for what both SDKs export, so that it can be compared point by point.
import type { MetricReader } from '@nativestage/metrics/sdk';
import {
  AggregationTemporality,
  DataPointType,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { ValueType } from '@opentelemetry/api';

export interface Point {
  /** The attribute set: sorted, with types. */
  attributes: string;
  value?: number;
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  bounds?: number[];
  counts?: number[];
  scale?: number;
  zeroCount?: number;
  /** Index to count of the buckets that counted something. */
  positive?: Map<number, number>;
  negative?: Map<number, number>;
}

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential';

export interface Metric {
  scope: string;
  name: string;
  unit: string;
  description: string;
  kind: MetricKind;
  /** Sums and gauges tell integers from doubles; histograms do not. */
  valueType?: 'int' | 'double';
  temporality?: 'cumulative' | 'delta';
  monotonic?: boolean;
  points: Map<string, Point>;
}

/** Metrics by scope, name and kind. */
export type Metrics = Map<string, Metric>;

const OWN_SCOPE = '@nativestage/metrics';

export function attributeText(attributes: Record<string, unknown>): string {
  return JSON.stringify(
    Object.entries(attributes)
      .map(([key, value]): [string, unknown] => [key, valueText(value)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** OTLP does not tell an empty string from none. */
export function scopeText(...parts: (string | undefined)[]): string {
  return JSON.stringify(parts.map(part => part || undefined));
}

function valueText(value: unknown): unknown {
  return Array.isArray(value)
    ? value.map(valueText)
    : `${typeof value} ${String(value)}`;
}

function collectMetrics(metrics: Metric[]): Metrics {
  const byKey: Metrics = new Map();
  for (const metric of metrics) {
    const key = `${metric.scope} ${metric.name} ${metric.kind}`;
    if (byKey.has(key)) {
      throw new Error(`exported twice: ${key}`);
    }
    byKey.set(key, metric);
  }
  return byKey;
}

function pointMap(points: Point[]): Map<string, Point> {
  const byAttributes = new Map<string, Point>();
  for (const point of points) {
    if (byAttributes.has(point.attributes)) {
      throw new Error(`two points with the attributes ${point.attributes}`);
    }
    byAttributes.set(point.attributes, tidy(point));
  }
  return byAttributes;
}

function tidy(point: Point): Point {
  // Optional in OTLP where there are no bounds: the count says the same.
  if (point.bounds?.length === 0 && point.counts?.length === 0) {
    point.counts = [point.count!];
  }
  // Nothing that was counted has a scale.
  if (point.positive?.size === 0 && point.negative?.size === 0) {
    delete point.scale;
  }
  // Minus zero and zero are one number.
  if (point.min === 0) {
    point.min = 0;
  }
  if (point.max === 0) {
    point.max = 0;
  }
  for (const key of Object.keys(point) as (keyof Point)[]) {
    if (point[key] === undefined) {
      delete point[key];
    }
  }
  return point;
}

function buckets(offset: number, counts: number[]): Map<number, number> {
  const found = new Map<number, number>();
  counts.forEach((count, index) => {
    if (count > 0) {
      found.set(offset + index, count);
    }
  });
  return found;
}

export function readSdk({ scopeMetrics }: ResourceMetrics): Metrics {
  return collectMetrics(
    scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.map((metric): Metric => {
        const { descriptor } = metric;
        const common = {
          scope: scopeText(scope.name, scope.version, scope.schemaUrl),
          name: descriptor.name,
          unit: descriptor.unit,
          description: descriptor.description,
        };
        const valueType =
          descriptor.valueType === ValueType.INT ? 'int' : 'double';
        const temporality =
          metric.aggregationTemporality === AggregationTemporality.DELTA
            ? 'delta'
            : 'cumulative';
        switch (metric.dataPointType) {
          case DataPointType.GAUGE:
          case DataPointType.SUM: {
            const points = metric.dataPoints.map(point => ({
              attributes: attributeText(point.attributes),
              value: point.value,
            }));
            return metric.dataPointType === DataPointType.SUM
              ? {
                  ...common,
                  kind: 'sum',
                  valueType,
                  temporality,
                  monotonic: metric.isMonotonic,
                  points: pointMap(points),
                }
              : {
                  ...common,
                  kind: 'gauge',
                  valueType,
                  points: pointMap(points),
                };
          }
          case DataPointType.HISTOGRAM:
            return {
              ...common,
              kind: 'histogram',
              temporality,
              points: pointMap(
                metric.dataPoints.map(({ attributes, value }) => ({
                  attributes: attributeText(attributes),
                  count: value.count,
                  sum: value.sum,
                  min: value.min,
                  max: value.max,
                  bounds: value.buckets.boundaries,
                  counts: value.buckets.counts,
                })),
              ),
            };
          default:
            return {
              ...common,
              kind: 'exponential',
              temporality,
              points: pointMap(
                metric.dataPoints.map(({ attributes, value }) => ({
                  attributes: attributeText(attributes),
                  count: value.count,
                  sum: value.sum,
                  min: value.min,
                  max: value.max,
                  scale: value.scale,
                  zeroCount: value.zeroCount,
                  positive: buckets(
                    value.positive.offset,
                    value.positive.bucketCounts,
                  ),
                  negative: buckets(
                    value.negative.offset,
                    value.negative.bucketCounts,
                  ),
                })),
              ),
            };
        }
      }),
    ),
  );
}

// OTLP/JSON, read here once more and not with the package's own reader, which is under test too.
type Numeric = number | string;

interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: Numeric;
  doubleValue?: Numeric;
  arrayValue?: { values?: AnyValue[] };
}

interface OtlpPoint {
  attributes?: { key: string; value: AnyValue }[];
  asInt?: Numeric;
  asDouble?: Numeric;
  count?: Numeric;
  sum?: Numeric;
  min?: Numeric;
  max?: Numeric;
  explicitBounds?: Numeric[];
  bucketCounts?: Numeric[];
  scale?: number;
  zeroCount?: Numeric;
  positive?: { offset?: number; bucketCounts?: Numeric[] };
  negative?: { offset?: number; bucketCounts?: Numeric[] };
}

interface OtlpData {
  dataPoints: OtlpPoint[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

interface OtlpMetric {
  name: string;
  unit?: string;
  description?: string;
  gauge?: OtlpData;
  sum?: OtlpData;
  histogram?: OtlpData;
  exponentialHistogram?: OtlpData;
}

interface OtlpRequest {
  resourceMetrics: {
    scopeMetrics: {
      scope: { name?: string; version?: string };
      schemaUrl?: string;
      metrics: OtlpMetric[];
    }[];
  }[];
}

/** Collects; the metrics of the package itself are left out. */
export async function readOurs(reader: MetricReader): Promise<Metrics> {
  const { resourceMetrics } = JSON.parse(await reader.collect()) as OtlpRequest;
  const scopes = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics);
  return collectMetrics(
    scopes
      .filter(({ scope }) => scope.name !== OWN_SCOPE)
      .flatMap(({ scope, schemaUrl, metrics }) =>
        metrics.map((metric): Metric => {
          const common = {
            scope: scopeText(scope.name, scope.version, schemaUrl),
            name: metric.name,
            unit: metric.unit ?? '',
            description: metric.description ?? '',
          };
          const temporality = (data: OtlpData) =>
            data.aggregationTemporality === 1 ? 'delta' : 'cumulative';
          if (metric.gauge) {
            return { ...common, kind: 'gauge', ...numbers(metric.gauge) };
          }
          if (metric.sum) {
            return {
              ...common,
              kind: 'sum',
              temporality: temporality(metric.sum),
              monotonic: metric.sum.isMonotonic ?? false,
              ...numbers(metric.sum),
            };
          }
          const data = metric.histogram ?? metric.exponentialHistogram!;
          return {
            ...common,
            kind: metric.histogram ? 'histogram' : 'exponential',
            temporality: temporality(data),
            points: pointMap(data.dataPoints.map(histogram)),
          };
        }),
      ),
  );
}

function numbers({ dataPoints }: OtlpData) {
  const ints = dataPoints.filter(point => point.asInt !== undefined).length;
  if (ints !== 0 && ints !== dataPoints.length) {
    throw new Error('integers and doubles in one metric');
  }
  const valueType: Metric['valueType'] = ints > 0 ? 'int' : 'double';
  const points = dataPoints.map(point => ({
    attributes: otlpAttributes(point),
    value: Number(point.asInt ?? point.asDouble),
  }));
  return { valueType, points: pointMap(points) };
}

function histogram(point: OtlpPoint): Point {
  const side = (found: OtlpPoint['positive']) =>
    found && buckets(found.offset ?? 0, (found.bucketCounts ?? []).map(Number));
  return {
    attributes: otlpAttributes(point),
    count: optional(point.count),
    sum: optional(point.sum),
    min: optional(point.min),
    max: optional(point.max),
    bounds: point.explicitBounds?.map(Number),
    counts: point.bucketCounts?.map(Number),
    scale: point.scale,
    zeroCount: optional(point.zeroCount),
    positive: side(point.positive),
    negative: side(point.negative),
  };
}

function optional(value: Numeric | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function otlpAttributes(point: OtlpPoint): string {
  return attributeText(
    Object.fromEntries(
      (point.attributes ?? []).map(({ key, value }) => [key, otlpValue(value)]),
    ),
  );
}

function otlpValue(value: AnyValue): unknown {
  if (value.arrayValue) {
    return (value.arrayValue.values ?? []).map(otlpValue);
  }
  return (
    value.stringValue ??
    value.boolValue ??
    Number(value.intValue ?? value.doubleValue)
  );
}
