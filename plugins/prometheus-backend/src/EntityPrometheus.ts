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
  inferUnit,
  type InstantResult,
  LABELS_ANNOTATION,
  type NamedQuery,
  parseAlerts,
  parseLabels,
  type PanelSummary,
  QueryError,
  type RangeResult,
  SERVICE_NAME_ANNOTATION,
  type TimeRange,
  toAlerts,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  type PrometheusInstance,
  type Querier,
  type QueryRequest,
  type RangeRequest,
  type Silences,
} from './client';
import type { InstanceChooser } from './instanceExtensionPoint';
import { PanelReader } from './PanelReader';
import { thinExemplars } from './thinExemplars';

/** Metrics of one entity that the server is asked about for their units. */
const MAX_METADATA = 20;

/** Milliseconds: the list of graphs does not wait longer for what is only said beside them. */
const METADATA_WAIT = 2_000;

/** Exemplars of a panel: more dots would hide its lines. */
const MAX_EXEMPLARS = 200;

/** Who asks, and until when. */
export type Caller = Pick<QueryRequest, 'user' | 'signal'>;

type AlertNames = AlertFilter['names'];

type Range = Pick<RangeRequest, 'start' | 'end' | 'step' | 'maxPoints'>;

export interface EntityPrometheusOptions {
  querier: Querier;
  queries: ReadonlyMap<string, NamedQuery>;
  logger: LoggerService;
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

  constructor(private readonly options: EntityPrometheusOptions) {
    this.panelReader = new PanelReader(options.queries);
  }

  /** @throws InputError for an unknown instance, naming those there are */
  async panels(entity: Entity, caller: Caller): Promise<EntityPanels> {
    const instance = await this.instanceOf(entity);
    const { panels, problems } = this.panelReader.read(entity, instance);
    return {
      instance: instance.name,
      uiUrl: instance.uiUrl,
      traceUrl: instance.traceUrl ?? this.options.traceUrl,
      panels: await this.withUnits(panels, instance, caller),
      problems,
    };
  }

  /** @throws NotFoundError where the entity has no such panel, as after a change of its annotation */
  async panelRange(
    entity: Entity,
    panel: string,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const instance = await this.instanceOf(entity);
    const { query } = this.find(entity, instance, panel);
    return this.range(query, entity, instance, range, caller);
  }

  /** As {@link panelRange}, at this moment. */
  async panelInstant(
    entity: Entity,
    panel: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const instance = await this.instanceOf(entity);
    const { query } = this.find(entity, instance, panel);
    return this.instant(query, entity, instance, caller);
  }

  /**
   * The traces and the like that stand for samples of a panel, where the server keeps any: of many
   * those that stand out.
   */
  async panelExemplars(
    entity: Entity,
    panel: string,
    range: TimeRange,
    caller: Caller,
  ): Promise<ExemplarSeries[]> {
    const instance = await this.instanceOf(entity);
    const { query } = this.find(entity, instance, panel);
    const series = await this.options.querier.exemplars({
      instance: instance.name,
      query: enforce(instance, query, entity),
      ...range,
      ...caller,
    });
    return thinExemplars(series, range, MAX_EXEMPLARS);
  }

  /** PromQL of the caller's own, asked of the entity's instance and within its labels. */
  async customRange(
    entity: Entity,
    query: string,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    const instance = await this.instanceOf(entity);
    return this.range(query, entity, instance, range, caller);
  }

  /** As {@link customRange}, at this moment. */
  async customInstant(
    entity: Entity,
    query: string,
    caller: Caller,
  ): Promise<InstantResult> {
    const instance = await this.instanceOf(entity);
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
    const instance = await this.instanceOf(entity);
    const { uiUrl } = instance;
    const labels = readable(() => [
      ...parseLabels(annotationOf(entity, LABELS_ANNOTATION)),
      ...instance.matchersFor(entity),
    ]);
    if (names.length === 0) {
      return { uiUrl, alerts: [], warnings: [] };
    }
    const groups = await this.options.querier.rules({
      instance: instance.name,
      ...caller,
    });
    const { maxSeries } = this.options.querier.limits;
    const alerts = toAlerts(groups, { names, labels });
    const shown = alerts.slice(0, maxSeries);
    return {
      uiUrl,
      ...(await this.withSilences(shown, instance, caller)),
      ...(shown.length < alerts.length && {
        truncated: { shown: shown.length, received: alerts.length },
      }),
    };
  }

