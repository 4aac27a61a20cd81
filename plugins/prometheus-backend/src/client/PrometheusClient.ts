import { ServiceUnavailableError } from '@backstage/errors';
import {
  type AlignedRange,
  AnswerError,
  type InstantResult,
  type RangeResult,
  type RuleGroup,
  type TimeRange,
  toRuleGroups,
} from '@nativestage/backstage-plugin-prometheus-common';
import { z, ZodError } from 'zod';
import { toInstantResult, toRangeResult } from './answers';
import type { PrometheusInstance } from './PrometheusInstance';
import { RangeScanner } from './RangeScanner';
import { Upstream, type UpstreamOptions } from './Upstream';

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
    this.queries = new Upstream(instance, instance.url, options);
    this.ruler =
      instance.rulesUrl === instance.url
        ? this.queries
        : new Upstream(instance, instance.rulesUrl, options);
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
      { method: 'POST', path: '/query_range', parameters, signal },
      chunk => scanner.write(chunk),
    );
    return this.understand(() => toRangeResult(scanner.end(), range));
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
    const json = await this.ask('POST', '/query', parameters, signal);
    return this.understand(() => toInstantResult(json, this.options.maxSeries));
  }

  /** The groups of alerting rules. */
  async rules({ signal }: CallOptions = {}): Promise<RuleGroup[]> {
    const json = await this.ask(
      'GET',
      '/rules',
      [['type', 'alert']],
      signal,
      this.ruler,
    );
    return this.understand(() => toRuleGroups(json));
  }

  /** What targets say of a metric; several may disagree, and many servers know nothing. */
  async metadata(
    metric: string,
    { signal }: CallOptions = {},
  ): Promise<MetricMetadata[]> {
    const parameters: [string, string][] = [['metric', metric]];
    const json = await this.ask('GET', '/metadata', parameters, signal);
    const { data } = this.understand(() => metadataAnswer.parse(json));
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
    const json = await this.ask('POST', '/query_exemplars', parameters, signal);
    const { data } = this.understand(() => exemplarsAnswer.parse(json));
    return (data ?? []).map(({ seriesLabels, exemplars }) => ({
      labels: seriesLabels,
      exemplars,
    }));
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([this.queries.close(), this.ruler.close()]);
  }

  private async ask(
    method: 'GET' | 'POST',
    path: string,
    parameters: [string, string][],
    signal?: AbortSignal,
    upstream = this.queries,
  ): Promise<unknown> {
    const chunks: Buffer[] = [];
    await upstream.send({ method, path, parameters, signal }, chunk =>
      chunks.push(chunk),
    );
    return this.understand(
      () => JSON.parse(Buffer.concat(chunks).toString()) as unknown,
    );
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

  private understand<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof SyntaxError ||
        error instanceof ZodError ||
        error instanceof AnswerError
        ? new ServiceUnavailableError(
            `The Prometheus instance "${this.instance.name}" gave an answer that is not Prometheus' API`,
          )
        : error;
    }
  }
}
