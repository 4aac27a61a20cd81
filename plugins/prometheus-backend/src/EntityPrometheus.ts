import type { LoggerService } from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';
import { InputError, NotFoundError, toError } from '@backstage/errors';
import {
  type Alert,
  type AlertFilter,
  ALERT_ANNOTATION,
  AnnotationError,
  type AlertsResult,
  type EntityPanels,
  type ExemplarSeries,
  findAlerts,
  type InstanceAlerts,
  type InstantResult,
  LABELS_ANNOTATION,
  mergeAlerts,
  type NamedQuery,
  parseAlerts,
  parseLabels,
  type PanelSummary,
  QueryError,
  type RangeResult,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  type PrometheusInstance,
  type Querier,
  type QueryRequest,
  type RangeRequest,
  type Silences,
} from './client';
import { EntityInstances } from './EntityInstances';
import type { InstanceChooser } from './instanceExtensionPoint';
import { PanelReader } from './PanelReader';
import { thinExemplars } from './thinExemplars';
import { UnitReader } from './UnitReader';

/** Exemplars of a panel: more dots would hide its lines. */
const MAX_EXEMPLARS = 200;

/** Who asks, and until when. */
export type Caller = Pick<QueryRequest, 'user' | 'signal'>;

type AlertNames = AlertFilter['names'];

type Range = Pick<RangeRequest, 'start' | 'end' | 'step' | 'maxPoints'>;

export interface EntityPrometheusOptions {
  querier: Querier;
  queries: ReadonlyMap<string, NamedQuery>;
  logger: Pick<LoggerService, 'debug'>;
  /** Where traces are shown, of instances that have no own address for them. */
  traceUrl?: string;
  chooseInstance?: InstanceChooser;
}

/**
 * What entities have in Prometheus. The queries come from their annotations and the configuration,
 * the instance from the configuration alone; whether the caller may see the entity was asked before.
 */
export class EntityPrometheus {
  private readonly panelReader: PanelReader;
  private readonly instances: EntityInstances;
  private readonly units: UnitReader;

  constructor(private readonly options: EntityPrometheusOptions) {
    const { queries, querier, chooseInstance } = options;
    this.panelReader = new PanelReader(queries);
    this.instances = new EntityInstances(querier.instances, chooseInstance);
    this.units = new UnitReader(options);
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
    const result = await this.range(
      panel.query,
      entity,
      instance,
      range,
      caller,
    );
    const unit =
      panel.unit === undefined
        ? await this.units.of(panel.query, instance, caller)
        : undefined;
    return unit === undefined ? result : { ...result, unit };
  }

  /** As {@link panelRange}, at this moment. */
  async panelInstant(
    entity: Entity,
    id: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const { instance, panel } = await this.find(entity, id);
    return this.instant(panel.query, entity, instance, caller);
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
    const { querier } = this.options;
    const query = querier.fill(instance, panel.query, range);
    const series = await querier.exemplars({
      instance,
      query: enforce(instance, query, entity),
      ...range,
      ...caller,
    });
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
    return this.range(query, entity, instance, range, caller);
  }

  /** As {@link customRange}, at this moment. */
  async customInstant(
    entity: Entity,
    query: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const [instance] = await this.instancesOf(entity);
    return this.instant(query, entity, instance, caller);
  }

  /**
   * Whether the entity's annotation asks for all these alerts.
   *
   * @throws InputError for an annotation that cannot be read, showing the place
   */
  asksFor(entity: Entity, names: AlertNames): boolean {
    const asked = alertNamesOf(entity);
    if (asked === 'all' || names === 'all') {
      return asked === 'all';
    }
    const known = new Set(asked);
    return names.every(name => known.has(name));
  }

  /**
   * Alerts by their rules' names, those that the entity asks for if none are given. They have the
   * labels of the annotation and, where the instance enforces some, those too.
   *
   * @throws InputError for an annotation that cannot be read, showing the place
   */
  async alerts(
    entity: Entity,
    caller: Caller,
    names: AlertNames = alertNamesOf(entity),
  ): Promise<AlertsResult> {
    const instances = await this.instancesOf(entity);
    const ask = (instance: PrometheusInstance) =>
      this.alertsOf(entity, instance, caller, names);
    if (instances.length === 1) {
      return ask(instances[0]);
    }
    const parts = await Promise.all(
      instances.map(async (instance): Promise<InstanceAlerts> => {
        const { name } = instance;
        return ask(instance).then(
          result => ({ instance: name, result }),
          (error: unknown) => ({ instance: name, error: toError(error) }),
        );
      }),
    );
    caller.signal?.throwIfAborted();
    return mergeAlerts(parts);
  }

