import type { Attributes, AttributeValue } from '@opentelemetry/api';

/** A data point as it would be exported. */
export interface TestPoint {
  attributes: Attributes;
  /** Sums and gauges: the value. */
  value?: number;
  /** Histograms: how many values, and their sum. */
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  /** Explicit buckets: upper bounds (the last, +Infinity, is implied) and counts per bucket. */
  bounds?: number[];
  bucketCounts?: number[];
  /** Exponential buckets. */
  scale?: number;
  zeroCount?: number;
  positive?: { offset: number; bucketCounts: number[] };
  negative?: { offset: number; bucketCounts: number[] };
  /** Values of the point that lead to a trace. */
  exemplars?: TestExemplar[];
}

/** A value of a point, and where it was recorded. */
export interface TestExemplar {
  value: number;
  /** Milliseconds since the epoch. */
  time: number;
  /** Hexadecimal; absent where the value was recorded outside of any span. */
  traceId?: string;
  spanId?: string;
  /** What it was recorded with and the point does not have. */
  attributes: Attributes;
}

/** A metric as it would be exported. */
export interface TestMetric {
  /** The full name. */
  name: string;
  unit: string;
  description: string;
  kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';
  /** Sums and histograms. */
  temporality?: 'cumulative' | 'delta';
  /** Sums: whether they only go up. */
  monotonic?: boolean;
  scope: {
    name: string;
    version?: string;
    schemaUrl?: string;
    /** Where it has any. */
    attributes?: Attributes;
  };
  points: TestPoint[];
}

// The parts of OTLP/JSON that tests read: 64-bit integers are strings, doubles may be.
type Numeric = number | string;

interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: Numeric;
  doubleValue?: Numeric;
  arrayValue?: { values?: AnyValue[] };
}

interface Point {
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
  exemplars?: Exemplar[];
}

interface Exemplar {
  filteredAttributes?: { key: string; value: AnyValue }[];
  timeUnixNano?: string;
  asInt?: Numeric;
  asDouble?: Numeric;
  traceId?: string;
  spanId?: string;
}

interface Data {
  dataPoints?: Point[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

interface Metric {
  name: string;
  unit?: string;
  description?: string;
  gauge?: Data;
  sum?: Data;
  histogram?: Data;
  exponentialHistogram?: Data;
}

interface Request {
  resourceMetrics?: {
    scopeMetrics?: {
      scope?: {
        name?: string;
        version?: string;
        attributes?: { key: string; value: AnyValue }[];
      };
      schemaUrl?: string;
      metrics?: Metric[];
    }[];
  }[];
}

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;
const TEMPORALITIES = [undefined, 'delta', 'cumulative'] as const;

/** Reads a collection that the native side wrote as OTLP/JSON. */
export function parseCollection(json: string): TestMetric[] {
  const request = JSON.parse(json) as Request;
  const scopes = (request.resourceMetrics ?? []).flatMap(
    resource => resource.scopeMetrics ?? [],
  );
  return scopes.flatMap(({ scope, schemaUrl, metrics }) =>
    (metrics ?? []).map(metric => {
      const kind = KINDS.find(name => metric[name]) ?? 'gauge';
      const data = metric[kind] ?? {};
      return {
        name: metric.name,
        unit: metric.unit ?? '',
        description: metric.description ?? '',
        kind,
        temporality: TEMPORALITIES[data.aggregationTemporality ?? 0],
        monotonic: kind === 'sum' ? Boolean(data.isMonotonic) : undefined,
        scope: {
          name: scope?.name ?? '',
          version: scope?.version,
          schemaUrl: schemaUrl || undefined,
          ...(scope?.attributes?.length && {
            attributes: readAttributes(scope.attributes),
          }),
        },
        points: (data.dataPoints ?? []).map(readPoint),
      };
    }),
  );
}

function readPoint(point: Point): TestPoint {
  const buckets = (side: Point['positive']) =>
    side && {
      offset: side.offset ?? 0,
      bucketCounts: (side.bucketCounts ?? []).map(Number),
    };
  const read: TestPoint = {
    attributes: readAttributes(point.attributes ?? []),
    value: optional(point.asDouble ?? point.asInt),
    count: optional(point.count),
    sum: optional(point.sum),
    min: optional(point.min),
    max: optional(point.max),
    bounds: point.explicitBounds?.map(Number),
    bucketCounts: point.bucketCounts?.map(Number),
    scale: point.scale,
    zeroCount: optional(point.zeroCount),
    positive: buckets(point.positive),
    negative: buckets(point.negative),
    exemplars: point.exemplars?.map(readExemplar),
  };
  return Object.fromEntries(
    Object.entries(read).filter(([, value]) => value !== undefined),
  ) as unknown as TestPoint;
}

function readExemplar(exemplar: Exemplar): TestExemplar {
  const { traceId, spanId } = exemplar;
  return {
    value: Number(exemplar.asDouble ?? exemplar.asInt),
    time: Number(exemplar.timeUnixNano) / 1e6,
    ...(traceId && spanId ? { traceId, spanId } : {}),
    attributes: readAttributes(exemplar.filteredAttributes ?? []),
  };
}

function optional(value: Numeric | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function readAttributes(
  attributes: { key: string; value: AnyValue }[],
): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, readValue(value)]),
  );
}

function readValue(value: AnyValue): AttributeValue {
  if (value.arrayValue) {
    return (value.arrayValue.values ?? []).map(readValue) as AttributeValue;
  }
  return (
    value.stringValue ??
    value.boolValue ??
    Number(value.intValue ?? value.doubleValue)
  );
}
