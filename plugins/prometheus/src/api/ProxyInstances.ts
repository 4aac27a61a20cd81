import type { Entity } from '@backstage/catalog-model';
import type { ConfigApi } from '@backstage/core-plugin-api';
import { InputError } from '@backstage/errors';
import {
  clip,
  SERVICE_NAME_ANNOTATION,
} from '@nativestage/backstage-plugin-prometheus-common';

const DEFAULT = 'default';

/** What may stand in a path; the backend plugin knows no other names either. */
const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/** A Prometheus behind Backstage's proxy. */
export interface ProxyInstance {
  name: string;
  /** Below `/api/proxy`. */
  proxyPath: string;
  uiUrl?: string;
  /** The configuration says nothing of it, and so the endpoint may not be there. */
  isAssumed?: boolean;
}

/** Which Prometheus servers the proxy leads to: `prometheus.proxyPath` and `prometheus.instances`. */
export class ProxyInstances {
  private constructor(
    /** Those of the configuration. */
    private readonly instances: ReadonlyMap<string, ProxyInstance>,
    private readonly uiUrl?: string,
    /** Where traces are shown. */
    readonly traceUrl?: string,
  ) {}

  static fromConfig(config: ConfigApi): ProxyInstances {
    const proxyPath = config.getOptionalString('prometheus.proxyPath');
    const uiUrl = config.getOptionalString('prometheus.uiUrl');
    const listed = (
      config.getOptionalConfigArray('prometheus.instances') ?? []
    ).map(item => ({
      name: item.getString('name'),
      proxyPath: item.getOptionalString('proxyPath'),
      uiUrl: item.getOptionalString('uiUrl'),
    }));
    const instances = [{ name: DEFAULT, proxyPath, uiUrl }, ...listed].flatMap(
      ({ proxyPath: path, ...instance }) =>
        path === undefined
          ? []
          : [[instance.name, { ...instance, proxyPath: path }] as const],
    );
    const traceUrl = config.getOptionalString('prometheus.traceUrl');
    return new ProxyInstances(new Map(instances), uiUrl, traceUrl);
  }

  /** The entity's, if the configuration has a path for it. */
  find(entity: Entity): ProxyInstance | undefined {
    return this.instances.get(nameOf(entity));
  }

  /**
   * As {@link find}, and otherwise the one with the customary path: `/prometheus/api`, and
   * `/prometheus-staging/api` for the instance `staging`.
   *
   * @throws InputError for a name that cannot be one
   */
  get(entity: Entity): ProxyInstance {
    const name = nameOf(entity);
    if (!NAME.test(name)) {
      throw this.unknown(name);
    }
    return (
      this.find(entity) ?? {
        name,
        proxyPath:
          name === DEFAULT ? '/prometheus/api' : `/prometheus-${name}/api`,
        uiUrl: name === DEFAULT ? this.uiUrl : undefined,
        isAssumed: true,
      }
    );
  }

  /** Whether nobody has configured any. */
  get isEmpty(): boolean {
    return this.instances.size === 0;
  }

  /** What to say of an instance that is not there. */
  unknown(name: string): InputError {
    const known = [...this.instances.keys()].join(', ');
    return new InputError(
      `There is no Prometheus instance "${clip(name)}"; there ${known ? `are ${known}` : 'are none'}`,
    );
  }
}

/** Stands for no entity but for an instance: of an entity nothing else chooses it. */
export function withInstance(name: string | undefined): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: 'none',
      annotations:
        name === undefined ? {} : { [SERVICE_NAME_ANNOTATION]: name },
    },
  };
}

function nameOf(entity: Entity): string {
  const name = entity.metadata.annotations?.[SERVICE_NAME_ANNOTATION];
  return name?.trim() || DEFAULT;
}
