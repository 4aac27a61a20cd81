import type { Entity } from '@backstage/catalog-model';
import type {
  AlertsResult,
  EntityPanels,
  Exemplar,
  PanelSummary,
  RangeResult,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BackendPrometheusApi } from './BackendPrometheusApi';
import { PluginMissingError } from './PluginMissingError';
import type {
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';
import { ProxyInstances, withInstance } from './ProxyInstances';
import { type ProxyOptions, ProxyPrometheusApi } from './ProxyPrometheusApi';

/**
 * Asks through Backstage's proxy for entities whose instance the configuration gives a `proxyPath`,
 * and the backend plugin for all others. Where there is no backend plugin, the proxy's customary
 * endpoints are tried: `/prometheus/api` needs no configuration.
 */
export class DefaultPrometheusApi implements PrometheusApi {
  /** For as long as the page is open: a plugin does not come without a restart. */
  private isPluginMissing = false;

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

  panelExemplars(
    entity: Entity,
    panel: PanelSummary,
    range: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]> {
    return this.ask(entity, api =>
      api.panelExemplars(entity, panel, range, options),
    );
  }

  instanceRange(
    instance: string | undefined,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.ask(withInstance(instance), api =>
      api.instanceRange(instance, query, range, options),
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
    request: (api: Required<PrometheusApi>) => Promise<T>,
  ): Promise<T> {
    if (!this.isPluginMissing && !this.instances.find(entity)) {
      try {
        return await request(this.backend);
      } catch (error) {
        if (!(error instanceof PluginMissingError)) {
          throw error;
        }
        this.isPluginMissing = true;
      }
    }
    return request(this.proxy);
  }
}
