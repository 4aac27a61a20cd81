import type { Entity } from '@backstage/catalog-model';
import type { ConfigApi } from '@backstage/core-plugin-api';
import {
  ALERT_ANNOTATION,
  alignRange,
  type AlertsResult,
  chooseStep,
  type EntityPanels,
  LABELS_ANNOTATION,
  mergeAlerts,
  type Panels,
  panelsOf,
  type PanelSummary,
  parseAlerts,
  parseLabels,
  type RangeResult,
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
  instanceNamesOf,
  type ProxyInstance,
  ProxyInstances,
} from './ProxyInstances';
import { toRangeResult } from './rangeAnswer';
import { onInstance, settled } from './severalInstances';

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
    const { panels, problems } = this.read(entity);
    return {
      instance: name,
      uiUrl,
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
    { start, end, step, maxPoints }: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
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
    const json = await this.client.query(
      instance,
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
    const json = await this.client.get(instance, 'rules?type=alert', options);
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
