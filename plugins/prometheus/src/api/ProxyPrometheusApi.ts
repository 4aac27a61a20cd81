import type { Entity } from '@backstage/catalog-model';
import type { ConfigApi } from '@backstage/core-plugin-api';
import {
  ALERT_ANNOTATION,
  alignRange,
  type AlertsResult,
  chooseStep,
  type EntityPanels,
  type Exemplar,
  LABELS_ANNOTATION,
  panelsOf,
  type PanelSummary,
  parseAlerts,
  parseLabels,
  type RangeResult,
  type TimeRange,
  toAlerts,
  toRuleGroups,
} from '@nativestage/backstage-plugin-prometheus-common';
import { PluginMissingError } from './PluginMissingError';
import type {
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';
import { ProxyClient, type ProxyClientOptions } from './ProxyClient';
import {
  type ProxyInstance,
  ProxyInstances,
  withInstance,
} from './ProxyInstances';
import { toExemplars } from './exemplarAnswer';
import { toRangeResult } from './rangeAnswer';
import { shortHash } from './shortHash';

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
 * Methods fail as {@link ProxyClient.post} does, with AnswerError for an answer of another shape,
 * with InputError for an instance that is not there, naming those that are, and with
 * {@link PluginMissingError} where nothing is configured and the customary endpoint is not there.
 */
export class ProxyPrometheusApi implements PrometheusApi {
  /** Whether endpoints are there that the configuration does not name, by their paths. */
  private readonly found = new Map<string, Promise<boolean>>();

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
    const { name, uiUrl } = await this.instanceOf(entity);
    // Which server is behind the proxy nobody says, and some have a language of their own.
    const { traceUrl } = this.instances;
    const panels = panelsOf(entity, { language: 'any', idOf: shortHash });
    return { instance: name, uiUrl, traceUrl, ...panels };
  }

  panelRange(
    entity: Entity,
    { query }: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.customRange(entity, query, range, options);
  }

  async panelExemplars(
    entity: Entity,
    { query }: PanelSummary,
    { start, end }: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]> {
    const { proxyPath } = await this.instanceOf(entity);
    const form = { query, start: String(start), end: String(end) };
    const resource = 'query_exemplars';
    return toExemplars(
      await this.client.post(proxyPath, resource, form, options),
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
    { start, end, step, maxPoints }: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const { proxyPath } = await this.instanceOf(entity);
    const range = alignRange({
      start,
      end,
      step: step ?? chooseStep({ start, end, maxPoints }),
    });
    const form = {
      query,
      start: String(range.start),
      end: String(range.end),
      step: String(range.step),
      // One more than is shown tells that there are more.
      limit: String(MAX_SHOWN + 1),
    };
    const json = await this.client.post(
      proxyPath,
      'query_range',
      form,
      options,
    );
    return toRangeResult(json, range, MAX_SHOWN);
  }

  async alerts(
    entity: Entity,
    names: 'all' | string[] = parseAlerts(annotation(entity, ALERT_ANNOTATION)),
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    const { proxyPath, uiUrl } = await this.instanceOf(entity);
    const labels = parseLabels(annotation(entity, LABELS_ANNOTATION));
    if (names.length === 0) {
      return { uiUrl, alerts: [], warnings: [] };
    }
    const json = await this.client.get(proxyPath, 'rules?type=alert', options);
    const alerts = toAlerts(toRuleGroups(json), { names, labels });
    const shown = alerts.slice(0, MAX_SHOWN);
    return {
      uiUrl,
      alerts: shown,
      warnings: [],
      ...(shown.length < alerts.length && {
        truncated: { shown: shown.length, received: alerts.length },
      }),
    };
  }

  private async instanceOf(entity: Entity): Promise<ProxyInstance> {
    const instance = this.instances.get(entity);
    if (instance.isAssumed && !(await this.exists(instance.proxyPath))) {
      throw this.instances.isEmpty
        ? new PluginMissingError()
        : this.instances.unknown(instance.name);
    }
    return instance;
  }

  /** Asks once; a request that failed says nothing. */
  private exists(proxyPath: string): Promise<boolean> {
    const known = this.found.get(proxyPath);
    if (known) {
      return known;
    }
    const asked = this.client.exists(proxyPath);
    this.found.set(proxyPath, asked);
    asked.catch(() => this.found.delete(proxyPath));
    return asked;
  }
}

function annotation(entity: Entity, name: string): string {
  return entity.metadata.annotations?.[name] ?? '';
}
