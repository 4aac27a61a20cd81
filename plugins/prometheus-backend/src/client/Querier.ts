import type { LoggerService } from '@backstage/backend-plugin-api';
import type { Config } from '@backstage/config';
import { InputError } from '@backstage/errors';
import {
  alignRange,
  type AlignedRange,
  chooseStep,
  countPoints,
  type ExemplarSeries,
  fillIntervals,
  infosOfWindow,
  type InstantResult,
  type Intervals,
  intervalsOf,
  type RangeResult,
  type TimeRange,
  untilNow,
  usesIntervals,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Clients } from './Clients';
import { ConcurrencyLimit } from './ConcurrencyLimit';
import { type Limits, readLimits } from './Limits';
import type {
  MetricMetadata,
  PrometheusClient,
  RulesResult,
} from './PrometheusClient';
import type { PrometheusInstance } from './PrometheusInstance';
import { PrometheusInstances } from './PrometheusInstances';
import { type Loaded, QueryCache } from './QueryCache';
import { queryLargest } from './queryLargest';
import type { RequestSigner } from './signRequest';
import type { Silences } from './Silences';
import { sizeOf, sizeOfColumn } from './sizeOf';

export interface QueryRequest {
  /** One of the configuration by its name, or one that was computed. */
  instance: string | PrometheusInstance;
  /** Whose share of the queries it takes. */
  user: string;
  /** The request's end, such as a browser tab that was closed. */
  signal?: AbortSignal;
}

export interface RangeRequest extends QueryRequest {
  /** With the entity's variables filled in, and labels enforced. */
  query: string;
  /** Seconds since 1970. */
  start: number;
  /** Seconds since 1970. */
  end: number;
  /** Whole seconds; chosen by `maxPoints` if left out. */
  step?: number;
  /** Points that are drawn at the most; 3 and more. */
  maxPoints?: number;
}

/** What is asked for a range. */
export interface RangePlan {
  query: string;
  range: AlignedRange;
  /** What the query's variables stood for, if it had any. */
  intervals?: Intervals;
}

/** Milliseconds for which rules, silences, exemplars, metadata and the past are taken not to change. */
const RULES_AGE = 5_000;
const SILENCES_AGE = 5_000;
const EXEMPLARS_AGE = 10_000;
const METADATA_AGE = 600_000;
const PAST_AGE = 60_000;

/** Milliseconds. Steps may take days, and samples may come late. */
const MAX_AGE = 300_000;

/** What `$__range` is without a range; only its length counts. */
const LAST_HOUR: TimeRange = { start: 0, end: 3600 };

export interface QuerierOptions {
  logger?: Pick<LoggerService, 'warn'>;
  signRequest?: RequestSigner;
}

/**
 * Asks the configured instances within the limits: identical requests share one, answers are kept
 * until their step ends, and neither a user nor all users together ask an instance for too much.
 * Answers are shared: nobody may change them.
 */
export class Querier {
  private readonly clients: Clients;
  private readonly cache: QueryCache;
  private readonly users: ConcurrencyLimit;
  private readonly upstream: ConcurrencyLimit;
  private readonly logger: QuerierOptions['logger'];

  /** @throws Error that names the path of what is wrong, and no secret */
  static fromConfig(config: Config, options: QuerierOptions = {}): Querier {
    return new Querier(
      PrometheusInstances.fromConfig(config),
      readLimits(config),
      options,
    );
  }

  constructor(
    readonly instances: PrometheusInstances,
    readonly limits: Limits,
    options: QuerierOptions = {},
  ) {
    const { perUser, perInstance, queue } = limits;
    this.logger = options.logger;
    this.clients = new Clients({
      ...limits,
      ...options,
      connections: perInstance,
    });
    this.cache = new QueryCache({
      maxEntries: limits.cacheEntries,
      maxBytes: limits.cacheBytes,
    });
    this.users = new ConcurrencyLimit({
      running: perUser,
      waiting: queue,
      describe: () => 'you',
    });
    this.upstream = new ConcurrencyLimit({
      running: perInstance,
      waiting: queue,
      describe: title => `the ${title}`,
    });
  }

