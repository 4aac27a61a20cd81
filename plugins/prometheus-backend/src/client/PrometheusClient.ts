import {
  type AlignedRange,
  type InstantResult,
  type RangeResult,
  type RuleGroup,
  type TimeRange,
  toRuleGroups,
} from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';
import { toInstantResult, toRangeResult } from './answers';
import type { PrometheusInstance } from './PrometheusInstance';
import { RangeScanner } from './RangeScanner';
import { Upstream, type UpstreamOptions } from './Upstream';
import { understand } from './upstreamErrors';

export interface ClientOptions extends UpstreamOptions {
  /** Series of an answer; what is more is left out, and the answer says so. */
  maxSeries: number;
}

export interface CallOptions {
  /** Ends the request, upstream too. Its reason is what is thrown then. */
  signal?: AbortSignal;
}

/** What Prometheus knows of a metric. */
export interface MetricMetadata {
  type: string;
  help: string;
  /** Often empty. */
  unit: string;
}

/** A trace or the like that stands for a sample. */
export interface ExemplarSeries {
  labels: Record<string, string>;
  exemplars: {
    labels: Record<string, string>;
    value: number | null;
    /** Seconds since 1970. */
    timestamp: number;
  }[];
}

const metadataAnswer = z.object({
  data: z
    .record(
      z.string(),
      z.array(
        z.object({
          type: z.string(),
          help: z.string().catch(''),
          unit: z.string().catch(''),
        }),
      ),
    )
    .nullish(),
});

const exemplarsAnswer = z.object({
  data: z
    .array(
      z.object({
        seriesLabels: z.record(z.string(), z.string()),
        exemplars: z.array(
          z.object({
            labels: z.record(z.string(), z.string()),
            value: z.coerce.number().nullable().catch(null),
            timestamp: z.number(),
          }),
        ),
      }),
    )
    .nullish(),
});

/**
 * Prometheus' HTTP API of one instance, https://prometheus.io/docs/prometheus/latest/querying/api/.
 * Every method fails as {@link Upstream.send} does, and with ServiceUnavailableError for an answer of
 * another shape.
 */
export class PrometheusClient {
  private readonly queries: Upstream;
  private readonly ruler: Upstream;

  constructor(
    readonly instance: PrometheusInstance,
    private readonly options: ClientOptions,
  ) {
    const { queries, ruler } = instance;
    this.queries = new Upstream(queries, options);
    this.ruler =
      ruler === queries ? this.queries : new Upstream(ruler, options);
  }

  /** Values on a grid. Off it nothing is asked: the range is aligned. */
  async queryRange(
    query: string,
    range: AlignedRange,
    { signal }: CallOptions = {},
  ): Promise<RangeResult> {
    const scanner = new RangeScanner(range, this.options.maxSeries);
    const parameters: [string, string][] = [
      ['query', query],
      ['start', String(range.start)],
      ['end', String(range.end)],
      ['step', String(range.step)],
      ...this.bounds(),
    ];
    await this.queries.send(
      { method: 'POST', path: '/api/v1/query_range', parameters, signal },
      chunk => scanner.write(chunk),
    );
    return understand(this.instance.queries, () =>
      toRangeResult(scanner.end(), range),
    );
  }

  /** @param options.time - seconds since 1970; now if left out */
  async query(
    query: string,
    { time, signal }: CallOptions & { time?: number } = {},
  ): Promise<InstantResult> {
    const parameters: [string, string][] = [
      ['query', query],
      ...(time === undefined
        ? []
        : [['time', String(time)] as [string, string]]),
      ...this.bounds(),
    ];
    return this.queries.ask(
      { method: 'POST', path: '/api/v1/query', parameters, signal },
      json => toInstantResult(json, this.options.maxSeries),
    );
  }

  /** The groups of alerting rules. */
  async rules({ signal }: CallOptions = {}): Promise<RuleGroup[]> {
    const parameters: [string, string][] = [['type', 'alert']];
    return this.ruler.ask(
      { method: 'GET', path: '/api/v1/rules', parameters, signal },
      toRuleGroups,
    );
  }

  /** What targets say of a metric; several may disagree, and many servers know nothing. */
  async metadata(
    metric: string,
    { signal }: CallOptions = {},
  ): Promise<MetricMetadata[]> {
    const parameters: [string, string][] = [['metric', metric]];
    const { data } = await this.queries.ask(
      { method: 'GET', path: '/api/v1/metadata', parameters, signal },
      json => metadataAnswer.parse(json),
    );
    return data && Object.hasOwn(data, metric) ? data[metric] : [];
  }

  /** Exemplars of a query's series; none where the server keeps none. */
  async exemplars(
    query: string,
    { start, end }: TimeRange,
    { signal }: CallOptions = {},
  ): Promise<ExemplarSeries[]> {
    const parameters: [string, string][] = [
      ['query', query],
      ['start', String(start)],
      ['end', String(end)],
    ];
    const { data } = await this.queries.ask(
      { method: 'POST', path: '/api/v1/query_exemplars', parameters, signal },
      json => exemplarsAnswer.parse(json),
    );
    return (data ?? []).map(({ seriesLabels, exemplars }) => ({
      labels: seriesLabels,
      exemplars,
    }));
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([this.queries.close(), this.ruler.close()]);
  }

  /** What the server itself stops at; the client checks all of it again. */
  private bounds(): [string, string][] {
    const { maxSeries, timeout } = this.options;
    return [
      ['timeout', `${timeout}ms`],
      // One more than is shown tells that there are more.
      ['limit', String(maxSeries + 1)],
      ...Object.entries(this.instance.parameters),
    ];
  }
}
