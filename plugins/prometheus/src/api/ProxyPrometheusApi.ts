import type { Entity } from '@backstage/catalog-model';
import type { ConfigApi } from '@backstage/core-plugin-api';
import {
  InputError,
  NotFoundError,
  ServiceUnavailableError,
} from '@backstage/errors';
import {
  ALERT_ANNOTATION,
  alertGraphOf,
  type AlignedRange,
  alignRange,
  type AlertsResult,
  chooseStep,
  DEFAULT_SCRAPE_INTERVAL,
  type EntityPanels,
  type Exemplar,
  fillIntervals,
  findAlerts,
  infosOfWindow,
  intervalsOf,
  largestOf,
  LABELS_ANNOTATION,
  mergeAlerts,
  type Panels,
  panelsOf,
  type PanelSummary,
  parseAlerts,
  parseLabels,
  type RangeResult,
  type TimeRange,
  toRuleGroups,
  toRuleWarnings,
  untilNow,
  usesIntervals,
} from '@nativestage/backstage-plugin-prometheus-common';
import { PluginMissingError } from './PluginMissingError';
import type {
  AlertRule,
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';
import { ProxyClient, type ProxyClientOptions } from './ProxyClient';
import {
  instanceNamesOf,
  type ProxyInstance,
  ProxyInstances,
  withInstance,
} from './ProxyInstances';
import { toExemplars } from './exemplarAnswer';
import { toRangeResult } from './rangeAnswer';
import { serverTimeOf } from './serverTime';
import { onInstance, settled } from './severalInstances';

/** What is warned of where neither an answer nor a query says the time. */
const OWN_CLOCK =
  'Nothing says the server’s time, so this device’s clock decides whether rules are still evaluated. With backend.cors.exposedHeaders: [Date] the backend’s clock does';

/** Series and alerts of an answer, as the backend plugin has it by default. */
const MAX_SHOWN = 500;

export interface ProxyOptions extends ProxyClientOptions {
  configApi: ConfigApi;
}

/**
 * Asks Prometheus through Backstage's proxy, with `prometheus.proxyPath` and
 * `prometheus.instances[].proxyPath`. Here the browser makes the queries, and everyone who may use
 * the proxy's endpoint may send any.
 *
 * Methods fail as {@link ProxyClient.query} does, with AnswerError for an answer of another shape,
 * with InputError for an instance that is not there, naming those that are, and with
 * {@link PluginMissingError} where nothing is configured and the customary endpoint is not there.
 */
export class ProxyPrometheusApi implements PrometheusApi {
  /** Whether endpoints are there that the configuration does not name, by their paths. */
  private readonly found = new Map<string, Promise<boolean>>();
  private readonly panelsByEntity = new WeakMap<Entity, Panels>();

  private constructor(
    private readonly client: ProxyClient,
    private readonly instances: ProxyInstances,
  ) {}

  static create({ configApi, ...options }: ProxyOptions): ProxyPrometheusApi {
    return new ProxyPrometheusApi(
      new ProxyClient(options),
      ProxyInstances.fromConfig(configApi),
    );
  }

  /** Without a request, except for an instance that the configuration does not have. */
  async panels(entity: Entity): Promise<EntityPanels> {
    const instances = await this.instancesOf(entity);
    const [{ name, uiUrl }] = instances;
    const { traceUrl } = this.instances;
    const { panels, problems } = this.read(entity);
    return {
      instance: name,
      uiUrl,
      traceUrl,
      problems,
      panels:
        instances.length === 1
          ? panels
          : instances.flatMap(instance =>
              panels.map(panel => onInstance(panel, instance)),
            ),
    };
  }

  async panelRange(
    entity: Entity,
    { query, instance }: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return instance === undefined
      ? this.customRange(entity, query, range, options)
      : this.range(this.instances.get(instance), query, range, options);
  }

  async panelExemplars(
    entity: Entity,
    { query, instance: name }: PanelSummary,
    range: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]> {
    const instance =
      name === undefined
        ? (await this.instancesOf(entity))[0]
        : this.instances.get(name);
    const { scrapeInterval = DEFAULT_SCRAPE_INTERVAL } = instance;
    const step = scrapeInterval;
    const intervals = intervalsOf({ ...range, step, scrapeInterval });
    const form = {
      query: fillIntervals(query, intervals),
      start: String(range.start),
      end: String(range.end),
    };
    return toExemplars(
      await this.client.query(instance, 'query_exemplars', form, options),
    );
  }

  instanceRange(
    instance: string | undefined,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.customRange(withInstance(instance), query, range, options);
  }

  async customRange(
    entity: Entity,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const [instance] = await this.instancesOf(entity);
    return this.range(instance, query, range, options);
  }

  private async range(
    instance: ProxyInstance,
    query: string,
    { step, maxPoints, ...asked }: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const { start, end } = untilNow(asked);
    const { scrapeInterval } = instance;
    const minStep = usesIntervals(query)
      ? (scrapeInterval ?? DEFAULT_SCRAPE_INTERVAL)
      : 1;
    const range = alignRange({
      start,
      end,
      step: step ?? chooseStep({ start, end, maxPoints, minStep }),
    });
    const intervals = intervalsOf({
      start,
      end,
      step: range.step,
      scrapeInterval,
    });
    const filled = fillIntervals(query, intervals);
    const ask = async (asked: string) =>
      toRangeResult(
        await this.client.query(
          instance,
          'query_range',
          formOf(asked, range),
          options,
        ),
        range,
        MAX_SHOWN,
      );
    const result = await withLargest(await ask(filled), () =>
      ask(largestOf(filled, range, MAX_SHOWN)),
    );
    return {
      ...result,
      ...(filled !== query && { intervals }),
      infos: [...result.infos, ...infosOfWindow(filled, range.step)],
    };
  }

  async alerts(
    entity: Entity,
    names: 'all' | string[] = parseAlerts(annotation(entity, ALERT_ANNOTATION)),
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    const instances = await this.instancesOf(entity);
    const ask = (instance: ProxyInstance) =>
      this.alertsOf(entity, instance, names, options);
    return instances.length === 1
      ? ask(instances[0])
      : mergeAlerts(await Promise.all(instances.map(one => settled(one, ask))));
  }

  private async alertsOf(
    entity: Entity,
    instance: ProxyInstance,
    names: 'all' | string[],
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    const { uiUrl } = instance;
    const labels = parseLabels(annotation(entity, LABELS_ANNOTATION));
    if (names.length === 0) {
      return { uiUrl, alerts: [], warnings: [] };
    }
    const rules = await this.client.get(instance, 'rules?type=alert', options);
    const { json } = rules;
    const known = rules.answered ?? (await this.timeOf(instance, options));
    const found = findAlerts(toRuleGroups(json), {
      names,
      labels,
      idOf: identity => identity,
      answered: known ?? Date.now() / 1000,
    });
    const { alerts, missing, mismatched } = found;
    const shown = alerts.slice(0, MAX_SHOWN);
    return {
      uiUrl,
      alerts: shown,
      ...(missing.length > 0 && { missing }),
      ...(mismatched.length > 0 && { mismatched }),
      warnings: [
        ...toRuleWarnings(json),
        ...(known === undefined ? [OWN_CLOCK] : []),
      ],
      ...(shown.length < alerts.length && {
        truncated: { shown: shown.length, received: alerts.length },
      }),
    };
  }

  /**
   * The server's time, where an answer does not say it; `undefined` where that is not to be had: a
   * ruler of its own answers no queries.
   */
  private async timeOf(
    instance: ProxyInstance,
    options?: RequestOptions,
  ): Promise<number | undefined> {
    try {
      const form = { query: 'time()' };
      return serverTimeOf(
        await this.client.query(instance, 'query', form, options),
      );
    } catch {
      // The alerts are there, and come with a warning.
      options?.signal?.throwIfAborted();
      return undefined;
    }
  }

  async alertRange(
    entity: Entity,
    { name, query, instance }: AlertRule,
    _names: 'all' | string[] | undefined,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    if (query === undefined) {
      throw new NotFoundError(`Nobody said the expression of "${name}"`);
    }
    const asked = alertGraphOf(query).query;
    return instance === undefined
      ? this.customRange(entity, asked, range, options)
      : this.range(this.instances.get(instance), asked, range, options);
  }

  /** Whoever shows a page asks for its graphs again and again; they change with the entity. */
  private read(entity: Entity): Panels {
    const known = this.panelsByEntity.get(entity);
    // Which server is behind the proxy nobody says, and some have a language of their own.
    const panels = known ?? panelsOf(entity, { language: 'any' });
    this.panelsByEntity.set(entity, panels);
    return panels;
  }

  private instancesOf(entity: Entity): Promise<ProxyInstance[]> {
    return Promise.all(
      instanceNamesOf(entity).map(name => this.instanceOf(name)),
    );
  }

  private async instanceOf(name: string): Promise<ProxyInstance> {
    const instance = this.instances.get(name);
    if (instance.isAssumed && !(await this.exists(instance.proxyPath))) {
      throw this.instances.isEmpty
        ? new PluginMissingError()
        : this.instances.unknown(instance.name);
    }
    return instance;
  }

  /** Asks until it is there: an endpoint may come with a rollout. */
  private exists(proxyPath: string): Promise<boolean> {
    const known = this.found.get(proxyPath);
    if (known) {
      return known;
    }
    const asked = this.client.exists(proxyPath);
    this.found.set(proxyPath, asked);
    asked.then(
      isThere => isThere || this.found.delete(proxyPath),
      () => this.found.delete(proxyPath),
    );
    return asked;
  }
}

function formOf(
  query: string,
  { start, end, step }: AlignedRange,
): Record<string, string> {
  return {
    query,
    start: String(start),
    end: String(end),
    step: String(step),
    // One more than is shown tells that there are more.
    limit: String(MAX_SHOWN + 1),
  };
}

/** The series that add up to most, where there are too many; the first ones if the server will not. */
async function withLargest(
  first: RangeResult,
  askLargest: () => Promise<RangeResult>,
): Promise<RangeResult> {
  const { truncated, warnings, infos } = first;
  if (!truncated) {
    return first;
  }
  try {
    const largest = await askLargest();
    return largest.series.length >= truncated.shown
      ? { ...largest, warnings, infos, truncated, kept: 'largest' }
      : { ...first, kept: 'first' };
  } catch (error) {
    // The page says that these are the first ones.
    if (
      error instanceof InputError ||
      error instanceof ServiceUnavailableError
    ) {
      return { ...first, kept: 'first' };
    }
    throw error;
  }
}

function annotation(entity: Entity, name: string): string {
  return entity.metadata.annotations?.[name] ?? '';
}
