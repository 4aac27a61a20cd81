import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@backstage/backend-plugin-api';
import {
  inferUnit,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  BoundedMap,
  type PrometheusInstance,
  type Querier,
  type QueryRequest,
} from './client';

/** Metrics of one query that the server is asked about for their units. */
const MAX_METRICS = 20;

/** Milliseconds that a graph waits for its unit. */
const WAIT = 300;

/** Milliseconds in which a server has to answer, and in which it is not asked again if it has not. */
const TIMEOUT = 2_000;
const PAUSE = 60_000;

const MAX_PAUSED = 1000;

export interface UnitReaderOptions {
  querier: Querier;
  logger: Pick<LoggerService, 'debug'>;
}

/** Names often tell a unit; where they do not, the server may. */
export class UnitReader {
  /** When a server may be asked again, in milliseconds since 1970, by the instance's key. */
  private readonly paused = new BoundedMap<number>({
    maxEntries: MAX_PAUSED,
    maxBytes: Infinity,
  });

  constructor(private readonly options: UnitReaderOptions) {}

  /**
   * What a query gives, if the server says it soon; if it says it later, the next question is
   * answered at once.
   */
  async of(
    query: string,
    instance: PrometheusInstance,
    { user }: Pick<QueryRequest, 'user'>,
  ): Promise<Unit | undefined> {
    const metrics = metricsOf(query);
    if (
      metrics.length === 0 ||
      (this.paused.get(instance.key) ?? 0) > Date.now()
    ) {
      return undefined;
    }
    const late = new AbortController();
    const units = this.unitsOf(metrics, instance, user);
    try {
      const known = await Promise.race([
        units,
        sleep(WAIT, undefined, { signal: late.signal }),
      ]);
      return known && inferUnit(query, metric => known.get(metric));
    } finally {
      late.abort();
    }
  }

  private async unitsOf(
    metrics: string[],
    instance: PrometheusInstance,
    user: string,
  ): Promise<Map<string, string>> {
    const { querier, logger } = this.options;
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error('The metadata took too long')),
      TIMEOUT,
    );
    try {
      const known = await Promise.all(
        metrics.map(async (metric): Promise<[string, string]> => {
          const request = { instance, metric, user, signal: late.signal };
          const [first] = await querier.metadata(request);
          return [metric, first?.unit ?? ''];
        }),
      );
      return new Map(known.filter(([, unit]) => unit !== ''));
    } catch (error) {
      // A picture without a unit is better than none, and many servers know nothing of metrics.
      logger.debug(`Units are not known: ${String(error)}`);
      this.paused.set(instance.key, Date.now() + PAUSE, 0);
      return new Map();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The metrics whose units would tell that of a query. */
function metricsOf(query: string): string[] {
  const metrics = new Set<string>();
  inferUnit(query, metric => {
    metrics.add(metric);
    return undefined;
  });
  return [...metrics].slice(0, MAX_METRICS);
}