  /**
   * Values on a grid: the range is aligned to the step.
   *
   * @throws UnknownInstanceError for one that is not there
   * @throws InputError for a range or step beyond the limits, and whatever the
   *   server refuses
   * @throws TooManyRequestsError when too many wait already
   */
  async queryRange(request: RangeRequest): Promise<RangeResult> {
    const { query, range, intervals } = this.plan(request);
    const result = await this.get(
      request,
      ['range', query, range],
      (client, signal) =>
        queryLargest(
          asked => client.queryRange(asked, range, { signal }),
          { query, range, maxSeries: this.limits.maxSeries },
          this.logger,
        ),
      found => ({ bytes: sizeOfRange(found), expiresAt: expiryOf(range) }),
    );
    return {
      ...result,
      ...(intervals && { intervals }),
      infos: [...result.infos, ...infosOfWindow(query, range.step)],
    };
  }

  /**
   * What {@link queryRange} will ask: the range on its grid, and the query with `$__interval` and the
   * like filled in.
   *
   * @throws InputError as {@link queryRange}
   */
  plan(request: RangeRequest): RangePlan {
    const { query } = request;
    const { scrapeInterval } = this.instanceOf(request);
    const { start, end } = this.toPast(request);
    const isFilled = usesIntervals(query);
    const range = this.toRange(
      { ...request, start, end },
      isFilled ? scrapeInterval : 1,
    );
    if (!isFilled) {
      return { query, range };
    }
    const { step } = range;
    const intervals = intervalsOf({ start, end, step, scrapeInterval });
    return { query: fillIntervals(query, intervals), range, intervals };
  }

  /** A query whose intervals are filled in where there is no step: as for one of the scrapes' length. */
  fill(
    instance: QueryRequest['instance'],
    query: string,
    range: TimeRange = LAST_HOUR,
  ): string {
    const { scrapeInterval } = this.instanceOf({ instance });
    const steps = { step: scrapeInterval, scrapeInterval };
    return fillIntervals(query, intervalsOf({ ...range, ...steps }));
  }

  /** The values of this moment; whoever asks within a second shares them. */
  query(request: QueryRequest & { query: string }): Promise<InstantResult> {
    const query = this.fill(request.instance, request.query);
    const time = Math.floor(Date.now() / 1000);
    return this.get(
      request,
      ['instant', query, time],
      (client, signal) => client.query(query, { time, signal }),
      result => ({
        bytes: sizeOf(result),
        expiresAt: (time + 1) * 1000,
      }),
    );
  }

  /** The groups of alerting rules, of the last 5 seconds. */
  rules(request: QueryRequest): Promise<RulesResult> {
    return this.get(
      request,
      ['rules'],
      (client, signal) => client.rules({ signal }),
      found => ({
        bytes: sizeOf(found),
        expiresAt: Date.now() + RULES_AGE,
      }),
    );
  }

  /** What is known of a metric, of the last 10 minutes. */
  metadata(
    request: QueryRequest & { metric: string },
  ): Promise<MetricMetadata[]> {
    const { metric } = request;
    return this.get(
      request,
      ['metadata', metric],
      (client, signal) => client.metadata(metric, { signal }),
      known => ({
        bytes: sizeOf(known),
        expiresAt: Date.now() + METADATA_AGE,
      }),
    );
  }

  /** Exemplars of a query's series; an answer is 10 seconds old at the most. */
  exemplars(
    request: QueryRequest & { query: string } & TimeRange,
  ): Promise<ExemplarSeries[]> {
    const { query } = request;
    const { start, end } = this.toPast(request);
    return this.get(
      request,
      ['exemplars', query, start, end],
      (client, signal) => client.exemplars(query, { start, end }, { signal }),
      series => ({
        bytes: sizeOf(series),
        expiresAt: Date.now() + EXEMPLARS_AGE,
      }),
    );
  }

  /**
   * What the instance's Alertmanager has silenced, of the last 5 seconds; `undefined` where none is
   * configured.
   */
  async silences(request: QueryRequest): Promise<Silences | undefined> {
    const { alertmanager } = this.clients.of(this.instanceOf(request));
    return (
      alertmanager &&
      this.share(
        request,
        ['silences'],
        alertmanager.endpoint.title,
        signal => alertmanager.silences(signal),
        ({ bytes }) => ({
          bytes,
          expiresAt: Date.now() + SILENCES_AGE,
        }),
      )
    );
  }

