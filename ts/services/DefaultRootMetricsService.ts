import type { Config } from '@backstage/config';
import { MetricsError, native } from '../common/errors';
import { globalProvider } from '../provider/globalProvider';
import { toJson } from '../common/json';
import { log } from '../common/log';
import { readOptions } from '../options/plainOptions';
import { loadBinding } from '../addon/native';
import type { NativeMeterProvider } from '../provider/NativeMeterProvider';
import type { MetricsOptions } from '../options/options';
import { readMetricsConfig } from '../provider/readMetricsConfig';
import {
  meterParts,
  type NamePolicy,
  nativeParts,
  ScopedMetricsService,
  type ServiceParts,
} from './ScopedMetricsService';
import type { MetricsService, RootMetricsService } from './services';
import { shortened } from '../common/text';

const DEFAULT_SERVICE_NAME = 'backstage';

/** Makes the parts of every service of an app. */
interface Workshop {
  own: ServiceParts;
  plugin: (id: string, policy: NamePolicy) => ServiceParts;
  service: (name: string, scope: 'plugin' | 'core') => ServiceParts;
}

/** The root metrics service over the process's provider. */
export class DefaultRootMetricsService
  extends ScopedMetricsService
  implements RootMetricsService
{
  /**
   * Configures the process's provider from `backend.metrics` and makes the service.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the path in the config, what was
   * found and what is allowed
   */
  static fromConfig(config: Config): RootMetricsService {
    return DefaultRootMetricsService.create(
      readMetricsConfig(config),
      'backend.metrics',
    );
  }

  /** @internal Configures the process's provider, unless that happened, and makes the service. */
  static create(
    options: MetricsOptions,
    path: string,
  ): DefaultRootMetricsService {
    const serviceName = options.serviceName ?? DEFAULT_SERVICE_NAME;
    const provider = globalProvider();
    if (!provider) {
      return new DefaultRootMetricsService(fallbackWorkshop(serviceName));
    }
    // This checks the options first: a provider is configured once.
    const service = DefaultRootMetricsService.over(provider, options, path);
    if (provider.isConfigured) {
      log(
        'warn',
        `metrics were configured before the root metrics service started; ${path} sets names and which plugins are disabled, but everything else stays as it is`,
      );
      provider.update({ plugin: options.plugin ?? null }, path);
    } else {
      provider.defaultServiceName = DEFAULT_SERVICE_NAME;
      provider.configure(options, path);
    }
    return service;
  }

  /** @internal The services of a provider that is configured otherwise. */
  static over(
    provider: NativeMeterProvider,
    options: MetricsOptions,
    path = 'options',
  ): DefaultRootMetricsService {
    return new DefaultRootMetricsService(
      nativeWorkshop(provider, options, path),
    );
  }

  private readonly workshop: Workshop;

  private constructor(workshop: Workshop) {
    super(workshop.own);
    this.workshop = workshop;
  }

  forPlugin(pluginId: string): MetricsService {
    const id = checkText('the id of a plugin', pluginId);
    return new ScopedMetricsService(this.workshop.plugin(id, 'throw'));
  }

  /** @internal For plugins that come through upstream's ref and could not know the rules. */
  forForeignPlugin(pluginId: string): MetricsService {
    const id = checkText('the id of a plugin', pluginId);
    return new ScopedMetricsService(this.workshop.plugin(id, 'repair'));
  }

  forService(name: string, scope: 'plugin' | 'core'): MetricsService {
    if (scope === 'plugin') {
      return this.forPlugin(name);
    }
    const checked = checkText('the name of a service', name);
    checkText('the scope of a service', scope);
    return new ScopedMetricsService(this.workshop.service(checked, scope));
  }
}

/** Plain JavaScript may pass anything. A name that is too long is refused in a short message. */
function checkText(what: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new MetricsError(
      'ERR_METRICS_INVALID_NAME',
      `${what}: found ${value === null ? 'null' : `a value of type ${typeof value}`}, expected text`,
    );
  }
  return shortened(value);
}

function nativeWorkshop(
  provider: NativeMeterProvider,
  options: MetricsOptions,
  path: string,
): Workshop {
  const { NativeRootMetricsService } = loadBinding()!;
  const { plain } = readOptions(options, path);
  const root = native(() => new NativeRootMetricsService(toJson(plain), path));
  return {
    own: nativeParts(provider, root.own(), 'throw'),
    plugin: (id, policy) => {
      const service = native(() => root.forPlugin(id, policy === 'repair'));
      if (service.notice) {
        log('warn', service.notice);
      }
      return nativeParts(provider, service, policy);
    },
    service: (name, scope) => {
      // Plain JavaScript may ask for another scope: the native side says which there are.
      const service = native(() => root.forService(name, scope));
      return nativeParts(provider, service, 'throw');
    },
  };
}

/** Where the addon cannot be loaded. */
function fallbackWorkshop(serviceName: string): Workshop {
  return {
    own: meterParts(serviceName),
    plugin: id => meterParts(`${serviceName}.plugin.${id}`),
    service: (name, scope) => meterParts(`${serviceName}.${scope}.${name}`),
  };
}
