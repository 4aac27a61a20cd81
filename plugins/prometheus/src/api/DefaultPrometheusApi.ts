import type { Entity } from '@backstage/catalog-model';
import { InputError, ResponseError } from '@backstage/errors';
import {
  type AlertsResult,
  type EntityPanels,
  type Exemplar,
  mergeAlerts,
  type PanelSummary,
  type RangeResult,
  SERVICE_NAME_ANNOTATION,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BackendPrometheusApi } from './BackendPrometheusApi';
import { PluginMissingError } from './PluginMissingError';
import type {
  AlertRule,
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';
import {
  instanceNamesOf,
  ProxyInstances,
  UnknownInstanceError,
  withInstance,
} from './ProxyInstances';
import { type ProxyOptions, ProxyPrometheusApi } from './ProxyPrometheusApi';
import { settled } from './severalInstances';

/** Who answers for some of an entity's instances. */
interface Route {
  entity: Entity;
  names: string[];
  isProxied: boolean;
}

/**
 * Milliseconds for which a page with a proxy and without the plugin does not ask for the plugin again;
 * it may come with a rollout while the page is open.
 */
const MISSING_PAUSE = 60_000;

/**
 * Asks through Backstage's proxy for entities whose instance the configuration gives a `proxyPath`,
 * and the backend plugin for all others. What that does not have, or where it is not there, the
 * proxy's customary endpoints are tried: `/prometheus/api` needs no configuration.
 */
export class DefaultPrometheusApi implements PrometheusApi {
  /** Milliseconds since 1970, up to which the backend plugin is taken to be missing. */
  private missingUntil = 0;
  /** Instances that the backend does not have, and the proxy does. */
  private readonly strangers = new Set<string>();

  private constructor(
    private readonly backend: Required<PrometheusApi>,
    private readonly proxy: Required<PrometheusApi>,
    private readonly instances: ProxyInstances,
  ) {}

  static create(options: ProxyOptions): DefaultPrometheusApi {
    return new DefaultPrometheusApi(
      new BackendPrometheusApi(options),
      ProxyPrometheusApi.create(options),
      ProxyInstances.fromConfig(options.configApi),
    );
  }

  async panels(
    entity: Entity,
    options?: RequestOptions,
  ): Promise<EntityPanels> {
    const parts = await Promise.all(
      this.routesOf(entity).map(route =>
        this.ask(route, api => api.panels(route.entity, options)),
      ),
    );
    return parts.length === 1 ? parts[0] : mergePanels(parts);
  }

  async panelRange(
    entity: Entity,
    panel: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const route = this.routeOf(entity, panel);
    return this.ask(route, api =>
      api.panelRange(route.entity, panel, range, options),
    );
  }

  async panelExemplars(
    entity: Entity,
    panel: PanelSummary,
    range: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]> {
    const route = this.routeOf(entity, panel);
    return this.ask(route, api =>
      api.panelExemplars(route.entity, panel, range, options),
    );
  }

  async instanceRange(
    instance: string | undefined,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const [route] = this.routesOf(withInstance(instance));
    return this.ask(route, api =>
      api.instanceRange(instance, query, range, options),
    );
  }

  async customRange(
    entity: Entity,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const [route] = this.routesOf(entity);
    return this.ask(route, api =>
      api.customRange(route.entity, query, range, options),
    );
  }

  async alerts(
    entity: Entity,
    names?: 'all' | string[],
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    const ask = (route: Route) =>
      this.ask(route, api => api.alerts(route.entity, names, options));
    const routes = this.routesOf(entity);
    return routes.length === 1
      ? ask(routes[0])
      : mergeAlerts(
          await Promise.all(
            routes.map(route =>
              settled({ ...route, name: route.names.join(', ') }, ask),
            ),
          ),
        );
  }

  async alertRange(
    entity: Entity,
    rule: AlertRule,
    names: 'all' | string[] | undefined,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const route = this.routeOf(entity, rule);
    return this.ask(route, api =>
      api.alertRange(route.entity, rule, names, range, options),
    );
  }

  /** Who answers for the instance of a panel or an alert. */
  private routeOf(
    entity: Entity,
    { instance }: Pick<PanelSummary, 'instance'>,
  ): Route {
    const routes = this.routesOf(entity);
    return (
      routes.find(({ names }) => names.includes(instance ?? '')) ?? routes[0]
    );
  }

  /** Who answers for which of the entity's instances: one of them, or both. */
  private routesOf(entity: Entity): Route[] {
    const names = instanceNamesOf(entity);
    const isProxied = (name: string) => this.instances.find(name) !== undefined;
    const proxied = names.filter(isProxied);
    const others = names.filter(name => !isProxied(name));
    if (proxied.length === 0 || others.length === 0) {
      return [{ entity, names, isProxied: others.length === 0 }];
    }
    const routes = [
      { entity: serving(entity, others), names: others, isProxied: false },
      { entity: serving(entity, proxied), names: proxied, isProxied: true },
    ];
    // What is asked of one instance alone is asked of the first.
    return isProxied(names[0]) ? routes.reverse() : routes;
  }

  private async ask<T>(
    { names, isProxied }: Route,
    request: (api: Required<PrometheusApi>) => Promise<T>,
  ): Promise<T> {
    const isStrange = names.some(name => this.strangers.has(name));
    if (isProxied || isStrange) {
      return request(this.proxy);
    }
    if (Date.now() >= this.missingUntil) {
      try {
        return await request(this.backend);
      } catch (error) {
        if (isUnknownInstance(error)) {
          return this.askCustomary(names, request, error);
        }
        if (!(error instanceof PluginMissingError)) {
          throw error;
        }
        this.missingUntil = Date.now() + MISSING_PAUSE;
      }
    }
    return this.askInstead(request);
  }

  /** The proxy in place of a backend plugin that is not there. */
  private async askInstead<T>(
    request: (api: Required<PrometheusApi>) => Promise<T>,
  ): Promise<T> {
    try {
      return await request(this.proxy);
    } catch (error) {
      if (error instanceof PluginMissingError) {
        // Whoever tries again means both.
        this.missingUntil = 0;
      }
      throw error;
    }
  }

  /** The backend has no such instance, but the proxy may have its customary endpoint. */
  private async askCustomary<T>(
    names: string[],
    request: (api: Required<PrometheusApi>) => Promise<T>,
    unknown: ResponseError,
  ): Promise<T> {
    try {
      const answer = await request(this.proxy);
      names.forEach(name => this.strangers.add(name));
      return answer;
    } catch (error) {
      if (
        error instanceof PluginMissingError ||
        error instanceof UnknownInstanceError
      ) {
        const [first] = names;
        throw new InputError(
          `${unknown.cause.message}. ${this.instances.remedy(first)}`,
        );
      }
      throw error;
    }
  }
}

/** The entity as one that names these instances alone. */
function serving(entity: Entity, names: string[]): Entity {
  const annotations = {
    ...entity.metadata.annotations,
    [SERVICE_NAME_ANNOTATION]: names.join(', '),
  };
  return { ...entity, metadata: { ...entity.metadata, annotations } };
}

function mergePanels(parts: EntityPanels[]): EntityPanels {
  const [{ instance, uiUrl }] = parts;
  const problems = parts.flatMap(part => part.problems);
  return {
    instance,
    uiUrl,
    // A part with one instance does not say so in each graph.
    panels: parts.flatMap(part =>
      part.panels.map(panel => ({
        instance: part.instance,
        uiUrl: part.uiUrl,
        ...panel,
      })),
    ),
    problems: [
      ...new Map(problems.map(problem => [problem.message, problem])).values(),
    ],
  };
}

function isUnknownInstance(error: unknown): error is ResponseError {
  return (
    error instanceof ResponseError &&
    error.cause.name === 'UnknownInstanceError'
  );
}
