import {
  coreServices,
  createServiceFactory,
} from '@backstage/backend-plugin-api';
import { DefaultRootMetricsService } from '../services/DefaultRootMetricsService';
import { globalProvider } from '../provider/globalProvider';
import { setLogger } from '../common/log';
import { readMetricsConfig } from '../provider/readMetricsConfig';
import { backstageVersion } from './backstageVersion';
import { followConfig, LIVE } from './followConfig';
import { rootMetricsServiceRef } from './refs';

/**
 * The app's metrics service: configures the process's provider from `backend.metrics` and flushes
 * it when the backend shuts down. Starts with the backend, asked for or not. Later changes of views,
 * disabled meters and limits are applied as they come.
 */
export const rootMetricsServiceFactory = createServiceFactory({
  service: rootMetricsServiceRef,
  deps: {
    config: coreServices.rootConfig,
    logger: coreServices.rootLogger,
    lifecycle: coreServices.rootLifecycle,
  },
  initialization: 'always',
  factory: ({ config, logger, lifecycle }) => {
    setLogger(logger);
    const options = readMetricsConfig(config);
    // Who configured it before had a say in all but the plugins.
    const live = globalProvider()?.isConfigured ? (['plugin'] as const) : LIVE;
    const service = DefaultRootMetricsService.create(
      {
        ...options,
        serviceVersion: options.serviceVersion ?? backstageVersion(),
      },
      'backend.metrics',
    );
    const unfollow = followConfig(config, live, changed =>
      globalProvider()?.update(changed, 'backend.metrics'),
    );
    lifecycle.addShutdownHook(unfollow);
    // Not shutdown: other hooks run in parallel and still record; the exit handler does the rest.
    lifecycle.addShutdownHook(async () => globalProvider()?.forceFlush());
    return service;
  },
});
