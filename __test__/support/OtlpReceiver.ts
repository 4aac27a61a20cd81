import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { eventually } from './eventually';

/** One POST, with the body decompressed. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An HTTP server that takes every export, as a collector would. Ends with the test. */
export class OtlpReceiver {
  readonly received: Received[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(t: TestContext): Promise<OtlpReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const receiver = new OtlpReceiver(server, port);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const sent = Buffer.concat(chunks);
        const gzip = request.headers['content-encoding'] === 'gzip';
        receiver.received.push({
          path: request.url ?? '',
          headers: request.headers,
          body: gzip ? gunzipSync(sent) : sent,
        });
        const type = request.headers['content-type'] ?? 'application/json';
        response.writeHead(200, { 'content-type': type });
        response.end(type === 'application/json' ? '{}' : '');
      });
    });
    t.after(() => receiver.close());
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Waits until what was received satisfies the condition. */
  async until(condition: () => boolean): Promise<void> {
    await eventually(() => {
      if (!condition()) {
        throw new Error(`not received: ${String(condition)}`);
      }
    });
  }

  /** Everything received as OTLP/JSON, one after the other. */
  get metrics(): OtlpMetric[] {
    return this.received.flatMap(({ body }) =>
      metricsOf(JSON.parse(body.toString()) as OtlpRequest),
    );
  }

  /** The resource of the last export. */
  get resource(): Record<string, unknown> {
    const last = this.received.at(-1);
    if (!last) {
      throw new Error('nothing was exported');
    }
    const request = JSON.parse(last.body.toString()) as OtlpRequest;
    return attributesOf(request.resourceMetrics[0].resource?.attributes);
  }

  /** The last value of a sum or gauge with these attributes. */
  value(name: string, attributes: Record<string, unknown> = {}): number {
    const point = this.point(name, attributes);
    return Number(point.asInt ?? point.asDouble);
  }

  /** The last point of a metric with these attributes. */
  point(name: string, attributes: Record<string, unknown> = {}): OtlpPoint {
    const found = this.metrics
      .filter(metric => metric.name === name)
      .flatMap(pointsOf)
      .filter(
        point =>
          canonical(attributesOf(point.attributes)) === canonical(attributes),
      )
      .at(-1);
    if (!found) {
      const names = this.metrics.map(metric => metric.name).join(', ');
      throw new Error(
        `${name} ${JSON.stringify(attributes)} was not exported, but ${names || 'nothing'}`,
      );
    }
    return found;
  }
}

/** The parts of OTLP/JSON that the tests read. */
export interface OtlpRequest {
  resourceMetrics: {
    resource?: { attributes?: KeyValue[] };
    scopeMetrics: {
      scope?: { name?: string; version?: string };
      schemaUrl?: string;
      metrics: OtlpMetric[];
    }[];
  }[];
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

interface Exemplar {
  /** Hexadecimal in OTLP/JSON, base 64 where protobuf wrote the JSON. */
  traceId?: string;
  spanId?: string;
  asInt?: string | number;
  asDouble?: number;
  filteredAttributes?: KeyValue[];
}

export interface OtlpPoint {
  attributes?: KeyValue[];
  startTimeUnixNano?: string;
  asInt?: string | number;
  asDouble?: number;
  count?: string | number;
  sum?: number;
  min?: number;
  max?: number;
  bucketCounts?: (string | number)[];
  explicitBounds?: number[];
  scale?: number;
  zeroCount?: string | number;
  positive?: { offset?: number; bucketCounts?: (string | number)[] };
  quantileValues?: { quantile: number; value: number }[];
  exemplars?: Exemplar[];
}

interface Data {
  dataPoints: OtlpPoint[];
  aggregationTemporality?: number | string;
  isMonotonic?: boolean;
}

export interface OtlpMetric {
  name: string;
  unit?: string;
  description?: string;
  sum?: Data;
  gauge?: Data;
  histogram?: Data;
  exponentialHistogram?: Data;
  summary?: Data;
}

export function metricsOf(request: OtlpRequest): OtlpMetric[] {
  return request.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics),
  );
}

export function dataOf(metric: OtlpMetric): Data {
  const data =
    metric.sum ??
    metric.gauge ??
    metric.histogram ??
    metric.exponentialHistogram ??
    metric.summary;
  if (!data) {
    throw new Error(`${metric.name} has no data`);
  }
  return data;
}

export function pointsOf(metric: OtlpMetric): OtlpPoint[] {
  return dataOf(metric).dataPoints;
}

export function attributesOf(
  attributes: KeyValue[] = [],
): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
}

function canonical(attributes: Record<string, unknown>): string {
  return JSON.stringify(
    Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
