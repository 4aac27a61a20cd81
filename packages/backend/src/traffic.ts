import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { eventsServiceRef } from '@backstage/plugin-events-node';
import { scaffolderServiceRef } from '@backstage/plugin-scaffolder-node';

const pizzas = ['margherita', 'marinara', 'quattro-formaggi', 'hawaii'];
const channels = ['counter', 'phone', 'web'];

/**
 * Plays the customers and the developers, so that the page of a freshly started example shows
 * orders, catalog entities, scaffolder runs, events and a cache in use without anyone clicking.
 */
export default createBackendPlugin({
  pluginId: 'traffic',
  register(env) {
    env.registerInit({
      deps: {
        auth: coreServices.auth,
        cache: coreServices.cache,
        discovery: coreServices.discovery,
        events: eventsServiceRef,
        logger: coreServices.logger,
        scaffolder: scaffolderServiceRef,
        scheduler: coreServices.scheduler,
      },
      async init({
        auth,
        cache,
        discovery,
        events,
        logger,
        scaffolder,
        scheduler,
      }) {
        let services = 0;

        await scheduler.scheduleTask({
          id: 'order-pizza',
          scope: 'local',
          frequency: { seconds: 5 },
          timeout: { seconds: 10 },
          async fn(signal) {
            const { token } = await auth.getPluginRequestToken({
              onBehalfOf: await auth.getOwnServiceCredentials(),
              targetPluginId: 'example',
            });
            const orders = (await cache.get<number>('orders')) ?? 0;
            await cache.set('orders', orders + 1);
            const order = {
              // Hawaii is on nobody's menu: the page shows refused orders as well.
              pizza: pizzas[orders % pizzas.length],
              channel: channels[orders % channels.length],
            };
            const response = await fetch(
              `${await discovery.getBaseUrl('example')}/orders`,
              {
                method: 'POST',
                headers: {
                  authorization: `Bearer ${token}`,
                  'content-type': 'application/json',
                },
                body: JSON.stringify(order),
                signal,
              },
            );
            logger.debug(`${order.pizza}: HTTP ${response.status}`);
          },
        });

        await events.subscribe({
          id: 'traffic',
          topics: ['scaffolder.task'],
          onEvent({ topic }) {
            logger.debug(`Heard of ${topic}`);
            return Promise.resolve();
          },
        });

        await scheduler.scheduleTask({
          id: 'scaffold-service',
          scope: 'local',
          // The catalog needs a moment to take the template in.
          initialDelay: { seconds: 15 },
          frequency: { seconds: 20 },
          timeout: { seconds: 20 },
          async fn() {
            services += 1;
            const { taskId } = await scaffolder.scaffold(
              {
                templateRef: 'template:default/service',
                values: { name: `service-${services}` },
              },
              { credentials: await auth.getOwnServiceCredentials() },
            );
            logger.info(`Scaffolding service-${services} as task ${taskId}`);
          },
        });
      },
    });
  },
});
