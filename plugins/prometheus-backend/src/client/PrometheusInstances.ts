import type { Config } from '@backstage/config';
import { clip } from '@nativestage/backstage-plugin-prometheus-common';
import { UnknownInstanceError } from './errors';
import { PrometheusInstance } from './PrometheusInstance';

const PATH = 'prometheus.instances';

/** The Prometheus servers of the configuration. No other is ever asked. */
export class PrometheusInstances {
  private constructor(
    private readonly instances: ReadonlyMap<string, PrometheusInstance>,
    /** Those that the frontend reaches through Backstage's proxy, by their names. */
    private readonly proxied: ReadonlySet<string>,
  ) {}

  /**
   * Reads `prometheus.instances`. Items with a `proxyPath` and no `url` are left out: the frontend
   * reaches those through Backstage's proxy.
   *
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(config: Config): PrometheusInstances {
    const instances = new Map<string, PrometheusInstance>();
    const proxied = new Set<string>();
    const items = config.getOptionalConfigArray(PATH) ?? [];
    for (const [index, item] of items.entries()) {
      if (item.has('proxyPath') && !item.has('url')) {
        proxied.add(item.getString('name'));
        continue;
      }
      const path = `${PATH}[${index}]`;
      const instance = PrometheusInstance.fromConfig(item, path);
      if (instances.has(instance.name)) {
        throw new Error(
          `${path}.name is "${instance.name}", as another instance's is`,
        );
      }
      instances.set(instance.name, instance);
    }
    if (config.has('prometheus.proxyPath')) {
      proxied.add('default');
    }
    return new PrometheusInstances(instances, proxied);
  }

  get names(): string[] {
    return [...this.instances.keys()];
  }

  /** Whether the frontend asks it, and not the backend. */
  isProxied(name: string): boolean {
    return this.proxied.has(name);
  }

  /**
   * @param name - without one it is the instance called `default`, or the first
   * @throws UnknownInstanceError that names the instances there are
   */
  get(name = this.defaultName): PrometheusInstance {
    const instance = this.instances.get(name);
    if (instance) {
      return instance;
    }
    throw new UnknownInstanceError(
      this.names.length === 0
        ? 'No Prometheus instance is configured'
        : `There is no Prometheus instance "${clip(name)}"; there are ${this.names.join(', ')}`,
    );
  }

  /** Of entities that name none. */
  get defaultName(): string {
    return this.instances.has('default')
      ? 'default'
      : (this.names[0] ?? 'default');
  }
}
