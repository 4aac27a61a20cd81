import type { Entity } from '@backstage/catalog-model';
import { NotFoundError, toError } from '@backstage/errors';
import {
  type Alert,
  ALERT_ANNOTATION,
  type AlertFilter,
  alertGraphOf,
  type AlertsResult,
  findAlerts,
  type FoundAlerts,
  type InstanceAlerts,
  LABELS_ANNOTATION,
  mergeAlerts,
  parseAlerts,
  parseLabels,
  type RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  digest,
  type PrometheusInstance,
  type Querier,
  type Silences,
} from './client';
import type { EntityInstances } from './EntityInstances';
import type { Caller, EntityQueries, Range } from './EntityQueries';
import { asReadable, readable } from './readable';

/** Letters of a rule's id, before the name of its instance where the entity has several. */
const ID_LENGTH = 16;

type AlertNames = AlertFilter['names'];

export interface EntityAlertsOptions {
  querier: Querier;
  queries: EntityQueries;
  instances: EntityInstances;
}

/** The alerts of entities, as {@link EntityPrometheus} has their graphs. */
export class EntityAlerts {
  constructor(private readonly options: EntityAlertsOptions) {}

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
  async list(
    entity: Entity,
    caller: Caller,
    names: AlertNames = alertNamesOf(entity),
  ): Promise<AlertsResult> {
    const instances = await this.instancesOf(entity);
    const isOne = instances.length === 1;
    const ask = (instance: PrometheusInstance) =>
      this.listOf({ entity, instance, names, isOne }, caller);
    if (isOne) {
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

  /**
   * What a rule's expression compares, over a range: the expression that the server has for it now,
   * within the enforced labels.
   *
   * @param ruleId - of an alert that {@link list} has for the same names
   * @throws NotFoundError where it has none, as after a change of the rule
   */
  async range(
    entity: Entity,
    ruleId: string,
    range: Range,
    caller: Caller,
    names: AlertNames = alertNamesOf(entity),
  ): Promise<RangeResult> {
    const instances = await this.instancesOf(entity);
    const isOne = instances.length === 1;
    const instance = isOne
      ? instances[0]
      : instances.find(({ name }) => ruleId.slice(ID_LENGTH) === `.${name}`);
    const { alerts } = instance
      ? await this.find({ entity, instance, names, isOne }, caller)
      : { alerts: [] };
    const expression = alerts.find(one => one.ruleId === ruleId)?.query;
    if (!instance || expression === undefined) {
      throw new NotFoundError(
        'The entity has no such alert; its rule may have changed since the page was loaded',
      );
    }
    const { query } = alertGraphOf(expression);
    const { queries } = this.options;
    return queries.rangeWithUnit({ entity, instance, query }, range, caller);
  }

  private async listOf(
    asked: AskedAlerts,
    caller: Caller,
  ): Promise<AlertsResult> {
    const { instance } = asked;
    const { uiUrl } = instance;
    const { maxSeries } = this.options.querier.limits;
    const found = await this.find(asked, caller);
    const { alerts, missing, mismatched, warnings } = found;
    const shown = alerts.slice(0, maxSeries);
    const marked = await this.withSilences(shown, instance, caller);
    return {
      uiUrl,
      alerts: marked.alerts,
      warnings: [...warnings, ...marked.warnings],
      ...(missing.length > 0 && { missing }),
      ...(mismatched.length > 0 && { mismatched }),
      ...(shown.length < alerts.length && {
        truncated: { shown: shown.length, received: alerts.length },
      }),
    };
  }

  private async find(
    { entity, instance, names, isOne }: AskedAlerts,
    caller: Caller,
  ): Promise<FoundAlerts & { warnings: string[] }> {
    const [labels, enforced] = readable(() => [
      parseLabels(annotationOf(entity, LABELS_ANNOTATION)),
      instance.matchersFor(entity),
    ]);
    if (names.length === 0) {
      return { alerts: [], missing: [], mismatched: [], warnings: [] };
    }
    const { groups, warnings, answered } = await this.options.querier.rules({
      instance,
      ...caller,
    });
    const suffix = isOne ? '' : `.${instance.name}`;
    const idOf = (identity: string) =>
      `${digest(identity).slice(0, ID_LENGTH)}${suffix}`;
    const filter = { names, labels, enforced, idOf, answered };
    return { ...findAlerts(groups, filter), warnings };
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
    return this.options.instances.of(entity).catch(asReadable);
  }
}

interface AskedAlerts {
  entity: Entity;
  instance: PrometheusInstance;
  names: AlertNames;
  /** Whether the entity has no other instance. */
  isOne: boolean;
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