  /** What is silenced is said of what is firing, if the Alertmanager answers. */
  private async withSilences(
    alerts: Alert[],
    { name }: PrometheusInstance,
    caller: Caller,
  ): Promise<Pick<AlertsResult, 'alerts' | 'warnings'>> {
    if (!alerts.some(({ state }) => state === 'firing')) {
      return { alerts, warnings: [] };
    }
    try {
      const request = { instance: name, ...caller };
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

  private async instanceOf(entity: Entity): Promise<PrometheusInstance> {
    const { querier, chooseInstance } = this.options;
    const { instances } = querier;
    const named = entity.metadata.annotations?.[SERVICE_NAME_ANNOTATION];
    const preferred = instances.get(named?.trim() || undefined);
    const chosen = await chooseInstance?.({
      entity,
      preferred: preferred.name,
      names: instances.names,
    });
    return chosen === undefined ? preferred : instances.get(chosen);
  }

  private find(
    entity: Entity,
    instance: PrometheusInstance,
    id: string,
  ): PanelSummary {
    const { panels } = this.panelReader.read(entity, instance);
    const panel = panels.find(one => one.id === id);
    if (!panel) {
      throw new NotFoundError(
        'The entity has no such panel; its annotations may have changed since the page was loaded',
      );
    }
    return panel;
  }

  private range(
    query: string,
    entity: Entity,
    instance: PrometheusInstance,
    range: Range,
    caller: Caller,
  ): Promise<RangeResult> {
    return this.options.querier.queryRange({
      instance: instance.name,
      query: enforce(instance, query, entity),
      ...range,
      ...caller,
    });
  }

  private instant(
    query: string,
    entity: Entity,
    instance: PrometheusInstance,
    caller: Caller,
  ): Promise<InstantResult> {
    return this.options.querier.query({
      instance: instance.name,
      query: enforce(instance, query, entity),
      ...caller,
    });
  }

  /** Names often tell the unit; where they do not, the server may. */
  private async withUnits(
    panels: PanelSummary[],
    instance: PrometheusInstance,
    caller: Caller,
  ): Promise<PanelSummary[]> {
    const units = await this.unitsOf(metricsOf(panels), instance, caller);
    return panels.map(panel => ({
      ...panel,
      unit: panel.unit ?? inferUnit(panel.query, metric => units.get(metric)),
    }));
  }

  private async unitsOf(
    metrics: string[],
    instance: PrometheusInstance,
    caller: Caller,
  ): Promise<Map<string, string>> {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error('The metadata took too long')),
      METADATA_WAIT,
    );
    const signal = AbortSignal.any(
      caller.signal ? [caller.signal, late.signal] : [late.signal],
    );
    try {
      const known = await Promise.all(
        metrics.map(metric =>
          this.unitOf(metric, instance, { ...caller, signal }),
        ),
      );
      return new Map(known.filter(entry => entry[1] !== ''));
    } finally {
      clearTimeout(timer);
    }
  }

  private async unitOf(
    metric: string,
    { name }: PrometheusInstance,
    caller: Caller,
  ): Promise<[metric: string, unit: string]> {
    const { querier, logger } = this.options;
    try {
      const request = { instance: name, metric, ...caller };
      const [first] = await querier.metadata(request);
      return [metric, first?.unit ?? ''];
    } catch (error) {
      // A picture without a unit is better than none, and the query itself will say what is wrong.
      logger.debug(`The unit of ${metric} is not known: ${String(error)}`);
      return [metric, ''];
    }
  }
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
    silences && alert.state === 'firing'
      ? { ...alert, silenced: silences.has(alert.labels) }
      : alert,
  );
}

/** The metrics whose units would tell those of the panels that have none. */
function metricsOf(panels: PanelSummary[]): string[] {
  const metrics = new Set<string>();
  for (const { query, unit } of panels) {
    if (unit === undefined) {
      inferUnit(query, metric => {
        metrics.add(metric);
        return undefined;
      });
    }
  }
  return [...metrics].slice(0, MAX_METADATA);
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
    throw error instanceof QueryError || error instanceof AnnotationError
      ? new InputError(error.message)
      : error;
  }
}
