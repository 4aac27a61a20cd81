import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type LifecycleService,
  type ServiceRef,
} from '@backstage/backend-plugin-api';
import type { MetricsService } from '../../services/services';
import { rootMetricsServiceRef } from '../refs';
import { harmless } from './decorate';
import { perProvider } from './perProvider';

/** What observes a service: its instruments, made once for each provider. */
export interface ServiceObserver<S> {
  /** Called with the instance of each plugin, before the plugin gets it. */
  observe(service: S, pluginId: string, lifecycle: LifecycleService): void;
}

/**
 * A feature that observes a plugin-scoped service. Backstage makes it for each plugin before the
 * plugin's own `init`, with the very instance that the plugin will get: whatever factory the app
 * has for the service, its instances are observed.
 */
export function pluginObserver<S>(
  name: string,
  service: ServiceRef<S, 'plugin'>,
  create: (metrics: MetricsService) => ServiceObserver<S>,
) {
  const observerOf = perProvider(name, create);
  return createServiceFactory({
    service: createServiceRef<void>({
      id: `nativestage.coreMetrics.${name}`,
      scope: 'plugin',
    }),
    initialization: 'always',
    deps: {
      root: rootMetricsServiceRef,
      plugin: coreServices.pluginMetadata,
      lifecycle: coreServices.lifecycle,
      instances: optional(service),
    },
    factory: ({ root, plugin, lifecycle, instances }) => {
      harmless(`backstage.core.${name}`, () => {
        for (const instance of instances) {
          observerOf(root).observe(instance, plugin.getId(), lifecycle);
        }
      });
    },
  });
}

/**
 * The ref of a service that a backend may do without: one of many instances may be none, where one
 * of one would keep the plugin from starting. Nothing of the given ref is read: in Backstage 1.49
 * its `T` throws.
 */
export function optional<S, Scope extends 'root' | 'plugin'>(
  ref: ServiceRef<S, Scope>,
): ServiceRef<S, Scope, 'multiton'> {
  return Object.defineProperties({} as ServiceRef<S, Scope, 'multiton'>, {
    ...Object.getOwnPropertyDescriptors(ref),
    multiton: { value: true, enumerable: true },
  });
}
