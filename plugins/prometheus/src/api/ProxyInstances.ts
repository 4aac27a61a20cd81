import type { Entity } from '@backstage/catalog-model';
import { readDurationFromConfig } from '@backstage/config';
import type { ConfigApi } from '@backstage/core-plugin-api';
import { InputError } from '@backstage/errors';
import {
  clip,
  HTTP_METHODS,
  type HttpMethod,
  SERVICE_NAME_ANNOTATION,
  serviceNamesOf,
} from '@nativestage/backstage-plugin-prometheus-common';

export const DEFAULT = 'default';

/** By which a middleware before many servers chooses, as the plugin that this replaces has it. */
const SERVICE_NAME_HEADER = 'x-prometheus-service-name';

/** The configuration has no instance of that name, and the proxy no customary endpoint for it. */
export class UnknownInstanceError extends InputError {}

/** What may stand in a path; the backend plugin knows no other names either. */
const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

const SECONDS = {
  milliseconds: 0.001,
  seconds: 1,
  minutes: 60,
  hours: 3600,
  days: 86_400,
};

/** A Prometheus behind Backstage's proxy. */
export interface ProxyInstance {
  name: string;
  /** Below `/api/proxy`. */
  proxyPath: string;
  uiUrl?: string;
  /** The only one to send queries by. */
  httpMethod?: HttpMethod;
  /** What every request to it carries. */
  headers?: Record<string, string>;
  /** Seconds. */
  scrapeInterval?: number;
  /** The configuration says nothing of it, and so the endpoint may not be there. */
  isAssumed?: boolean;
}

/** Which Prometheus servers the proxy leads to: `prometheus.proxyPath` and `prometheus.instances`. */
export class ProxyInstances {
  private constructor(
    /** Those of the configuration. */
    private readonly instances: ReadonlyMap<string, ProxyInstance>,
    /** Names of those, and of those that the backend asks. */
    private readonly listed: ReadonlySet<string>,
    /** Whether the endpoint of `prometheus.proxyPath` chooses among servers by a header. */
    private readonly isDynamic: boolean,
    private readonly uiUrl?: string,
    private readonly scrapeInterval?: number,
    /** Where traces are shown. */
    readonly traceUrl?: string,
  ) {}

  static fromConfig(config: ConfigApi): ProxyInstances {
    const proxyPath = config.getOptionalString('prometheus.proxyPath');
    const uiUrl = config.getOptionalString('prometheus.uiUrl');
    const httpMethod = readMethod(
      config.getOptionalString('prometheus.httpMethod'),
      'prometheus.httpMethod',
    );
    const scrapeInterval = readSeconds(config, 'prometheus.scrapeInterval');
    const listed = (
      config.getOptionalConfigArray('prometheus.instances') ?? []
    ).map((item, index) => ({
      name: item.getString('name'),
      proxyPath: item.getOptionalString('proxyPath'),
      uiUrl: item.getOptionalString('uiUrl'),
      httpMethod: readMethod(
        item.getOptionalString('httpMethod'),
        `prometheus.instances[${index}].httpMethod`,
      ),
      scrapeInterval: readSeconds(item, 'scrapeInterval') ?? scrapeInterval,
    }));
    const instances = [
      { name: DEFAULT, proxyPath, uiUrl, httpMethod, scrapeInterval },
      ...listed,
    ].flatMap(({ proxyPath: path, ...instance }) =>
      path === undefined
        ? []
        : [[instance.name, { ...instance, proxyPath: path }] as const],
    );
    const isDynamic =
      config.getOptionalBoolean('prometheus.dynamicProxy') ?? false;
    if (isDynamic && proxyPath === undefined) {
      throw new InputError(
        'prometheus.dynamicProxy needs prometheus.proxyPath, the endpoint that chooses by the header',
      );
    }
    const names = new Set([DEFAULT, ...listed.map(({ name }) => name)]);
    return new ProxyInstances(
      new Map(instances),
      names,
      isDynamic,
      uiUrl,
      scrapeInterval,
      config.getOptionalString('prometheus.traceUrl'),
    );
  }

  /** The one of that name, if the configuration has a path for it. */
  find(name: string): ProxyInstance | undefined {
    return this.instances.get(name) ?? this.dynamic(name);
  }

  /**
   * As {@link find}, and otherwise the one with the customary path: `/prometheus/api`, and
   * `/prometheus-staging/api` for the instance `staging`.
   *
   * @throws UnknownInstanceError for a name that cannot be one
   */
  get(name: string): ProxyInstance {
    if (!NAME.test(name)) {
      throw this.unknown(name);
    }
    return (
      this.find(name) ?? {
        name,
        proxyPath: customaryPath(name),
        uiUrl: name === DEFAULT ? this.uiUrl : undefined,
        scrapeInterval: this.scrapeInterval,
        isAssumed: true,
      }
    );
  }

  /** Whether nobody has configured any. */
  get isEmpty(): boolean {
    return this.instances.size === 0;
  }

  /** What to say of an instance that is not there. */
  unknown(name: string): UnknownInstanceError {
    const known = [...this.instances.keys()].join(', ');
    return new UnknownInstanceError(
      `There is no Prometheus instance "${clip(name)}"; there ${known ? `are ${known}` : 'are none'}. ${this.remedy(name)}`,
    );
  }

  /** What would make an instance of that name be there. */
  remedy(name: string): string {
    const path = NAME.test(name)
      ? `, or the proxy an endpoint "${customaryPath(name)}"`
      : '';
    const header = this.instances.has(DEFAULT)
      ? `. If the endpoint of prometheus.proxyPath is a middleware that chooses by the header ${SERVICE_NAME_HEADER}, prometheus.dynamicProxy: true sends that; the backend plugin's prometheusInstanceExtensionPoint can choose too`
      : '';
    return `It needs an item in prometheus.instances${path}${header}`;
  }

  /**
   * Only where the configuration says so: an endpoint that leads to one server would take no notice
   * of the header, and show that server's data as another's.
   */
  private dynamic(name: string): ProxyInstance | undefined {
    const base = this.instances.get(DEFAULT);
    return base && this.isDynamic && !this.listed.has(name) && NAME.test(name)
      ? {
          name,
          proxyPath: base.proxyPath,
          httpMethod: base.httpMethod,
          headers: { [SERVICE_NAME_HEADER]: name },
        }
      : undefined;
  }
}

/** The instances that an entity names, or the default one. */
export function instanceNamesOf(entity: Entity): string[] {
  const names = serviceNamesOf(entity);
  return names.length > 0 ? names : [DEFAULT];
}

function customaryPath(name: string): string {
  return name === DEFAULT ? '/prometheus/api' : `/prometheus-${name}/api`;
}

/** @throws InputError that names the path */
function readMethod(
  found: string | undefined,
  path: string,
): HttpMethod | undefined {
  const method = HTTP_METHODS.find(known => known === found);
  if (found !== undefined && method === undefined) {
    throw new InputError(
      `${path} is "${found}" and none of ${HTTP_METHODS.join(', ')}`,
    );
  }
  return method;
}

/** @throws Error naming the path of what is no duration */
function readSeconds(config: ConfigApi, key: string): number | undefined {
  if (!config.has(key)) {
    return undefined;
  }
  const found = readDurationFromConfig(config, { key });
  const seconds = Object.entries(SECONDS).reduce(
    (sum, [unit, size]) =>
      sum + (found[unit as keyof typeof SECONDS] ?? 0) * size,
    0,
  );
  if (!(seconds > 0)) {
    throw new Error(
      `${key} is ${seconds} s, and has to be longer than nothing`,
    );
  }
  return seconds;
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
