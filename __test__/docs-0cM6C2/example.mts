import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { metricsServiceRef } from '@nativestage/metrics';

export const ordersPlugin = createBackendPlugin({
  pluginId: 'orders',
  register(env) {
    env.registerInit({
      deps: { metrics: metricsServiceRef },
      async init({ metrics }) {
        // Exported as backstage.plugin.orders.orders.placed
        const placed = metrics.createCounter('orders.placed', {
          description: 'Orders that customers placed',
          unit: '{order}',
        });
        placed.add(1, { channel: 'web' });
      },
    });
  },
});
