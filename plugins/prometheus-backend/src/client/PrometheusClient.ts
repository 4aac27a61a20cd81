import type { LoggerService } from '@backstage/backend-plugin-api';
import {
  type AlignedRange,
  type ExemplarSeries,
  type InstantResult,
  type RangeResult,
  type Rule,
  type RuleGroup,
  type TimeRange,
  toRule,
  toRuleGroups,
  toRuleWarnings,
} from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';
import { noted, toInstantResult, toRangeResult } from './answers';
import { seriesShape } from './seriesShape';
import { ENOUGH, type Shape } from './JsonReader';
import type { PrometheusInstance } from './PrometheusInstance';
import { RangeScanner } from './RangeScanner';
import { toPublicRule } from './rules';
import { ServerTexts } from './ServerTexts';
import { Upstream, type UpstreamOptions } from './Upstream';
import { understand } from './upstreamErrors';

export interface ClientOptions extends UpstreamOptions {
  /** Series of an answer; what is more is left out, and the answer says so. */
  maxSeries: number;
  /** Takes what servers say and nobody else may read. */
  logger?: Pick<LoggerService, 'warn'>;
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

const exemplar = z.object({
  labels: z.record(z.string(), z.string()),
  value: z.coerce.number().nullable().catch(null),
  timestamp: z.number(),
});

const exemplarsAnswer = z.object({
  data: z
    .array(
      z.object({
        seriesLabels: z.record(z.string(), z.string()),
        // Each was read when it arrived.
        exemplars: z.array(z.custom<z.infer<typeof exemplar>>()),
      }),
    )
    .nullish(),
});

/** What a server says of its alerting rules. */
export interface RulesResult {
  groups: RuleGroup[];
  /** Some may be missing. */
  warnings: string[];
  /** When it said so by its own clock, or by ours where it does not say; seconds since 1970. */
  answered: number;
}

/** Bytes: an answer is one metric's, which several targets may have described. */
const MAX_METADATA = 2 ** 20;

/** Exemplars of an answer: more than a graph has pixels. */
const MAX_EXEMPLARS = 10_000;

/**
 * Prometheus' HTTP API of one instance, https://prometheus.io/docs/prometheus/latest/querying/api/.
 * Every method fails as {@link Upstream.send} does, and with ServiceUnavailableError for an answer of
 * another shape.
 */
export class PrometheusClient {
  private readonly queries: Upstream;
  private readonly ruler: Upstream;
  /** What may be shown of what the instance's servers say. */
  readonly texts: ServerTexts;

  constructor(
    readonly instance: PrometheusInstance,
    private readonly options: ClientOptions,
  ) {
    const { queries, ruler } = instance;
    this.texts = new ServerTexts(instance, options.logger);
    this.queries = new Upstream(queries, this.texts, options);
    this.ruler =
      ruler === queries
        ? this.queries
        : new Upstream(ruler, this.texts, options);
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
      chunk => {
        scanner.write(chunk);
        return !scanner.isDone;
      },
    );
    return understand(this.instance.queries, () =>
      toRangeResult(scanner.end(), range, this.notedOf(query)),
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
      {
        shape: seriesShape(this.options.maxSeries, ['values']),
        read: (json, isCut) =>
          toInstantResult(json, isCut, this.notedOf(query)),
      },
    );
  }

  /** The groups of alerting rules, with as much of their texts as may be shown. */
  async rules({ signal }: CallOptions = {}): Promise<RulesResult> {
    const parameters: [string, string][] = [['type', 'alert']];
    const { title } = this.instance.ruler;
    const each = (rule: unknown) =>
      toPublicRule(toRule(rule), title, this.texts);
    const rules: Shape = { keys: { rules: { each } } };
    let answered = Date.now() / 1000;
    const onDate = (date: Date) => {
      answered = date.getTime() / 1000;
    };
    const found = await this.ruler.ask(
      { method: 'GET', path: '/api/v1/rules', parameters, signal, onDate },
      {
        shape: {
          keys: { data: { keys: { groups: { elements: rules } } } },
        },
        read: json => ({
          groups: toRuleGroups(json, rule => rule as Rule),
          warnings: toRuleWarnings(json),
        }),
      },
    );
    return {
      groups: found.groups,
      warnings: this.texts.ruleWarnings(title, found.warnings),
      answered,
    };
  }

  /** What targets say of a metric; several may disagree, and many servers know nothing. */
  async metadata(
    metric: string,
    { signal }: CallOptions = {},
  ): Promise<MetricMetadata[]> {
    const { data } = await this.queries.ask(
      {
        method: 'GET',
        path: '/api/v1/metadata',
        parameters: [['metric', metric]],
        maxBytes: MAX_METADATA,
        signal,
      },
      { read: json => metadataAnswer.parse(json) },
    );
    return data && Object.hasOwn(data, metric) ? data[metric] : [];
  }

  /** Exemplars of a query's series, the first 10 000; none where the server keeps none. */
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
    let count = 0;
    const each = (one: unknown) =>
      ++count > MAX_EXEMPLARS ? ENOUGH : exemplar.parse(one);
    const series: Shape = { keys: { exemplars: { each } } };
    const { data } = await this.queries.ask(
      { method: 'POST', path: '/api/v1/query_exemplars', parameters, signal },
      {
        shape: { keys: { data: { elements: series } } },
        read: json => exemplarsAnswer.parse(json),
      },
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

  /** As {@link close}, after the requests that are under way. */
  async retire(): Promise<void> {
    const upstreams = new Set([this.queries, this.ruler]);
    await Promise.all([...upstreams].map(upstream => upstream.retire()));
  }

  private notedOf(query: string) {
    return noted(this.texts, this.instance.queries.title, query);
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
