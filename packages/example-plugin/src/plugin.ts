import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { metricsServiceRef } from '@nativestage/metrics';
import { Kitchen } from './Kitchen';
import { createKitchenMetrics } from './metrics';
import { createRouter } from './router';

/**
 * A pizzeria: orders come in over HTTP, wait in a queue, and a scheduled task bakes them.
 */
export const examplePlugin = createBackendPlugin({
  pluginId: 'example',
  register(env) {
    env.registerInit({
      deps: {
        httpRouter: coreServices.httpRouter,
        metrics: metricsServiceRef,
        scheduler: coreServices.scheduler,
      },
      async init({ httpRouter, metrics, scheduler }) {
        const kitchen = new Kitchen();
        const instruments = createKitchenMetrics(metrics, kitchen);

        httpRouter.use(createRouter(kitchen, instruments));

        await scheduler.scheduleTask({
          id: 'bake',
          scope: 'local',
          frequency: { seconds: 10 },
          timeout: { seconds: 5 },
          fn() {
            instruments.ordersBaked(kitchen.bake());
          },
        });
      },
    });
  },
});
