import type { Entity } from '@backstage/catalog-model';
import type {
  AlertsResult,
  EntityPanels,
  PanelSummary,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BackendPrometheusApi } from './BackendPrometheusApi';
import { PluginMissingError } from './PluginMissingError';
import type {
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';
import { ProxyInstances } from './ProxyInstances';
import { type ProxyOptions, ProxyPrometheusApi } from './ProxyPrometheusApi';

/**
 * Milliseconds for which a page with a proxy and without the plugin does not ask for the plugin again;
 * it may come with a rollout while the page is open.
 */
const MISSING_PAUSE = 60_000;

/**
 * Asks through Backstage's proxy for entities whose instance the configuration gives a `proxyPath`,
 * and the backend plugin for all others. Where there is no backend plugin, the proxy's customary
 * endpoints are tried: `/prometheus/api` needs no configuration.
 */
export class DefaultPrometheusApi implements PrometheusApi {
  /** Milliseconds since 1970, up to which the backend plugin is taken to be missing. */
  private missingUntil = 0;

  private constructor(
    private readonly backend: PrometheusApi,
    private readonly proxy: PrometheusApi,
    private readonly instances: ProxyInstances,
  ) {}

  static create(options: ProxyOptions): DefaultPrometheusApi {
    return new DefaultPrometheusApi(
      new BackendPrometheusApi(options),
      ProxyPrometheusApi.create(options),
      ProxyInstances.fromConfig(options.configApi),
    );
  }

  panels(entity: Entity, options?: RequestOptions): Promise<EntityPanels> {
    return this.ask(entity, api => api.panels(entity, options));
  }

  panelRange(
    entity: Entity,
    panel: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.ask(entity, api =>
      api.panelRange(entity, panel, range, options),
    );
  }

  customRange(
    entity: Entity,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.ask(entity, api =>
      api.customRange(entity, query, range, options),
    );
  }

  alerts(
    entity: Entity,
    names?: 'all' | string[],
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    return this.ask(entity, api => api.alerts(entity, names, options));
  }

  private async ask<T>(
    entity: Entity,
    request: (api: PrometheusApi) => Promise<T>,
  ): Promise<T> {
    if (Date.now() >= this.missingUntil && !this.instances.find(entity)) {
      try {
        return await request(this.backend);
      } catch (error) {
        if (!(error instanceof PluginMissingError)) {
          throw error;
        }
        this.missingUntil = Date.now() + MISSING_PAUSE;
      }
    }
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
}
