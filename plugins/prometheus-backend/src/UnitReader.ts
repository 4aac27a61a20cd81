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

/** Milliseconds in which a server has to say one metric's, and in which it is not asked again if not. */
const TIMEOUT = 2_000;
const PAUSE = 60_000;

const MAX_PAUSED = 1000;

/** Milliseconds for which a query's unit is taken not to change, as metadata is. */
const AGE = 600_000;
const MAX_KNOWN = 2000;
const MAX_KNOWN_BYTES = 2 ** 22;
/** Bytes of what is known of one query. */
const SIZE = 100;

export interface UnitReaderOptions {
  querier: Querier;
  logger: Pick<LoggerService, 'debug'>;
}

/** What is known of a query. */
interface Known {
  unit?: Unit;
  /** Milliseconds since 1970. */
  until: number;
}

/** Names often tell a unit; where they do not, the server may. */
export class UnitReader {
  /** By the instance's key and the query, so that this is parsed once. */
  private readonly known = new BoundedMap<Known>({
    maxEntries: MAX_KNOWN,
    maxBytes: MAX_KNOWN_BYTES,
  });
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
    const key = JSON.stringify([instance.key, query]);
    const known = this.known.get(key);
    if (known && known.until > Date.now()) {
      return known.unit;
    }
    if ((this.paused.get(instance.key) ?? 0) > Date.now()) {
      return undefined;
    }
    const late = new AbortController();
    const asked = this.ask(query, instance, user).then(answer => {
      if (answer) {
        this.known.set(key, answer, SIZE);
      }
      return answer?.unit;
    });
    try {
      return await Promise.race([
        asked,
        sleep(WAIT, undefined, { signal: late.signal }),
      ]);
    } finally {
      late.abort();
    }
  }

  private async ask(
    query: string,
    instance: PrometheusInstance,
    user: string,
  ): Promise<Known | undefined> {
    const { querier, logger } = this.options;
    try {
      const units = new Map<string, string>();
      // One behind the other: together those of many graphs would take all places of their user.
      for (const metric of metricsOf(query)) {
        const signal = AbortSignal.timeout(TIMEOUT);
        const request = { instance, metric, user, signal };
        const [first] = await querier.metadata(request);
        if (first?.unit) {
          units.set(metric, first.unit);
        }
      }
      return {
        unit: inferUnit(query, metric => units.get(metric)),
        until: Date.now() + AGE,
      };
    } catch (error) {
      // A picture without a unit is better than none, and many servers know nothing of metrics.
      logger.debug(`Units are not known: ${String(error)}`);
      this.paused.set(instance.key, Date.now() + PAUSE, 0);
      return undefined;
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
