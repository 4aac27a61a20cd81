import type { Entity } from '@backstage/catalog-model';
import { serviceNamesOf } from '@nativestage/backstage-plugin-prometheus-common';
import {
  BoundedMap,
  digest,
  PrometheusInstance,
  type PrometheusInstances,
} from './client';
import type {
  InstanceChooser,
  InstanceDefinition,
} from './instanceExtensionPoint';

const MAX_COMPUTED = 1000;

/** Which instances serve an entity: by its annotation, and by whoever chooses. */
export class EntityInstances {
  /** By their definitions: what an instance knows of its server lasts from request to request. */
  private readonly computed = new BoundedMap<PrometheusInstance>({
    maxEntries: MAX_COMPUTED,
    maxBytes: Infinity,
  });

  constructor(
    private readonly instances: PrometheusInstances,
    private readonly choose?: InstanceChooser,
  ) {}

  /**
   * One, or as many as the annotation names, in its order. Of several those are left out that the
   * frontend reaches through Backstage's proxy.
   *
   * @throws UnknownInstanceError that names the instances there are
   */
  async of(entity: Entity): Promise<PrometheusInstance[]> {
    const named = serviceNamesOf(entity);
    const own = named.filter(name => !this.instances.isProxied(name));
    const asked = own.length > 0 ? own : named;
    const preferred = asked.length > 0 ? asked : [this.instances.defaultName];
    const chosen = await Promise.all(
      preferred.map(name => this.chosen(entity, name)),
    );
    return [...new Map(chosen.map(one => [one.key, one])).values()];
  }

  private async chosen(
    entity: Entity,
    preferred: string,
  ): Promise<PrometheusInstance> {
    const { names } = this.instances;
    const choice = await this.choose?.({ entity, preferred, names });
    return typeof choice === 'object'
      ? this.compute(choice)
      : this.instances.get(choice ?? preferred);
  }

  private compute(definition: InstanceDefinition): PrometheusInstance {
    const key = digest(JSON.stringify(definition));
    const known = this.computed.get(key);
    const instance = known ?? PrometheusInstance.computed(definition);
    if (!known) {
      this.computed.set(key, instance, 0);
    }
    return instance;
  }
}