  private async alertsOf(
    entity: Entity,
    instance: PrometheusInstance,
    caller: Caller,
    names: AlertNames,
  ): Promise<AlertsResult> {
    const { uiUrl } = instance;
    const [labels, enforced] = readable(() => [
      parseLabels(annotationOf(entity, LABELS_ANNOTATION)),
      instance.matchersFor(entity),
    ]);
    if (names.length === 0) {
      return { uiUrl, alerts: [], warnings: [] };
    }
    const groups = await this.options.querier.rules({ instance, ...caller });
    const { maxSeries } = this.options.querier.limits;
    const found = findAlerts(groups, { names, labels, enforced });
    const { alerts, missing, mismatched } = found;
    const shown = alerts.slice(0, maxSeries);
    return {
      uiUrl,
      ...(await this.withSilences(shown, instance, caller)),
      ...(missing.length > 0 && { missing }),
      ...(mismatched.length > 0 && { mismatched }),
      ...(shown.length < alerts.length && {
        truncated: { shown: shown.length, received: alerts.length },
      }),
    };
  }

  /** What is silenced is said of what is firing, if the Alertmanager answers. */
  private async withSilences(
    alerts: Alert[],
    instance: PrometheusInstance,
    caller: Caller,
  ): Promise<Pick<AlertsResult, 'alerts' | 'warnings'>> {
    if (!alerts.some(({ state }) => state === 'firing')) {
      return { alerts, warnings: [] };
    }
    try {
      const request = { instance, ...caller };
      const silences = await this.options.querier.silences(request);
      return { alerts: markSilenced(alerts, silences), warnings: [] };
    } catch (error) {
      caller.signal?.throwIfAborted();
      const { message } = toError(error);
      return {
        alerts,
        warnings: [`It is not known which alerts are silenced: ${message}`],
      };
    }
  }

  private async instancesOf(entity: Entity): Promise<PrometheusInstance[]> {
    return this.instances.of(entity).catch(asReadable);
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

  /** Intervals are filled in before labels are enforced: what is checked is what is sent. */
  private async range(
    query: string,
    entity: Entity,
    instance: PrometheusInstance,
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

  private instant(
    query: string,
    entity: Entity,
    instance: PrometheusInstance,
    caller: Caller,
  ): Promise<InstantResult> {
    const { querier } = this.options;
    return querier.query({
      instance,
      query: enforce(instance, querier.fill(instance, query), entity),
      ...caller,
    });
  }
}

/** A graph of an entity that has several instances, or a page could not tell them apart. */
function onInstance(
  panel: PanelSummary,
  { name, uiUrl }: PrometheusInstance,
): PanelSummary {
  return { ...panel, id: `${panel.id}.${name}`, instance: name, uiUrl };
}

/** @throws InputError */
function alertNamesOf(entity: Entity): AlertNames {
  return readable(() => parseAlerts(annotationOf(entity, ALERT_ANNOTATION)));
}

function annotationOf(entity: Entity, name: string): string {
  return entity.metadata.annotations?.[name] ?? '';
}

function markSilenced(alerts: Alert[], silences?: Silences): Alert[] {
  return alerts.map(alert =>
    silences && alert.state === 'firing' ? withSilence(alert, silences) : alert,
  );
}

function withSilence(alert: Alert, all: Silences): Alert {
  const silenced = all.has(alert.labels);
  const silences = silenced ? all.of(alert.labels) : [];
  return { ...alert, silenced, ...(silences.length > 0 && { silences }) };
}

function enforce(
  instance: PrometheusInstance,
  query: string,
  entity: Entity,
): string {
  return readable(() => instance.enforce(query, entity));
}

/** What an author or a caller wrote wrongly is said to them. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return asReadable(error);
  }
}

function asReadable(error: unknown): never {
  throw error instanceof QueryError || error instanceof AnnotationError
    ? new InputError(error.message)
    : error;
}
