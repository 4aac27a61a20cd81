import { type Entity, getCompoundEntityRef } from '@backstage/catalog-model';
import type { DiscoveryApi, FetchApi } from '@backstage/core-plugin-api';
import { NotFoundError, ResponseError } from '@backstage/errors';
import {
  type AlertsResult,
  AnswerError,
  type EntityPanels,
  type Exemplar,
  type ExemplarSeries,
  type PanelSummary,
  type RangeResult,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { isMissing } from './isMissing';
import { PluginMissingError } from './PluginMissingError';
import type {
  AlertRule,
  PrometheusApi,
  RangeQuery,
  RequestOptions,
} from './PrometheusApi';

export interface BackendOptions {
  discoveryApi: DiscoveryApi;
  fetchApi: FetchApi;
}

/**
 * Asks the backend plugin, which knows the queries.
 *
 * Methods throw {@link PluginMissingError} where it is not installed, and ResponseError with its
 * message for whatever else it refuses.
 */
export class BackendPrometheusApi implements PrometheusApi {
  constructor(private readonly options: BackendOptions) {}

  panels(entity: Entity, options?: RequestOptions): Promise<EntityPanels> {
    return this.ask(entity, ['panels'], undefined, options);
  }

  panelRange(
    entity: Entity,
    { id }: PanelSummary,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    return this.ask(entity, ['panels', id, 'range'], rangeOf(range), options);
  }

  async panelExemplars(
    entity: Entity,
    { id }: PanelSummary,
    { start, end }: TimeRange,
    options?: RequestOptions,
  ): Promise<Exemplar[]> {
    const path = ['panels', id, 'exemplars'];
    const series = await this.ask<ExemplarSeries[]>(
      entity,
      path,
      { start, end },
      options,
    );
    return series.flatMap(({ exemplars }) => exemplars);
  }

  instanceRange(
    instance: string | undefined,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const body = { query, instance, ...rangeOf(range) };
    return this.send(['query', 'range'], body, options);
  }

  customRange(
    entity: Entity,
    query: string,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    const body = { query, ...rangeOf(range) };
    return this.ask(entity, ['query', 'range'], body, options);
  }

  alerts(
    entity: Entity,
    names?: 'all' | string[],
    options?: RequestOptions,
  ): Promise<AlertsResult> {
    return this.ask(entity, ['alerts'], names && { names }, options);
  }

  async alertRange(
    entity: Entity,
    { name, ruleId }: AlertRule,
    names: 'all' | string[] | undefined,
    range: RangeQuery,
    options?: RequestOptions,
  ): Promise<RangeResult> {
    if (ruleId === undefined) {
      throw new NotFoundError(`Nobody said which rule of "${name}" it is`);
    }
    const path = ['alerts', ruleId, 'range'];
    return this.ask(entity, path, { ...rangeOf(range), names }, options);
  }

  private ask<T>(
    entity: Entity,
    resource: string[],
    body: object | undefined,
    options?: RequestOptions,
  ): Promise<T> {
    const { kind, namespace, name } = getCompoundEntityRef(entity);
    return this.send(
      ['entities', kind, namespace, name, ...resource],
      body,
      options,
    );
  }

  private async send<T>(
    path: string[],
    body: object | undefined,
    { signal }: RequestOptions = {},
  ): Promise<T> {
    const { discoveryApi, fetchApi } = this.options;
    const response = await fetchApi.fetch(
      [await discoveryApi.getBaseUrl('prometheus')]
        .concat(path.map(encodeURIComponent))
        .join('/'),
      body
        ? {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
            signal,
          }
        : { signal },
    );
    if (!response.ok) {
      throw await errorOf(response);
    }
    if (!response.headers.get('content-type')?.includes('json')) {
      throw new AnswerError(
        `${response.url} answered with something that is not JSON; backend.baseUrl has to be the backend's address`,
      );
    }
    return (await response.json()) as T;
  }
}

/** The backend refuses what it does not know, and a caller's object may have more. */
function rangeOf({ start, end, step, maxPoints }: RangeQuery): RangeQuery {
  return { start, end, step, maxPoints };
}

async function errorOf(response: Response): Promise<Error> {
  if (await isMissing(response)) {
    return new PluginMissingError();
  }
  const error = await ResponseError.fromResponse(response);
  const { name, message } = error.cause;
  return name === 'Error' ? error : Object.assign(error, { message });
}