  /** About how much memory the answers take that are kept. */
  get cacheBytes(): number {
    return this.cache.bytes;
  }

  /** Ends all connections, and with them the requests that are under way. */
  async close(): Promise<void> {
    await this.clients.close();
  }

  /** @throws UnknownInstanceError that names the instances there are */
  private instanceOf({
    instance,
  }: Pick<QueryRequest, 'instance'>): PrometheusInstance {
    return typeof instance === 'string'
      ? this.instances.get(instance)
      : instance;
  }

  private async get<T>(
    request: QueryRequest,
    key: unknown[],
    ask: (client: PrometheusClient, signal: AbortSignal) => Promise<T>,
    describe: (value: T) => Omit<Loaded<T>, 'value'>,
  ): Promise<T> {
    const { prometheus } = this.clients.of(this.instanceOf(request));
    return this.share(
      request,
      key,
      prometheus.instance.queries.title,
      signal => ask(prometheus, signal),
      describe,
    );
  }

  /** @param lane - whose queries are limited together */
  private share<T>(
    request: QueryRequest,
    key: unknown[],
    lane: string,
    ask: (signal: AbortSignal) => Promise<T>,
    describe: (value: T) => Omit<Loaded<T>, 'value'>,
  ): Promise<T> {
    const { user, signal } = request;
    const load = async (flight: AbortSignal) => {
      const value = await this.upstream.run(lane, () => ask(flight), flight);
      return { value, ...describe(value) };
    };
    const full = JSON.stringify([this.instanceOf(request).key, ...key]);
    // What is there takes nothing from anybody's share.
    return this.cache.has(full)
      ? this.cache.get(full, load, signal)
      : this.users.run(user, () => this.cache.get(full, load, signal), signal);
  }

  /** What of a range is not ahead, if it is within the limits. */
  private toPast({ start, end }: TimeRange): TimeRange {
    const { maxRange } = this.limits;
    if (!Number.isFinite(start) || !Number.isFinite(end) || end < start) {
      throw new InputError('The range has to start before it ends');
    }
    const range = pastOf({ start, end });
    const length = range.end - range.start;
    if (length > maxRange) {
      throw new InputError(
        `The range is ${length} s, and ${maxRange} s are the most`,
      );
    }
    return range;
  }

  /** @param minStep - of a step that is chosen, in seconds: a finer one would show no more */
  private toRange(
    { start, end, step, maxPoints }: RangeRequest,
    minStep: number,
  ): AlignedRange {
    const { maxPoints: most } = this.limits;
    if (step !== undefined && !(Number.isSafeInteger(step) && step > 0)) {
      throw new InputError('The step has to be whole seconds, 1 or more');
    }
    const points = Math.min(maxPoints ?? most, most);
    if (!(points >= 3)) {
      throw new InputError('At least 3 points are needed');
    }
    const range = alignRange({
      start,
      end,
      step: step ?? chooseStep({ start, end, maxPoints: points, minStep }),
    });
    if (countPoints(range) > most) {
      throw new InputError(
        `With a step of ${step} s the range has ${countPoints(range)} points, and ${most} are the most`,
      );
    }
    return range;
  }
}

/** @throws InputError for a range that lies ahead */
function pastOf(range: TimeRange): TimeRange {
  try {
    return untilNow(range);
  } catch (error) {
    throw error instanceof RangeError ? new InputError(error.message) : error;
  }
}

/** An aligned answer changes when its next step begins; what is long past hardly does. */
function expiryOf({ end, step }: AlignedRange): number {
  const now = Date.now();
  const nextStep = (Math.floor(now / 1000 / step) + 1) * step;
  return end + step < nextStep
    ? now + PAST_AGE
    : Math.min(nextStep * 1000, now + MAX_AGE);
}

function sizeOfRange({ series, ...rest }: RangeResult): number {
  return series.reduce(
    (bytes, { labels, values, nonFinite }) =>
      bytes + sizeOf({ labels, nonFinite }) + sizeOfColumn(values),
    sizeOf(rest),
  );
}
