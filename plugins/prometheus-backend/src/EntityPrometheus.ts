import type { Entity } from '@backstage/catalog-model';
import { NotFoundError } from '@backstage/errors';
import type {
  EntityPanels,
  ExemplarSeries,
  InstantResult,
  NamedQuery,
  PanelSummary,
  RangeResult,
  TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { PrometheusInstance } from './client';
import type { EntityInstances } from './EntityInstances';
import type { Caller, EntityQueries, Range } from './EntityQueries';
import { PanelReader } from './PanelReader';
import { asReadable } from './readable';
import { thinExemplars } from './thinExemplars';

/** Exemplars of a panel: more dots would hide its lines. */
const MAX_EXEMPLARS = 200;

export interface EntityPrometheusOptions {
  queries: EntityQueries;
  instances: EntityInstances;
  /** Of the configuration, by their names. */
  named: ReadonlyMap<string, NamedQuery>;
  /** Where traces are shown, of instances that have no own address for them. */
  traceUrl?: string;
}

/**
 * The graphs that entities have in Prometheus. The queries come from their annotations and the
 * configuration, the instance from the configuration alone; whether the caller may see the entity was
 * asked before.
 */
export class EntityPrometheus {
  private readonly panelReader: PanelReader;

  constructor(private readonly options: EntityPrometheusOptions) {
    this.panelReader = new PanelReader(options.named);
  }

  /**
   * The graphs of the entity, on each of its instances. No server is asked: titles do not wait for one.
   *
   * @throws UnknownInstanceError, naming those there are
   */
  async panels(entity: Entity): Promise<EntityPanels> {
    const found = await this.found(entity);
    const [{ name, uiUrl, traceUrl }] = found.map(({ instance }) => instance);
    const problems = found.flatMap(each => each.problems);
    return {
      instance: name,
      uiUrl,
      traceUrl: traceUrl ?? this.options.traceUrl,
      panels: found.flatMap(each => each.panels),
      // Each instance has the same of the same annotation.
      problems: [
        ...new Map(
          problems.map(problem => [problem.message, problem]),
        ).values(),
      ],
    };
  }

  /** @throws NotFoundError where the entity has no such panel, as after a change of its annotation */
  async panelRange(
    entity: Entity,
    id: string,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const { instance, panel } = await this.find(entity, id);
    const asked = { entity, instance, query: panel.query, unit: panel.unit };
    return this.options.queries.rangeWithUnit(asked, range, caller);
  }

  /** As {@link panelRange}, at this moment. */
  async panelInstant(
    entity: Entity,
    id: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const { instance, panel } = await this.find(entity, id);
    const { query } = panel;
    return this.options.queries.instant({ entity, instance, query }, caller);
  }

  /**
   * The traces and the like that stand for samples of a panel, where the server keeps any: of many
   * those that stand out.
   */
  async panelExemplars(
    entity: Entity,
    id: string,
    range: TimeRange,
    caller: Caller,
  ): Promise<ExemplarSeries[]> {
    const { instance, panel } = await this.find(entity, id);
    const series = await this.options.queries.exemplars(
      { entity, instance, query: panel.query },
      range,
      caller,
    );
    return thinExemplars(series, range, MAX_EXEMPLARS);
  }

  /**
   * PromQL of the caller's own, within the labels of the entity's instance: of several, the first.
   */
  async customRange(
    entity: Entity,
    query: string,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const [instance] = await this.instancesOf(entity);
    const asked = { entity, instance, query };
    return this.options.queries.range(asked, range, caller);
  }

  /** As {@link customRange}, at this moment. */
  async customInstant(
    entity: Entity,
    query: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const [instance] = await this.instancesOf(entity);
    return this.options.queries.instant({ entity, instance, query }, caller);
  }

  private async instancesOf(entity: Entity): Promise<PrometheusInstance[]> {
    return this.options.instances.of(entity).catch(asReadable);
  }

  /** What each of the entity's instances has for it. */
  private async found(entity: Entity) {
    const instances = await this.instancesOf(entity);
    return instances.map(instance => {
      const { panels, problems } = this.panelReader.read(entity, instance);
      return {
        instance,
        problems,
        panels:
          instances.length === 1
            ? panels
            : panels.map(panel => onInstance(panel, instance)),
      };
    });
  }

  private async find(
    entity: Entity,
    id: string,
  ): Promise<{ instance: PrometheusInstance; panel: PanelSummary }> {
    for (const { instance, panels } of await this.found(entity)) {
      const panel = panels.find(one => one.id === id);
      if (panel) {
        return { instance, panel };
      }
    }
    throw new NotFoundError(
      'The entity has no such panel; its annotations may have changed since the page was loaded',
    );
  }
}

/** A graph of an entity that has several instances, or a page could not tell them apart. */
function onInstance(
  panel: PanelSummary,
  { name, uiUrl }: PrometheusInstance,
): PanelSummary {
  return { ...panel, id: `${panel.id}.${name}`, instance: name, uiUrl };
}
