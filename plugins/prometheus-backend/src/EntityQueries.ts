import type { LoggerService } from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';
import type {
  ExemplarSeries,
  InstantResult,
  RangeResult,
  TimeRange,
  Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import type {
  PrometheusInstance,
  Querier,
  QueryRequest,
  RangeRequest,
} from './client';
import { readable } from './readable';
import { UnitReader } from './UnitReader';

/** Who asks, and until when. */
export type Caller = Pick<QueryRequest, 'user' | 'signal'>;

export type Range = Pick<RangeRequest, 'start' | 'end' | 'step' | 'maxPoints'>;

/** A query of an entity, and the instance it is asked of. */
export interface EntityQuery {
  entity: Entity;
  instance: PrometheusInstance;
  query: string;
}

export interface EntityQueriesOptions {
  querier: Querier;
  logger: Pick<LoggerService, 'debug'>;
}

/** Asks for an entity: whatever is sent has the labels that its instance enforces. */
export class EntityQueries {
  private readonly units: UnitReader;

  constructor(private readonly options: EntityQueriesOptions) {
    this.units = new UnitReader(options);
  }

  /** Intervals are filled in before labels are enforced: what is checked is what is sent. */
  async range(
    { entity, instance, query }: EntityQuery,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const { querier } = this.options;
    const request = { instance, query, ...range, ...caller };
    const plan = querier.plan(request);
    const result = await querier.queryRange({
      ...request,
      query: enforce(instance, plan.query, entity),
      step: plan.range.step,
    });
    return plan.intervals ? { ...result, intervals: plan.intervals } : result;
  }

  /** As {@link range}, with the unit that the server knows, unless somebody said another. */
  async rangeWithUnit(
    asked: EntityQuery & { unit?: Unit },
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const result = await this.range(asked, range, caller);
    const unit =
      asked.unit === undefined
        ? await this.units.of(asked.query, asked.instance, caller)
        : undefined;
    return unit === undefined ? result : { ...result, unit };
  }

  /** The values of this moment. */
  instant(
    { entity, instance, query }: EntityQuery,
    caller: Caller,
  ): Promise<InstantResult> {
    const { querier } = this.options;
    return querier.query({
      instance,
      query: enforce(instance, querier.fill(instance, query), entity),
      ...caller,
    });
  }

  /** The traces and the like that stand for samples. */
  exemplars(
    { entity, instance, query }: EntityQuery,
    range: TimeRange,
    caller: Caller,
  ): Promise<ExemplarSeries[]> {
    const { querier } = this.options;
    const filled = querier.fill(instance, query, range);
    return querier.exemplars({
      instance,
      query: enforce(instance, filled, entity),
      ...range,
      ...caller,
    });
  }
}

function enforce(
  instance: PrometheusInstance,
  query: string,
  entity: Entity,
): string {
  return readable(() => instance.enforce(query, entity));
}
